"""The parts of the pod template that take a decision."""

from __future__ import annotations

from pathlib import Path

import pytest

from elixircluster.api.pod import OWNED_CONTAINER, OWNED_PATHS, OWNED_VOLUMES
from elixircluster.render.config import identity
from elixircluster.render.vm import COOKIE_FILE
from tests.unit.factory import children, cluster, container, variables

COOKIES = {
    "generated": ({}, {"name": "chat-cookie", "key": "cookie"}),
    "the user's": (
        {"distribution": {"cookie": {"secretKeyRef": {"name": "mine", "key": "k"}}}},
        {"name": "mine", "key": "k"},
    ),
}


@pytest.mark.parametrize(("spec", "reference"), COOKIES.values(), ids=COOKIES)
def test_the_cookie_is_read_from_its_secret(spec, reference):
    assert variables(cluster(**spec))["RELEASE_COOKIE"] == {"secretKeyRef": reference}


@pytest.mark.parametrize(("spec", "reference"), COOKIES.values(), ids=COOKIES)
def test_the_cookie_is_also_a_file_since_a_file_follows_its_secret(spec, reference):
    template = children(cluster(**spec))["StatefulSet"]["spec"]["template"]["spec"]
    (volume,) = (volume["secret"] for volume in template["volumes"] if volume["name"] == "cookie")
    assert volume["secretName"] == reference["name"]
    assert volume["items"] == [{"key": reference["key"], "path": "cookie"}]
    assert volume["defaultMode"] == 0o440
    (mount,) = (mount for mount in template["containers"][0]["volumeMounts"] if mount["name"] == "cookie")
    assert mount == {"name": "cookie", "mountPath": str(Path(COOKIE_FILE).parent), "readOnly": True}


def test_a_release_listens_on_the_port_of_web():
    assert variables(cluster(web={"port": 8000}))["PORT"] == "8000"
    assert "PORT" not in variables(cluster())
    ports = container(cluster(web={"port": 8000}))["ports"]
    assert ports == [{"name": "dist", "containerPort": 6789}, {"name": "http", "containerPort": 8000}]


def test_files_are_mounted_under_their_names():
    rendered = children(cluster(files={"a.txt": "A", "b": "B"}))
    assert rendered["ConfigMap"]["data"].items() >= {"file.a.txt": "A", "file.b": "B"}.items()
    (volume,) = (
        volume
        for volume in rendered["StatefulSet"]["spec"]["template"]["spec"]["volumes"]
        if volume["name"] == "config"
    )
    paths = {item["key"]: item["path"] for item in volume["configMap"]["items"]}
    assert paths["file.a.txt"] == "files/a.txt"
    assert set(paths) == set(rendered["ConfigMap"]["data"])


@pytest.mark.parametrize("name", ["libcluster.config", "remote.vm.args"])
def test_a_file_of_the_user_never_takes_the_place_of_ours(name):
    data = children(cluster(files={name: "mine"}))["ConfigMap"]["data"]
    assert data[f"file.{name}"] == "mine"
    assert data[name] != "mine"


def test_what_is_refused_of_the_user_is_what_the_operator_mounts():
    spec = children(cluster(distribution={"tls": {"mode": "SelfSigned"}}))["StatefulSet"]["spec"]["template"]["spec"]
    assert {volume["name"] for volume in spec["volumes"]} == set(OWNED_VOLUMES)
    assert {mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]} == set(OWNED_PATHS)
    assert spec["containers"][0]["name"] == OWNED_CONTAINER


def annotations(**spec):
    return children(cluster(**spec))["StatefulSet"]["spec"]["template"]["metadata"]["annotations"]


def test_a_change_of_what_a_node_reads_at_its_start_is_a_new_revision():
    before = annotations(files={"a": "1"})
    assert annotations(files={"a": "1"}) == before
    assert annotations(files={"a": "2"}) != before
    assert annotations(discovery={"strategy": "DNSSRV"}, files={"a": "1"}) != before


def test_scaling_leaves_what_nodes_have_read_as_it_was() -> None:
    for strategy in ("DNS", "DNSSRV", "API", "Static", "None"):
        discovery = {"strategy": strategy}
        assert identity(cluster(replicas=3, discovery=discovery)) == identity(cluster(replicas=7, discovery=discovery))


def test_another_file_is_another_identity() -> None:
    assert identity(cluster(files={"a": "1"})) != identity(cluster(files={"a": "2"}))


def test_the_release_may_be_started_otherwise():
    assert (
        container(cluster(release={"command": ["bin/x"], "args": ["start"]})).items()
        >= {
            "command": ["bin/x"],
            "args": ["start"],
        }.items()
    )
    assert not {"command", "args"} & set(container(cluster()))


def test_what_tmp_may_hold_is_bounded_so_that_no_machines_disk_is_filled():
    def tmp(**spec):
        template = children(cluster(**spec))["StatefulSet"]["spec"]["template"]["spec"]
        return next(volume for volume in template["volumes"] if volume["name"] == "tmp")

    assert tmp() == {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}
    assert tmp(tmp={"sizeLimit": "20Gi"}) == {"name": "tmp", "emptyDir": {"sizeLimit": "20Gi"}}


SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"


# The autoscaler keeps a machine for ever on which a pod has an emptyDir, unless the pod says that it may go.
def test_tmp_keeps_no_machine_from_being_scaled_away_unless_the_user_says_so():
    assert annotations()[SAFE_TO_EVICT] == "tmp"
    assert annotations(podMetadata={"annotations": {SAFE_TO_EVICT: ""}})[SAFE_TO_EVICT] == ""


@pytest.mark.parametrize(
    ("spec", "mounted"),
    [
        ({}, False),
        ({"serviceAccount": {"automountToken": True}}, True),
        ({"serviceAccount": {"name": "mine", "automountToken": True}}, True),
        ({"discovery": {"strategy": "API"}}, True),
    ],
)
def test_pods_get_a_token_where_something_asks_for_it(spec, mounted):
    template = children(cluster(**spec))["StatefulSet"]["spec"]["template"]["spec"]
    assert template["automountServiceAccountToken"] is mounted
