"""From a dict of the API server to a resource, and what is said when it is none."""

from __future__ import annotations

import pytest

from elixircluster.api.resource import Key, parse
from elixircluster.api.schema import unknown_fields
from elixircluster.errors import Stalled
from tests.unit.factory import UID, body, cluster

BROKEN = {
    "no image": ({"image": None}, "spec.image"),
    "image with a blank": ({"image": "a b"}, "spec.image"),
    "too many replicas": ({"replicas": 1001}, "spec.replicas: input should be less than or equal to 1000"),
    "replicas in words": ({"replicas": "three"}, "spec.replicas: input should be a valid integer"),
    "unknown strategy": ({"discovery": {"strategy": "Gossip"}}, "spec.discovery.strategy: input should be 'DNS'"),
    "an entry of a list": ({"env": [{"name": "A"}, {"name": "1"}]}, "spec.env[1].name"),
    "a port": ({"web": {"port": 0}}, "spec.web.port: input should be greater than or equal to 1"),
    "not an object": ({"distribution": []}, "spec.distribution"),
}


@pytest.mark.parametrize(("spec", "said"), BROKEN.values(), ids=BROKEN)
def test_a_spec_that_breaks_the_schema_stalls_and_names_the_field(spec, said):
    with pytest.raises(Stalled) as stalled:
        cluster(**spec)
    assert stalled.value.reason == "InvalidSpec"
    assert said in stalled.value.message


def test_at_most_five_errors_are_explained():
    with pytest.raises(Stalled) as stalled:
        cluster(env=[{"name": ""}] * 9)
    assert stalled.value.message.count("; ") == 4


def test_an_explanation_never_shows_what_was_given():
    with pytest.raises(Stalled) as stalled:
        cluster(env=[{"name": "A", "value": ["hunter2"]}], replicas="hunter2", image="hunter2 hunter2")
    assert "hunter2" not in stalled.value.message


def test_a_resource_knows_its_identity():
    resource = cluster("chat-eu", "talk")
    assert resource.key == Key("talk", "chat-eu")
    assert str(resource.key) == "talk/chat-eu"
    assert resource.uid == UID
    assert resource.generation == 1


def test_the_nodes_are_named_after_the_resource_unless_the_release_has_a_name():
    assert cluster("chat-eu").base_name == "chat_eu"
    assert cluster("chat-eu", release={"name": "chat"}).base_name == "chat"


def test_a_spec_without_a_word_has_every_default():
    spec = cluster().spec
    assert (spec.replicas, spec.discovery.strategy, spec.distribution.port) == (3, "DNS", 6789)
    assert (spec.update.strategy, spec.disruption.max_unavailable, spec.paused) == ("Rolling", 1, False)
    assert spec.web is None


@pytest.mark.parametrize(
    ("spec", "unknown"),
    [
        ({}, []),
        ({"webb": {"port": 1}}, ["spec.webb"]),
        ({"web": {"portt": 1}}, ["spec.web.portt"]),
        ({"env": [{"name": "A", "valu": "b"}]}, ["spec.env[0].valu"]),
        ({"web": {}, "health": {"startup": {"httpGet": {"path": "/", "prt": 1}}}}, ["spec.health.startup.httpGet.prt"]),
        ({"resources": {"anything": "goes"}}, []),
    ],
)
def test_fields_that_no_model_knows_are_listed_as_a_user_writes_them(spec, unknown):
    assert list(unknown_fields(cluster(**spec).spec, "spec")) == unknown


def test_an_operator_reads_a_resource_that_was_written_for_a_newer_one():
    assert cluster(fieldOfNextYear={"a": 1}).spec.image == "chat:1"


def test_a_resource_without_a_spec_stalls():
    resource = body()
    del resource["spec"]
    with pytest.raises(Stalled, match=r"spec\.image"):
        parse(resource)
