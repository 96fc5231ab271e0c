"""`podTemplate` is laid over the rendered template as Kubernetes' strategic merge would."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elixircluster.errors import Stalled
from elixircluster.render.objects import render
from elixircluster.render.overlay import overlay
from elixircluster.render.templates import Templates
from tests.unit.factory import children, cluster, container, variables

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
    "a mapping is deleted": ({"a": {"b": 1}, "c": 2}, {"a": {"$patch": "delete"}}, {"c": 2}),
    "a mapping takes the place of ours": (
        {"securityContext": {"runAsUser": 65534, "fsGroup": 65534}},
        {"securityContext": {"$patch": "replace", "runAsNonRoot": True}},
        {"securityContext": {"runAsNonRoot": True}},
    ),
    "a directive that says what is done anyway": (
        {"a": {"b": 1}},
        {"a": {"$patch": "merge", "c": 2}},
        {"a": {"b": 1, "c": 2}},
    ),
    "an entry is deleted": (
        {"containers": [{"name": "app"}, {"name": "proxy"}]},
        {"containers": [{"name": "proxy", "$patch": "delete"}]},
        {"containers": [{"name": "app"}]},
    ),
    "an entry that is not there is deleted": (
        {"containers": [{"name": "app"}]},
        {"containers": [{"name": "proxy", "$patch": "delete"}]},
        {"containers": [{"name": "app"}]},
    ),
    "an entry takes the place of ours": (
        {"containers": [{"name": "app", "image": "a", "tty": True}]},
        {"containers": [{"name": "app", "image": "b", "$patch": "replace"}]},
        {"containers": [{"name": "app", "image": "b"}]},
    ),
    "a list takes the place of ours": (
        {"volumes": [{"name": "tmp"}, {"name": "config"}]},
        {"volumes": [{"$patch": "replace"}, {"name": "mine"}]},
        {"volumes": [{"name": "mine"}]},
    ),
    "directives where there was nothing": (
        {},
        {"a": {"$patch": "replace", "b": 1}, "c": {"$patch": "delete"}, "d": {"e": None}},
        {"a": {"b": 1}, "d": {}},
    ),
    "all of it is deleted": ({"a": 1}, {"$patch": "delete"}, {}),
    # `tcpSocket: null` is lost by `kubectl apply`, and a probe has one handler.
    "another handler of a probe": (
        {"readinessProbe": {"tcpSocket": {"port": 4000}, "periodSeconds": 5}},
        {"readinessProbe": {"exec": {"command": ["true"]}, "timeoutSeconds": 15}},
        {"readinessProbe": {"exec": {"command": ["true"]}, "timeoutSeconds": 15, "periodSeconds": 5}},
    ),
    "the same handler of a probe": (
        {"readinessProbe": {"tcpSocket": {"port": 4000}}},
        {"readinessProbe": {"tcpSocket": {"host": "127.0.0.1"}}},
        {"readinessProbe": {"tcpSocket": {"port": 4000, "host": "127.0.0.1"}}},
    ),
    "a probe's times alone": (
        {"startupProbe": {"httpGet": {"path": "/"}, "periodSeconds": 1}},
        {"startupProbe": {"periodSeconds": 2}},
        {"startupProbe": {"httpGet": {"path": "/"}, "periodSeconds": 2}},
    ),
    "another action of a hook": (
        {"lifecycle": {"preStop": {"exec": {"command": ["a"]}}}},
        {"lifecycle": {"preStop": {"sleep": {"seconds": 5}}, "postStart": {"exec": {"command": ["b"]}}}},
        {"lifecycle": {"preStop": {"sleep": {"seconds": 5}}, "postStart": {"exec": {"command": ["b"]}}}},
    ),
    "another source of a volume": (
        {"volumes": [{"name": "tmp", "emptyDir": {}}]},
        {"volumes": [{"name": "tmp", "ephemeral": {"volumeClaimTemplate": {}}}]},
        {"volumes": [{"name": "tmp", "ephemeral": {"volumeClaimTemplate": {}}}]},
    ),
    "a setting of a volume's source": (
        {"volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}]},
        {"volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory"}}]},
        {"volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi", "medium": "Memory"}}]},
    ),
    "a variable from elsewhere": (
        {"env": [{"name": "A", "value": "1"}]},
        {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]},
        {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]},
    ),
    "a variable from another object": (
        {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]},
        {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]},
        {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]},
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


UNKNOWN = {
    "an order": {"spec": {"$setElementOrder/containers": [{"name": "app"}]}},
    "keys to keep": {"spec": {"volumes": [{"name": "tmp", "$retainKeys": ["name"]}]}},
    "a list of texts": {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
    "a word": {"spec": {"$patch": "remove"}},
    "no word": {"spec": {"$patch": ["delete"]}},
}


@pytest.mark.parametrize("patch", UNKNOWN.values(), ids=UNKNOWN)
def test_a_directive_that_is_not_known_is_refused_and_not_passed_through(patch):
    with pytest.raises(Stalled, match=r"\$patch: delete, replace and merge") as stalled:
        overlay({"spec": {"volumes": [{"name": "tmp"}]}}, patch)
    assert stalled.value.reason == "InvalidPodTemplate"


NAMES = st.sampled_from(["containers", "name", "env", "spec", "readinessProbe", "exec"])
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


# An annotation of ours laid over by a podTemplate stopped a rollout half-way, and could not be taken back.
OURS = {
    "a label": {"labels": {"app.kubernetes.io/managed-by": "me"}},
    "our own label": {"labels": {"elixircluster.dev/slot": "b"}},
    "an annotation": {"annotations": {"elixircluster.dev/config": "x"}},
    "the distribution": {"annotations": {"elixircluster.dev/distribution": "x"}},
    "labels that are a text": {"labels": "x"},
}


@pytest.mark.parametrize("metadata", OURS.values(), ids=OURS)
def test_a_pod_template_that_takes_the_operators_metadata_is_refused(metadata):
    with pytest.raises(Stalled) as stalled:
        cluster(podTemplate={"metadata": metadata})
    assert stalled.value.reason == "InvalidSpec"


TAKEN = {
    "another name": ([{"name": "RELEASE_NODE", "value": "a@b"}], "RELEASE_NODE"),
    "another kind of value": ([{"name": "POD_IP", "value": "1.2.3.4"}], "POD_IP"),
    "a flag of ours": ([{"name": "ERL_ZFLAGS", "value": "-proto_dist inet_tcp"}], "must not be repeated"),
    "another port": ([{"name": "PORT", "value": "1"}], "PORT is web"),
}


@pytest.mark.parametrize(("env", "said"), TAKEN.values(), ids=TAKEN)
def test_a_pod_template_that_takes_the_operators_variables_stalls(env, said):
    patch = {"spec": {"containers": [{"name": "app", "env": env}]}}
    with pytest.raises(Stalled, match=said) as stalled:
        children(cluster(web={}, podTemplate=patch))
    assert stalled.value.reason == "InvalidPodTemplate"


def test_a_template_without_containers_is_left_to_the_api_server():
    assert children(cluster(podTemplate={"spec": {"containers": None}}))


def test_a_pod_template_may_add_a_variable():
    env = [{"name": "A", "value": "b"}, {"name": "HOME", "value": "/home"}]
    found = variables(cluster(web={}, podTemplate={"spec": {"containers": [{"name": "app", "env": env}]}}))
    assert (found["A"], found["HOME"]) == ("b", "/home")


@pytest.mark.parametrize("patch", [{"metadata": {"labels": None}}, {"metadata": None}, {"spec": None}])
def test_a_null_takes_nothing_away_since_the_api_server_drops_it(patch):
    assert children(cluster(podTemplate=patch)) == children(cluster())


def test_a_handler_in_the_pod_template_takes_the_place_of_the_rendered_one():
    probe = {"exec": {"command": ["bin/chat", "rpc", "1 + 1"]}, "timeoutSeconds": 15}
    patch = {"spec": {"containers": [{"name": "app", "readinessProbe": probe}]}}
    found = container(cluster(web={}, podTemplate=patch))["readinessProbe"]
    assert found == {**probe, "periodSeconds": 5, "failureThreshold": 3}


@pytest.mark.parametrize("beside", [{"metadata": {"$patch": "delete"}}, {"$patch": "replace"}, {"kind": "Pod"}])
def test_what_the_api_server_drops_of_a_pod_template_does_nothing(beside):
    assert children(cluster(podTemplate=beside)) == children(cluster())


@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_no_directive_takes_the_operators_metadata_away(field):
    with pytest.raises(Stalled):
        cluster(podTemplate={"metadata": {field: {"$patch": "delete"}}})


def test_a_stateful_set_of_a_users_own_template_is_not_the_pod_templates(tmp_path):
    (tmp_path / "cache.yaml.j2").write_text(
        "kind: StatefulSet\nmetadata: {name: cache, namespace: x}\nspec: {template: {spec: {}}}\n"
    )
    resource = cluster(podTemplate={"spec": {"hostNetwork": True}})
    (cache,) = (item for item in render(resource, Templates(tmp_path), "u") if item["metadata"]["name"] == "cache")
    assert cache["spec"]["template"] == {"spec": {}}
