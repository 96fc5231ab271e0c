"""The fake API server refuses and counts as the real one does."""

from __future__ import annotations

import pytest

from elixircluster.kube.api import ApiError
from elixircluster.kube.kinds import CLUSTERS, CONFIG_MAPS, SECRETS, STATEFUL_SETS
from tests.fake.server import NEVER, Ref, Server

US, USER = "elixircluster", "kubectl"


@pytest.fixture
def server():
    return Server(lambda: "2026-01-01T00:00:00Z")


def config(data, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", **metadata}, "data": data}


def workload(replicas=3, image="chat:1", **env):
    container = {"name": "app", "image": image, "env": [{"name": key, "value": value} for key, value in env.items()]}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "chat"},
        "spec": {"replicas": replicas, "serviceName": "chat", "template": {"spec": {"containers": [container]}}},
    }


def managers(body):
    return {(item["manager"], item["operation"]): item["fieldsV1"] for item in body["metadata"]["managedFields"]}


def refusal(call, *arguments):
    with pytest.raises(ApiError) as refused:
        call(*arguments)
    return refused.value.code


def test_every_change_is_a_version_and_what_changes_nothing_is_none(server):
    first = server.apply(US, CONFIG_MAPS, config({"a": "1"}))
    assert server.apply(US, CONFIG_MAPS, config({"a": "1"})) == first
    second = server.apply(US, CONFIG_MAPS, config({"a": "2"}))
    assert int(second["metadata"]["resourceVersion"]) == int(first["metadata"]["resourceVersion"]) + 1


def test_the_generation_counts_changes_of_the_spec_alone(server):
    server.apply(US, STATEFUL_SETS, workload())
    server.merge(USER, STATEFUL_SETS, "chat", {"status": {"replicas": 3}}, "status")
    labelled = server.merge(USER, STATEFUL_SETS, "chat", {"metadata": {"labels": {"a": "b"}}})
    assert labelled["metadata"]["generation"] == 1
    assert labelled["status"] == {"replicas": 3}
    assert server.apply(US, STATEFUL_SETS, workload(5))["metadata"]["generation"] == 2


def test_an_apply_with_the_version_that_nothing_has_only_creates(server):
    created = config({}, resourceVersion=NEVER)
    server.apply(US, CONFIG_MAPS, created)
    assert refusal(server.apply, US, CONFIG_MAPS, created) == 409


def test_an_apply_with_a_uid_lands_on_no_other_object(server):
    known = server.apply(US, CONFIG_MAPS, config({"a": "1"}))
    server.delete(USER, CONFIG_MAPS, "c")
    named = config({"a": "2"}, uid=known["metadata"]["uid"])
    assert refusal(server.apply, US, CONFIG_MAPS, named) == 409
    server.apply(USER, CONFIG_MAPS, config({}))
    assert refusal(server.apply, US, CONFIG_MAPS, named) == 409


def test_a_deletion_of_what_changed_meanwhile_is_refused(server):
    seen = server.apply(US, CONFIG_MAPS, config({"a": "1"}))["metadata"]
    server.apply(USER, CONFIG_MAPS, config({"b": "1"}))
    preconditions = {"uid": seen["uid"], "resourceVersion": seen["resourceVersion"]}
    assert refusal(server.delete, US, CONFIG_MAPS, "c", preconditions) == 409
    server.delete(US, CONFIG_MAPS, "c", {"uid": seen["uid"]})
    assert refusal(server.delete, US, CONFIG_MAPS, "c") == 404


def test_who_applies_less_takes_away_what_only_they_had(server):
    server.apply(US, CONFIG_MAPS, config({"ours": "1", "both": "1"}))
    server.apply(USER, CONFIG_MAPS, config({"both": "1", "theirs": "1"}))
    assert server.apply(US, CONFIG_MAPS, config({}))["data"] == {"both": "1", "theirs": "1"}


def test_another_ones_write_takes_the_field_away_and_an_apply_takes_it_back(server):
    ours = {"f:data": {"f:a": {}}}
    assert managers(server.apply(US, CONFIG_MAPS, config({"a": "1"}))) == {(US, "Apply"): ours}
    drifted = server.merge(USER, CONFIG_MAPS, "c", {"data": {"a": "2"}})
    assert managers(drifted) == {(USER, "Update"): ours}
    assert managers(server.apply(US, CONFIG_MAPS, config({"a": "1"}))) == {(US, "Apply"): ours}


def test_items_of_a_list_are_owned_by_their_keys(server):
    body = server.apply(US, STATEFUL_SETS, workload(HOME="/tmp"))
    server.merge(USER, STATEFUL_SETS, "chat", {"metadata": {"annotations": {"a": "b"}}})
    containers = managers(body)[US, "Apply"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert containers == {
        'k:{"name":"app"}': {
            ".": {},
            "f:name": {},
            "f:image": {},
            "f:env": {'k:{"name":"HOME"}': {".": {}, "f:name": {}, "f:value": {}}},
        }
    }
    again = server.apply(US, STATEFUL_SETS, workload(PATH="/bin"))
    assert again["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "PATH", "value": "/bin"}]
    assert again["metadata"]["annotations"] == {"a": "b"}


def test_the_status_is_written_by_itself(server):
    server.create(USER, CLUSTERS, {"apiVersion": "e/v1", "kind": CLUSTERS.kind, "metadata": {"name": "x"}, "spec": {}})
    status = {"metadata": {"name": "x"}, "spec": {"image": "no"}, "status": {"replicas": 1}}
    body = server.apply(US, CLUSTERS, status, "status")
    assert (body["spec"], body["status"], body["metadata"]["generation"]) == ({}, {"replicas": 1}, 1)
    assert refusal(server.apply, US, CLUSTERS, {"metadata": {"name": "y"}, "status": {}}, "status") == 404


def test_what_a_statefulset_is_made_with_stays(server):
    server.apply(US, STATEFUL_SETS, workload())
    other = workload()
    other["spec"]["serviceName"] = "another"
    assert refusal(server.apply, US, STATEFUL_SETS, other) == 422


def test_a_secrets_texts_become_data(server):
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"cookie": "abc"}}
    assert server.create(US, SECRETS, body)["data"] == {"cookie": "YWJj"}


def test_a_restored_server_gives_its_versions_a_second_time(server):
    server.apply(US, CONFIG_MAPS, config({"a": "1"}))
    backup = server.snapshot()
    first = server.apply(US, CONFIG_MAPS, config({"a": "2"}))
    server.restore(backup)
    assert server.get(Ref("ConfigMap", "c"))["data"] == {"a": "1"}
    second = server.apply(US, CONFIG_MAPS, config({"a": "3"}))
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
