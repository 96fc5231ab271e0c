"""The rules of the CustomResourceDefinition, evaluated as the API server evaluates them."""

from __future__ import annotations

import pytest

from elixircluster.api.cel import holds
from elixircluster.api.resource import parse, schema
from elixircluster.api.schema import keyed
from elixircluster.api.validation import broken, defaulted
from elixircluster.errors import Stalled
from tests.integration.operator.bad_resources import NAMES, REFUSED
from tests.unit.factory import body, cluster

PORT = {"type": "integer", "default": 80}
SCHEMA = {
    "type": "object",
    "properties": {"port": PORT, "list": {"type": "array", "items": {"properties": {"a": PORT}}}},
}
DEFAULTED = {
    "what is missing gets its default": ({}, {"port": 80}),
    "what was said stays": ({"port": 0}, {"port": 0}),
    "null is as if nothing was said": ({"port": None, "list": None}, {"port": 80}),
    "in a list": ({"list": [{}, {"a": 1}]}, {"port": 80, "list": [{"a": 80}, {"a": 1}]}),
    "what the schema does not know is left alone": ({"x": None, "port": 1}, {"x": None, "port": 1}),
    "what is no object is left to the types": ([], []),
}


@pytest.mark.parametrize(("value", "result"), DEFAULTED.values(), ids=DEFAULTED)
def test_defaults_are_those_that_the_api_server_gives(value, result):
    assert defaulted(SCHEMA, value) == result


@pytest.mark.parametrize(
    ("rule", "value", "true"),
    [
        ("self.a.map(k, self.a[k].size()).sum() <= 3", {"a": {"x": "é", "y": "bc"}}, True),
        ("self.a.map(k, self.a[k].size()).sum() <= 2", {"a": {"x": "é", "y": "bc"}}, False),
        ("self.a.split(' ')[0] == 'x'", {"a": "x y"}, True),
        ("self.a.matches('^[a-z]+$')", {"a": "A"}, False),
        ("self.a == 'x'", {}, False),
        ("has(self.a)", {"a": "\ud800"}, False),
    ],
)
def test_a_rule_that_is_false_or_cannot_be_evaluated_does_not_hold(rule, value, true):
    assert holds(rule, value) is true


def test_a_rule_about_a_change_says_nothing_about_a_resource_alone():
    assert not [*broken({"x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "no"}]}, 1)]


def test_a_list_that_is_a_map_has_each_key_once():
    (said,) = broken({"type": "array", **keyed("name")}, [{"name": "a"}, {"name": "b"}, {"name": "a"}], "spec.env")
    assert said == "spec.env[2]: a second entry of name a"


@pytest.mark.parametrize("spec", [case.spec for case in REFUSED.values()], ids=REFUSED)
def test_what_kubectl_apply_refuses_the_operator_and_render_refuse(spec):
    with pytest.raises(Stalled) as stalled:
        cluster(**spec)
    assert stalled.value.reason == "InvalidSpec"


def test_what_is_refused_is_told_with_its_field():
    with pytest.raises(Stalled) as stalled:
        cluster(podMetadata={"labels": {"a b": "c"}}, env=[{"name": "POD_IP"}])
    assert "spec.podMetadata.labels: a key is a name of" in stalled.value.message
    assert "spec.env: these are set by the operator" in stalled.value.message


@pytest.mark.parametrize("name", [name for name, _ in NAMES.values()], ids=NAMES)
def test_a_name_that_kubectl_apply_refuses_is_refused(name):
    with pytest.raises(Stalled, match=r"metadata\.name"):
        parse(body(name))


def test_every_rule_can_be_evaluated():
    """One that could not would refuse every resource."""
    assert not [
        *broken(schema(), defaulted(schema(), body(web={}, vm={}, env=[], files={}, podMetadata={}, release={})))
    ]


def test_lists_that_are_maps_say_so():
    properties = schema()["properties"]["spec"]["properties"]
    keys = {
        name: part["x-kubernetes-list-map-keys"]
        for name, part in properties.items()
        if "x-kubernetes-list-type" in part
    }
    assert keys == {
        "env": ["name"],
        "storage": ["name"],
        "volumes": ["name"],
        "volumeMounts": ["mountPath"],
        "sidecars": ["name"],
        "initContainers": ["name"],
        "imagePullSecrets": ["name"],
    }
    for name, (key,) in keys.items():
        assert key in properties[name]["items"]["required"]
