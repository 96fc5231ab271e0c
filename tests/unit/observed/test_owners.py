"""Whose an object is: told by owner and uid, never by labels alone."""

from __future__ import annotations

import pytest

from elixircluster.api.resource import API_VERSION, KIND
from elixircluster.kube.kinds import CLUSTERS, CONFIG_MAPS, PODS, STATEFUL_SETS
from elixircluster.observed.ownership import key_of, owner_uid
from elixircluster.observed.store import Store
from tests.unit.observed.objects import CHAT, RESOURCE, filled, member, meta, workload

OWNERS = {
    "a resource": (CLUSTERS, meta("chat", 1, owner="", label=""), CHAT),
    "a child": (CONFIG_MAPS, meta("x", 1), CHAT),
    "a child whose label was taken away": (CONFIG_MAPS, meta("x", 1, label=""), CHAT),
    "a child whose label was changed": (CONFIG_MAPS, meta("x", 1, label="other"), CHAT),
    "an object that claims to be a child": (CONFIG_MAPS, meta("x", 1, owner=""), CHAT),
    "an object of nobody": (CONFIG_MAPS, meta("x", 1, owner="", label=""), None),
    "no labels at all": (CONFIG_MAPS, {**meta("x", 1, owner=""), "labels": None}, None),
    "a pod": (PODS, meta("chat-0", 1, owner=""), CHAT),
}


@pytest.mark.parametrize(("kind", "metadata", "key"), OWNERS.values(), ids=OWNERS)
def test_an_object_concerns_its_owner(kind, metadata, key):
    assert key_of(kind, metadata) == key


OWNER = {"apiVersion": API_VERSION, "kind": KIND, "name": "chat", "uid": "u", "controller": True}
OWNER_REFERENCES = {
    "ours": ([OWNER], "u"),
    "an older version of ours": ([{**OWNER, "apiVersion": "elixircluster.dev/v1alpha0"}], "u"),
    "not the controller": ([{**OWNER, "controller": False}], ""),
    "another kind": ([{**OWNER, "kind": "Deployment"}], ""),
    "another group": ([{**OWNER, "apiVersion": "example.com/v1"}], ""),
    "one of several": ([{**OWNER, "kind": "X", "controller": False}, OWNER], "u"),
    "none": ([], ""),
    "null": (None, ""),
}


@pytest.mark.parametrize(("given", "uid"), OWNER_REFERENCES.values(), ids=OWNER_REFERENCES)
def test_the_owner_is_the_elixircluster_that_controls_the_object(given, uid):
    assert owner_uid({"ownerReferences": given}) == uid


def names(pods):
    return [pod.name for pod in pods]


OTHERS = {
    "a copy that kubectl debug made": member(7, name="debug-1", owner_uid=""),
    "a pod of a Job": member(7, name="chat-migrate-7", owner_uid="job", kind="Job"),
    "a pod of a Job with a member's name": member(7, owner_uid="job", kind="Job"),
    "a pod of another StatefulSet": member(7, name="other-7", owner_uid="another"),
}


@pytest.mark.parametrize("body", OTHERS.values(), ids=OTHERS)
def test_a_pod_with_our_labels_and_another_owner_is_looked_at_by_nobody(body):
    """A bare pod `debug-1` was deleted at once, and a Job's pod held a Recreate at zero for ever."""
    store = filled()
    store.see(PODS, member(0))
    store.see(PODS, body)
    assert names(store.observed(CHAT).pods) == ["chat-0"]
    if body is not OTHERS["a pod of another StatefulSet"]:
        assert names(store.observed(CHAT).unclaimed) == []


def test_pods_of_a_deleted_resource_of_the_same_name_are_not_those_of_the_new_one():
    """They made the new one Ready, or Stalled for their cookie."""
    store = Store()
    store.see(CLUSTERS, RESOURCE)
    store.see(PODS, member(0, owner_uid="predecessor"))
    store.see(STATEFUL_SETS, workload())
    assert store.pods(CHAT) == ()
    assert names(store.observed(CHAT).unclaimed) == ["chat-0"]


def test_a_stateful_set_of_another_owner_has_no_pods_of_ours():
    store = Store()
    store.see(CLUSTERS, RESOURCE)
    store.see(STATEFUL_SETS, workload(owner=""))
    store.see(PODS, member(0))
    seen = store.observed(CHAT)
    assert (seen.workload, seen.pods) == (None, ())
