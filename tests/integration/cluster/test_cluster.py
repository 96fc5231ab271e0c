"""The test cluster is a real Kubernetes: what a user of it relies on."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time

import pytest
import yaml

from tests import cluster
from tests.cluster.images import BUSYBOX_IMAGE
from tests.patience import patient

pytestmark = pytest.mark.cluster

TTL_QUESTION = """
import socket, struct, sys
name = "kubernetes.default.svc.cluster.local"
labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
query = struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\\0" + struct.pack(">2H", 1, 1)
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(3)
client.sendto(query, ("10.203.0.10", 53))
answer = client.recv(512)
record = answer[len(query):]
start = 2 if record[0] >= 0xC0 else record.index(0) + 1
print(struct.unpack(">I", record[start + 4 : start + 8])[0])
"""


def server(name, **spec):
    """A pod that answers `hello` on port 8080."""
    container = {
        "name": "web",
        "image": BUSYBOX_IMAGE,
        "command": ["sh", "-c", "echo hello > /tmp/hello; exec httpd -f -p 8080 -h /tmp"],
        "ports": [{"name": "web", "containerPort": 8080}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container | spec.pop("container", {})], **spec},
    }


def apply(on, *objects):
    on.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(objects))


def address_of(on, pod):
    on.kubectl("wait", "--for=condition=Ready", f"pod/{pod}", "--timeout=30s")
    return on.kubectl("get", "pod", pod, "-o", "jsonpath={.status.podIP}")


def reaches(on, client, target, port=8080):
    """Whether one of three tries gets through: a machine with much to do answers late."""
    fetch = f"for _ in 1 2 3; do timeout 1 wget -qO- http://{target}:{port}/hello && break; done; true"
    return "hello" in on.kubectl("exec", client, "--", "sh", "-c", fetch)


def eventually(check, seconds=10):
    deadline = time.monotonic() + patient(seconds)
    while not check():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def pods(left):
    """Three servers and their addresses."""
    names = ("one", "two", "three")
    apply(left, *(server(name) for name in names))
    return {name: address_of(left, name) for name in names}


def policy(selected, **spec):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "test"},
        "spec": {"podSelector": {"matchLabels": {"app": selected}}, **spec},
    }


@pytest.fixture
def remove_policy(left):
    yield
    left.kubectl("delete", "networkpolicy", "test", "--ignore-not-found")


def test_two_clusters_run_side_by_side_and_know_nothing_of_each_other(left, right):
    left.kubectl("create", "configmap", "only-here")
    assert "only-here" in left.kubectl("get", "configmaps", "-o", "name")
    assert "only-here" not in right.kubectl("get", "configmaps", "-o", "name")
    assert not set(left.pids().values()) & set(right.pids().values())


def test_the_node_is_ready_for_five_hundred_pods(left):
    node = json.loads(left.kubectl("get", "node", "node0", "-o", "json"))
    assert node["status"]["allocatable"]["pods"] == "500"
    assert node["status"]["nodeInfo"]["kubeletVersion"].startswith("v1.")


def test_up_again_finds_the_cluster_as_it_is(left):
    before = left.pids()
    assert cluster.up(left.name).pids() == before


def test_a_cluster_can_be_named_by_its_context(left, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(left.kubeconfig))
    monkeypatch.setenv("ELIXIRCLUSTER_TEST_CONTEXT", left.provider.layout.full_name)
    named = cluster.up("self-named")
    assert "node0" in named.kubectl("get", "nodes")
    named.down()
    assert "node0" in left.kubectl("get", "nodes")


def test_a_claim_is_bound_written_by_its_group_and_grows(left):
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    mount = {"name": "data", "mountPath": "/data"}
    writer = server(
        "writer",
        container={"command": ["sh", "-c", "echo kept > /data/file; sleep 1000"], "volumeMounts": [mount]},
        volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        securityContext={"runAsUser": 1234, "fsGroup": 1234},
    )
    apply(left, claim, writer)
    address_of(left, "writer")
    assert left.kubectl("exec", "writer", "--", "cat", "/data/file").strip() == "kept"
    larger = json.dumps({"spec": {"resources": {"requests": {"storage": "2Mi"}}}})
    left.kubectl("patch", "pvc", "data", "-p", larger)
    size = ("get", "pvc", "data", "-o", "jsonpath={.status.capacity.storage}")
    eventually(lambda: left.kubectl(*size) == "2Mi")
    left.kubectl("delete", "pod/writer", "pvc/data", "--grace-period=0")
    eventually(lambda: left.kubectl("get", "pv", "-o", "name") == "")


def test_a_policy_blocks_and_allows_between_pods(left, pods, remove_policy):
    assert reaches(left, "two", pods["one"])
    only_two = [{"from": [{"podSelector": {"matchLabels": {"app": "two"}}}], "ports": [{"port": "web"}]}]
    apply(left, policy("one", policyTypes=["Ingress"], ingress=only_two))
    eventually(lambda: not reaches(left, "three", pods["one"]))
    assert reaches(left, "two", pods["one"])
    assert reaches(left, "three", pods["two"])
    left.kubectl("delete", "networkpolicy", "test")
    eventually(lambda: reaches(left, "three", pods["one"]))


def test_a_policy_knows_a_new_pod_at_once(left, pods, remove_policy):
    only_new = [{"from": [{"podSelector": {"matchLabels": {"app": "new"}}}]}]
    apply(left, policy("one", policyTypes=["Ingress"], ingress=only_new))
    eventually(lambda: not reaches(left, "two", pods["one"]))
    apply(left, server("new"))
    address_of(left, "new")
    assert reaches(left, "new", pods["one"])
    left.kubectl("delete", "pod", "new")


def test_egress_is_denied_also_to_the_node_and_through_a_service(left, pods, remove_policy):
    ports = [{"port": 80, "targetPort": 8080}]
    meta = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "two"}}
    apply(left, meta | {"spec": {"selector": {"app": "two"}, "ports": ports}})
    eventually(lambda: reaches(left, "one", "two", 80))
    apply(left, policy("one", policyTypes=["Egress"]))
    service = left.kubectl("get", "service", "two", "-o", "jsonpath={.spec.clusterIP}")
    eventually(lambda: not reaches(left, "one", pods["two"]))
    assert not reaches(left, "one", service, 80)
    question = ("exec", "one", "--", "sh", "-c", "timeout 2 nslookup two.default.svc.cluster.local || echo none")
    assert "none" in left.kubectl(*question)


def test_the_node_reaches_a_pod_whatever_a_policy_says(left, remove_policy):
    apply(left, policy("probed", policyTypes=["Ingress", "Egress"]))
    probe = {"httpGet": {"port": 8080, "path": "/hello"}, "periodSeconds": 1, "failureThreshold": 1}
    apply(left, server("probed", container={"readinessProbe": probe}))
    address_of(left, "probed")
    time.sleep(2)
    ready = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    assert left.kubectl("get", "pod", "probed", "-o", ready) == "True"
    left.kubectl("delete", "pod", "probed")


def test_pod_security_admission_says_no(left):
    left.kubectl("create", "namespace", "strict")
    left.kubectl("label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted")
    command = ("run", "loose", f"--image={BUSYBOX_IMAGE}", "-n", "strict", "--", "true")
    with pytest.raises(Exception, match="violates PodSecurity"):
        left.kubectl(*command)


def test_the_audit_log_tells_who_wrote_what(left):
    position, now = left.audit_position(), dt.datetime.now(dt.UTC)
    left.kubectl("create", "configmap", "audited")

    def written(since):
        return [
            event
            for event in left.audit(since)
            if event["verb"] == "create" and event.get("objectRef", {}).get("name") == "audited"
        ]

    eventually(lambda: len(written(position)) == 1)
    (event,) = written(now)
    assert event["user"]["username"] == "admin"
    assert event["objectRef"]["resource"] == "configmaps"
    assert "requestObject" not in event


def ttl(on):
    command = on.run_inside([sys.executable, "-c", TTL_QUESTION])
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_dns_answers_live_as_long_as_asked_for(left, right):
    assert 0 < ttl(right) <= 7
    assert 7 < ttl(left) <= 30


def test_a_partition_cuts_two_pods_and_no_other(left, pods):
    left.fault.partition("one", "two")
    assert not reaches(left, "one", pods["two"])
    assert not reaches(left, "two", pods["one"])
    assert reaches(left, "three", pods["one"])
    left.fault.heal()
    assert reaches(left, "one", pods["two"])


def test_a_frozen_pod_is_silent_until_it_is_thawed(left, pods):
    left.fault.freeze("one")
    assert not reaches(left, "two", pods["one"])
    left.fault.thaw("one")
    assert reaches(left, "two", pods["one"])


def test_pods_go_on_without_dns_and_without_the_api_server(left, pods):
    left.fault.dns_stop()
    left.fault.api_stop()
    assert not left.kubectl("get", "--raw", "/readyz", "--request-timeout=1s", check=False)
    assert "apiserver" not in left.pids()
    left.fault.api_start()
    assert reaches(left, "two", pods["one"])
    assert not reaches(left, "two", "kubernetes.default")
    left.fault.dns_start()
    assert "node0" in left.kubectl("get", "nodes")
