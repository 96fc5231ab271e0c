"""The parts of the pod template that take a decision."""

from __future__ import annotations

from pathlib import Path

import pytest

from elixircluster.api.pod import OWNED_ENV
from elixircluster.render.config import identity
from elixircluster.render.environment import environment
from elixircluster.render.vm import COOKIE_FILE
from tests.unit.factory import children, cluster, container, variables

DIST, HTTP = {"tcpSocket": {"port": 6789}}, {"tcpSocket": {"port": 4000}}
STARTUP = {"periodSeconds": 1, "failureThreshold": 300}
READINESS = {"periodSeconds": 5, "failureThreshold": 3}
LIVENESS = {"periodSeconds": 10, "failureThreshold": 6}

PROBES = {
    "nothing said: the distribution port": (
        {},
        {"startupProbe": {**DIST, **STARTUP}, "readinessProbe": {**DIST, **READINESS}},
    ),
    "web: its port": (
        {"web": {}},
        {"startupProbe": {**HTTP, **STARTUP}, "readinessProbe": {**HTTP, **READINESS}},
    ),
    "over HTTP": (
        {"web": {}, "health": {"startup": {"disabled": True}, "readiness": {"httpGet": {"path": "/ready"}}}},
        {"readinessProbe": {"httpGet": {"path": "/ready", "port": 4000}, **READINESS}},
    ),
    "HTTP on another port": (
        {
            "health": {
                "startup": {"disabled": True},
                "readiness": {"httpGet": {"path": "/", "port": 9}},
            }
        },
        {"readinessProbe": {"httpGet": {"path": "/", "port": 9}, **READINESS}},
    ),
    "TCP on another port": (
        {"web": {}, "health": {"startup": {"tcp": {"port": 6789}}, "readiness": {"tcp": {}}}},
        {"startupProbe": {**DIST, **STARTUP}, "readinessProbe": {**HTTP, **READINESS}},
    ),
    "liveness only where it is asked for": (
        {"health": {"startup": {"disabled": True}, "readiness": {"disabled": True}, "liveness": {}}},
        {"livenessProbe": {**DIST, **LIVENESS}},
    ),
    "times": (
        {
            "health": {
                "startup": {"disabled": True},
                "readiness": {"periodSeconds": 2, "timeoutSeconds": 3, "failureThreshold": 4},
            }
        },
        {"readinessProbe": {**DIST, "periodSeconds": 2, "timeoutSeconds": 3, "failureThreshold": 4}},
    ),
    "off": ({"health": {"startup": {"disabled": True}, "readiness": {"disabled": True}}}, {}),
}


@pytest.mark.parametrize(("spec", "probes"), PROBES.values(), ids=PROBES)
def test_probes_follow_from_health_and_web(spec, probes):
    found = {name: value for name, value in container(cluster(**spec)).items() if name.endswith("Probe")}
    assert found == probes


def test_no_probe_starts_a_virtual_machine():
    spec = {"web": {}, "health": {"liveness": {"httpGet": {"path": "/"}}}}
    found = [value for name, value in container(cluster(**spec)).items() if name.endswith("Probe")]
    assert len(found) == 3
    assert not any("exec" in probe for probe in found)


def test_an_entry_of_the_user_replaces_ours():
    resource = cluster(web={}, env=[{"name": "PORT", "value": "1"}, {"name": "HOME", "value": "/home"}])
    assert variables(resource)["PORT"] == "1"
    assert variables(resource)["HOME"] == "/home"
    names = [entry["name"] for entry in environment(resource)]
    assert len(names) == len(set(names))


def test_what_the_schema_keeps_for_the_operator_is_set_in_every_node():
    runtimes = ("Mix", "Relx", "Gleam", "Erl")
    assert set(OWNED_ENV) <= {name for runtime in runtimes for name in variables(cluster(runtime=runtime))}


def test_a_variable_comes_after_those_that_it_refers_to():
    names = [entry["name"] for entry in environment(cluster(discovery={"strategy": "DNSSRV"}))]
    for earlier in ("POD_IP", "POD_NAME", "POD_NAMESPACE"):
        assert names.index(earlier) < names.index("RELEASE_NODE")


def test_the_users_entries_come_last_and_in_their_order():
    entries = [{"name": "B", "value": "$(POD_IP)"}, {"name": "A", "value": "$(B)"}]
    assert environment(cluster(env=entries))[-2:] == entries


def test_a_variable_may_come_from_anywhere():
    source = {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}
    assert variables(cluster(env=[{"name": "A", "valueFrom": source}]))["A"] == source


COOKIES = {
    "generated": ({}, {"name": "chat-cookie", "key": "cookie"}),
    "the user's": (
        {"distribution": {"cookie": {"secretRef": {"name": "mine", "key": "k"}}}},
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


SPREADS = {
    "over Kubernetes nodes": ({}, ["kubernetes.io/hostname"]),
    "as the user says": ({"topologySpreadConstraints": [{"topologyKey": "zone"}]}, ["zone"]),
    "not at all": ({"topologySpreadConstraints": []}, []),
}


@pytest.mark.parametrize(("scheduling", "keys"), SPREADS.values(), ids=SPREADS)
def test_members_are_spread(scheduling, keys):
    spec = children(cluster(scheduling=scheduling))["StatefulSet"]["spec"]["template"]["spec"]
    assert [constraint["topologyKey"] for constraint in spec["topologySpreadConstraints"]] == keys


def test_scheduling_is_handed_to_the_pods():
    said = {
        "nodeSelector": {"disk": "ssd"},
        "affinity": {"nodeAffinity": {}},
        "tolerations": [{"operator": "Exists"}],
        "priorityClassName": "high",
    }
    spec = children(cluster(scheduling=said))["StatefulSet"]["spec"]["template"]["spec"]
    assert spec.items() >= said.items()


def test_pods_satisfy_the_restricted_pod_security_standard():
    spec = children(cluster())["StatefulSet"]["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_containers_beside_the_release_are_kept_as_they_are():
    sidecar = {"name": "proxy", "image": "proxy:1", "args": ["{{ x }}", "{% y %}"]}
    first = {"name": "wait", "image": "wait:1"}
    spec = children(cluster(sidecars=[sidecar], initContainers=[first]))["StatefulSet"]["spec"]["template"]["spec"]
    assert spec["containers"][1:] == [sidecar]
    assert spec["initContainers"] == [first]


def test_the_release_may_be_started_otherwise():
    assert (
        container(cluster(release={"command": ["bin/x"], "args": ["start"]})).items()
        >= {
            "command": ["bin/x"],
            "args": ["start"],
        }.items()
    )
    assert not {"command", "args"} & set(container(cluster()))
