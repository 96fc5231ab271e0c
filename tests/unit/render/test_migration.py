"""The Job of a migration: a node's surroundings, and no node."""

from __future__ import annotations

import pytest

from elixircluster.render.objects import render_migration
from tests.unit.factory import TEMPLATES, children, cluster

MIGRATION = {"command": ["/app/bin/migrate"]}


def job(**spec):
    found = cluster(migration=MIGRATION | spec.pop("migration", {}), **spec)
    return render_migration(found, found.spec.migration, TEMPLATES)


def pod(**spec):
    return job(**spec)["spec"]["template"]["spec"]


def container(**spec):
    return pod(**spec)["containers"][0]


def variables(**spec):
    return {entry["name"]: entry.get("value", "") for entry in container(**spec)["env"]}


@pytest.mark.parametrize("runtime", ["Mix", "Relx", "Gleam", "Erl"])
@pytest.mark.parametrize("strategy", ["DNS", "DNSSRV", "Static"])
def test_it_has_no_name_and_connects_with_nobody(runtime, strategy):
    said = variables(runtime=runtime, discovery={"strategy": strategy}, distribution={"tls": {"mode": "SelfSigned"}})
    text = " ".join(said.values())
    assert not {"RELEASE_NODE", "ERLANG_NODE", "VMARGS_PATH"} & said.keys()
    assert not [flag for flag in ("-name", "-proto_dist", "-erl_epmd_port", "$(") if flag in text]
    assert said.get("RELEASE_DISTRIBUTION", "none") == "none"


def test_it_is_no_member_and_serves_nobody():
    found = job(
        web={},
        sidecars=[{"name": "proxy", "image": "proxy:1"}],
        storage=[{"name": "d", "mountPath": "/d", "size": "1Gi"}],
    )
    labels = found["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/component"] == "migration"
    assert "elixircluster.dev/slot" not in labels
    spec = found["spec"]["template"]["spec"]
    assert [each["name"] for each in spec["containers"]] == ["app"]
    assert not {"ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle"} & spec["containers"][0].keys()
    assert "d" not in [mount["name"] for mount in spec["containers"][0]["volumeMounts"]]


def test_it_has_the_surroundings_of_a_node():
    spec = {
        "env": [{"name": "POOL_SIZE", "value": "2"}],
        "envFrom": [{"secretRef": {"name": "chat"}}],
        "files": {"app.conf": "x"},
        "resources": {"requests": {"cpu": "1"}},
        "imagePullSecrets": [{"name": "registry"}],
        "initContainers": [{"name": "wait", "image": "wait:1"}],
    }
    node = children(cluster(**spec))["StatefulSet"]["spec"]["template"]["spec"]
    found = pod(**spec)
    same = ("imagePullSecrets", "initContainers", "securityContext", "volumes", "enableServiceLinks")
    assert {name: found[name] for name in same} == {name: node[name] for name in same}
    same = ("image", "envFrom", "resources", "securityContext", "volumeMounts", "terminationMessagePolicy")
    assert {name: found["containers"][0][name] for name in same} == {name: node["containers"][0][name] for name in same}
    assert variables(**spec)["POOL_SIZE"] == "2"


def test_what_is_its_own_is_beside_what_nodes_have():
    said = {"envFrom": [{"secretRef": {"name": "owner"}}], "serviceAccountName": "migrator"}
    found = pod(migration=said, envFrom=[{"secretRef": {"name": "chat"}}])
    assert found["containers"][0]["envFrom"] == [{"secretRef": {"name": "chat"}}, {"secretRef": {"name": "owner"}}]
    assert found["serviceAccountName"] == "migrator"


def test_a_pod_template_is_laid_over_it_without_what_makes_a_node():
    probe = {"tcpSocket": {"port": 1}}
    patch = {
        "metadata": {"labels": {"team": "shop"}},
        "spec": {
            "runtimeClassName": "gvisor",
            "containers": [{"name": "app", "livenessProbe": probe}, {"name": "log", "image": "log:1"}],
        },
    }
    template = job(podTemplate=patch)["spec"]["template"]
    assert template["metadata"]["labels"]["team"] == "shop"
    assert template["spec"]["runtimeClassName"] == "gvisor"
    assert [each["name"] for each in template["spec"]["containers"]] == ["app"]
    assert "livenessProbe" not in template["spec"]["containers"][0]
    assert template["spec"]["restartPolicy"] == "Never"


def test_it_is_tried_as_often_and_as_long_as_said():
    assert job()["spec"]["backoffLimit"] == 0
    spec = job(migration={"backoffLimit": 2, "timeoutSeconds": 60})["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (2, 60)
