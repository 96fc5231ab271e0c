"""`podTemplate` is laid over the rendered template as Kubernetes' strategic merge would."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elixircluster.errors import Stalled
from elixircluster.render.overlay import overlay
from tests.unit.factory import children, cluster

MERGES = {
    "a field is added": ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
    "a field is replaced": ({"a": 1}, {"a": 2}, {"a": 2}),
    "null removes": ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
    "null removes what is not there": ({"b": 2}, {"a": None}, {"b": 2}),
    "mappings merge": ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
    "a text over a mapping": ({"a": {"b": 1}}, {"a": "x"}, {"a": "x"}),
    "a mapping over a text": ({"a": "x"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    "an ordinary list is replaced": ({"args": ["a", "b"]}, {"args": ["c"]}, {"args": ["c"]}),
    "a container is found by its name": (
        {"containers": [{"name": "app", "image": "a"}, {"name": "b"}]},
        {"containers": [{"name": "app", "tty": True}]},
        {"containers": [{"name": "app", "image": "a", "tty": True}, {"name": "b"}]},
    ),
    "a container is added": (
        {"containers": [{"name": "app"}]},
        {"containers": [{"name": "b"}]},
        {"containers": [{"name": "app"}, {"name": "b"}]},
    ),
    "a variable in a container": (
        {"containers": [{"name": "app", "env": [{"name": "A", "value": "1"}, {"name": "B"}]}]},
        {"containers": [{"name": "app", "env": [{"name": "A", "value": "2"}]}]},
        {"containers": [{"name": "app", "env": [{"name": "A", "value": "2"}, {"name": "B"}]}]},
    ),
    "a mount by its path": (
        {"volumeMounts": [{"mountPath": "/tmp", "name": "tmp"}]},
        {"volumeMounts": [{"mountPath": "/tmp", "name": "other"}, {"mountPath": "/x", "name": "x"}]},
        {"volumeMounts": [{"mountPath": "/tmp", "name": "other"}, {"mountPath": "/x", "name": "x"}]},
    ),
    "tolerations replace, as in Kubernetes": (
        {"tolerations": [{"key": "a"}]},
        {"tolerations": [{"key": "b"}]},
        {"tolerations": [{"key": "b"}]},
    ),
    "an entry without its key is added": (
        {"containers": [{"name": "app"}]},
        {"containers": [{"image": "x"}, 5]},
        {"containers": [{"name": "app"}, {"image": "x"}, 5]},
    ),
    "a name that is no text": (
        {"containers": [{"name": ["app"]}, {"name": "b"}]},
        {"containers": [{"name": {"x": 1}}, {"name": ["app"], "tty": True}]},
        {"containers": [{"name": ["app"], "tty": True}, {"name": "b"}, {"name": {"x": 1}}]},
    ),
}


@pytest.mark.parametrize(("base", "patch", "result"), MERGES.values(), ids=MERGES)
def test_a_patch_is_laid_over(base, patch, result):
    assert overlay(base, patch) == result


NAMES = st.sampled_from(["containers", "name", "env", "spec"])
JSON = st.recursive(
    st.none() | st.sampled_from([True, 1, "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(NAMES, JSON, max_size=3)


@given(MAPPINGS, MAPPINGS)
def test_any_patch_can_be_laid_over_anything_and_changes_neither(base, patch):
    before = copy.deepcopy((base, patch))
    overlay(base, patch)
    assert (base, patch) == before


@given(MAPPINGS)
def test_an_empty_patch_changes_nothing(base):
    assert overlay(base, {}) == base


def test_the_pod_template_of_the_resource_is_laid_over_the_rendered_one():
    patch = {
        "metadata": {"annotations": {"a": "b"}},
        "spec": {"hostAliases": [{"ip": "1.2.3.4"}], "containers": [{"name": "app", "tty": True}]},
    }
    template = children(cluster(podTemplate=patch))["StatefulSet"]["spec"]["template"]
    assert template["metadata"]["annotations"].items() >= {"a": "b"}.items()
    assert template["spec"]["hostAliases"] == [{"ip": "1.2.3.4"}]
    assert template["spec"]["containers"][0]["tty"] is True
    assert template["spec"]["containers"][0]["image"] == "chat:1"


LOST_LABELS = {
    "changed": {"metadata": {"labels": {"app.kubernetes.io/managed-by": "me"}}},
    "removed": {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}},
    "all gone": {"metadata": {"labels": None}},
    "no labels": {"metadata": {"labels": "x"}},
    "no metadata": {"metadata": None},
    "another kind of metadata": {"metadata": []},
}


@pytest.mark.parametrize("patch", LOST_LABELS.values(), ids=LOST_LABELS)
def test_a_pod_template_that_takes_the_operators_labels_away_stalls(patch):
    with pytest.raises(Stalled) as stalled:
        children(cluster(podTemplate=patch))
    assert stalled.value.reason == "InvalidPodTemplate"
    assert "podTemplate.metadata.labels" in stalled.value.message
