"""A resource that is deleted leaves nothing."""

from __future__ import annotations

import pytest

from .conftest import VARIANTS
from .user import comes_true, together

# In every namespace, without anybody's doing.
ALWAYS = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}


class Deletion:
    """What there was of an example, and what is left."""

    def __init__(self, example, kinds):
        self._example, self._kinds = example, kinds
        self.before = self._everything()
        self.resource = next(item for item in self.before if item["kind"] == "ElixirCluster")
        uid = self.resource["metadata"]["uid"]
        self.children = [
            item
            for item in self.before
            if any(owner["uid"] == uid for owner in item["metadata"].get("ownerReferences") or [])
        ]

    def delete(self):
        self._example.namespace.kubectl("delete", "elixircluster", self._example.name)
        given = {(item["kind"], item["metadata"]["name"]) for item in self._example.manifest}
        self.kept = given - {("ElixirCluster", self._example.name)}
        comes_true(lambda: self.left() == self.kept, 90, pause=1)

    def left(self):
        return {(item["kind"], item["metadata"]["name"]) for item in self._everything()} - ALWAYS

    def _everything(self):
        return self._example.namespace.items(self._kinds)


@pytest.fixture(scope="module")
def deletions(examples, kubernetes):
    """All at once: most of the time pods are waited for."""
    listed = kubernetes.kubectl("api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
    # Events are told for an hour; metrics are no objects.
    kinds = ",".join(kind for kind in listed if not kind.startswith(("events", "pods.metrics")))
    found = dict(zip(examples, together(*(lambda e=e: Deletion(e, kinds) for e in examples.values())), strict=True))
    together(*(deletion.delete for deletion in found.values()))
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_everything_of_a_deleted_resource_goes_and_nothing_waits_for_the_operator(deletions, variant):
    deletion = deletions[variant]
    assert all("finalizers" not in item["metadata"] for item in (deletion.resource, *deletion.children))
    owned = {item["kind"] for item in deletion.children}
    assert owned >= {"StatefulSet", "Service", "ConfigMap", "ServiceAccount", "PodDisruptionBudget"}
    assert deletion.left() == deletion.kept
