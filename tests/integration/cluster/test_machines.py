"""Several machines: pods reach each other over them, and each can be lost and come back."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests import cluster
from tests.cluster import images, processes
from tests.cluster.images import BUSYBOX_IMAGE
from tests.cluster.provider import choose

from .test_cluster import apply, eventually, policy, reaches
from .test_leftovers import leftovers

pytestmark = pytest.mark.cluster

NAMES = {"IPv4": "self-three", "IPv6": "self-three6"}
MACHINES = ["node0", "node1", "node2"]
SERVE = "echo hello > /tmp/hello; exec httpd -f -p '[::]:8080' -h /tmp"


@pytest.fixture(scope="module", params=NAMES)
def three(embedded_only, request):
    """Three machines of an address family, with a pod on each that answers, and a Service before each pod."""
    name = NAMES[request.param]
    try:
        up = cluster.up(name, dns_ttl=5, ip_family=request.param, nodes=3)
        up.load(images.busybox())
        apply(up, *(server(f"on-{machine}", machine) for machine in MACHINES))
        apply(up, *(service(f"on-{machine}") for machine in MACHINES))
        eventually(lambda: all(is_ready(up, f"on-{machine}") for machine in MACHINES), 60)
        yield up
    finally:
        choose(name).down()


def server(name, machine=None, image=BUSYBOX_IMAGE, **spec):
    """A pod that answers `hello` on port 8080, on a machine or where the scheduler wants it."""
    probe = {"httpGet": {"port": 8080, "path": "/hello"}, "periodSeconds": 1}
    container = {"name": "web", "image": image, "command": ["sh", "-c", SERVE], "readinessProbe": probe}
    if machine:
        spec["nodeSelector"] = {"kubernetes.io/hostname": machine}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container], **spec},
    }


def service(name):
    spec = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def get(on, kind, name):
    return json.loads(on.kubectl("get", kind, name, "-o", "json"))


def is_ready(on, pod):
    conditions = get(on, "pod", pod).get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def address(on, pod):
    """Empty while it has none."""
    found = get(on, "pod", pod)["status"].get("podIP", "")
    return f"[{found}]" if ":" in found else found


def waits_for_its_image(on, pod):
    statuses = get(on, "pod", pod)["status"].get("containerStatuses", [])
    return [each["state"]["waiting"]["reason"] for each in statuses if "waiting" in each["state"]]


def lives(on):
    """What changes when a pod is replaced, or a container of it starts again."""
    return {
        pod["metadata"]["name"]: (pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"])
        for pod in json.loads(on.kubectl("get", "pods", "-l", "app", "-o", "json"))["items"]
    }


def test_each_machine_is_a_ready_node_in_a_zone_of_its_own(three):
    nodes = json.loads(three.kubectl("get", "nodes", "-o", "json"))["items"]
    labels = {node["metadata"]["name"]: node["metadata"]["labels"] for node in nodes}
    assert {name: its["kubernetes.io/hostname"] for name, its in labels.items()} == {name: name for name in MACHINES}
    assert [its["topology.kubernetes.io/zone"] for its in labels.values()] == ["zone-a", "zone-b", "zone-c"]


@pytest.mark.parametrize("client", MACHINES)
def test_a_pod_reaches_each_other_by_its_address_and_by_its_service(three, client):
    for machine in MACHINES:
        assert reaches(three, f"on-{client}", address(three, f"on-{machine}"))
        # CoreDNS may have said of a Service that is new that there is none, and says so for a while.
        # In full, since a pod takes its own short name for its own address.
        eventually(lambda: reaches(three, f"on-{client}", f"on-{machine}.default.svc", 80), 20)  # noqa: B023


def test_services_are_reached_from_beside_the_machines(three):
    found = get(three, "service", "on-node1")["spec"]["clusterIP"]
    url = f"http://[{found}]/hello" if ":" in found else f"http://{found}/hello"
    done = subprocess.run(
        three.run_inside(["busybox", "wget", "-qO-", url]), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "hello"


def test_a_policy_holds_between_machines(three):
    target = address(three, "on-node0")
    only_one = [{"from": [{"podSelector": {"matchLabels": {"app": "on-node1"}}}]}]
    apply(three, policy("on-node0", policyTypes=["Ingress"], ingress=only_one))
    eventually(lambda: not reaches(three, "on-node2", target))
    assert not reaches(three, "on-node2", "on-node0", 80)
    assert reaches(three, "on-node1", target)
    apply(three, policy("on-node1", policyTypes=["Egress"]))
    eventually(lambda: not reaches(three, "on-node1", target))
    assert reaches(three, "on-node2", target)
    three.kubectl("delete", "networkpolicy", "test")
    eventually(lambda: reaches(three, "on-node1", target))


def test_a_partition_cuts_pods_of_two_machines_and_of_one(three):
    apply(three, server("beside", "node1"))
    eventually(lambda: is_ready(three, "beside"))
    three.fault.partition("on-node1", ["on-node0", "beside"])
    for other in ("on-node0", "beside"):
        assert not reaches(three, "on-node1", address(three, other))
        assert not reaches(three, other, address(three, "on-node1"))
        assert reaches(three, "on-node2", address(three, other))
    three.fault.heal()
    for other in ("on-node0", "beside"):
        assert reaches(three, "on-node1", address(three, other))
    three.kubectl("delete", "pod", "beside")


def test_an_image_is_on_the_machines_that_it_was_loaded_on(three, tmp_path):
    archive, name = tmp_path / "some.tar", f"localhost/some:{three.name}"
    root = tmp_path / "root"
    for folder in ("bin", "tmp"):
        (root / folder).mkdir(parents=True)
    for program in ("sh", "httpd"):
        shutil.copy(shutil.which("busybox"), root / "bin" / program)
    images.write_archive(name, root, archive, ["/bin/sh"])
    three.load(archive, nodes=["node1", "node2"])
    apply(three, *(server(f"some-{machine}", machine, image=name) for machine in MACHINES))
    eventually(lambda: is_ready(three, "some-node1") and is_ready(three, "some-node2"), 30)
    eventually(lambda: waits_for_its_image(three, "some-node0") in (["ErrImagePull"], ["ImagePullBackOff"]))
    three.load(archive, nodes=["node0"])
    eventually(lambda: is_ready(three, "some-node0"), 60)
    three.kubectl("delete", "pod", *(f"some-{machine}" for machine in MACHINES))


def test_a_claim_is_where_its_pod_was_put(three):
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    apply(three, claim, server("keeper", "node2", volumes=volumes))
    eventually(lambda: is_ready(three, "keeper"), 30)
    three.kubectl("delete", "pod", "keeper")
    apply(three, server("keeper", volumes=volumes))
    eventually(lambda: is_ready(three, "keeper"), 30)
    assert get(three, "pod", "keeper")["spec"]["nodeName"] == "node2"
    three.kubectl("delete", "pod/keeper", "pvc/data")


def test_a_drained_machine_is_left_and_taken_again(three):
    template = {"metadata": {"labels": {"app": "moving"}}, "spec": server("moving")["spec"]}
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "moving"}}, "template": template}
    apply(three, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "moving"}, "spec": spec})
    three.kubectl("rollout", "status", "deployment", "moving", "--timeout=60s")
    three.kubectl("drain", "node1", "--pod-selector=app=moving", "--timeout=60s")
    three.kubectl("rollout", "status", "deployment", "moving", "--timeout=60s")
    pods = json.loads(three.kubectl("get", "pods", "-l", "app=moving", "-o", "json"))["items"]
    assert {pod["spec"]["nodeName"] for pod in pods if "deletionTimestamp" not in pod["metadata"]} == {"node0", "node2"}
    three.kubectl("uncordon", "node1")
    apply(three, server("again", "node1"))
    eventually(lambda: is_ready(three, "again"), 30)
    three.kubectl("delete", "deployment/moving", "pod/again")


@pytest.mark.parametrize(
    ("outage", "restarts"),
    [("machine_cut", 0), ("machine_freeze", 0), ("machine_kill", 1)],
    ids=["cut", "freeze", "kill"],
)
def test_a_lost_machine_is_silent_and_comes_back(three, outage, restarts):
    before, target = lives(three), address(three, "on-node1")
    getattr(three.fault, outage)("node1")
    try:
        assert not reaches(three, "on-node0", target)
        assert reaches(three, "on-node0", address(three, "on-node2"))
        assert reaches(three, "on-node2", "on-node0", 80)
    finally:
        three.fault.machine_back("node1")
    eventually(lambda: is_ready(three, "on-node1") and reaches(three, "on-node0", address(three, "on-node1")), 60)
    assert reaches(three, "on-node1", "on-node2", 80)
    uid, count = before["on-node1"]
    eventually(lambda: lives(three) == before | {"on-node1": (uid, count + restarts)}, 30)


def test_up_brings_back_every_machine(three):
    three.fault.machine_cut("node0")
    three.fault.machine_freeze("node1")
    three.fault.machine_kill("node2")
    assert "kubelet-node2" not in three.pids()
    again = cluster.up(three.name, dns_ttl=5, ip_family=three.provider.layout.shape.ip_family, nodes=3)
    assert {"kubelet-node2", "containerd-node2", "holder-node2"} <= again.pids().keys()
    eventually(lambda: reaches(three, "on-node0", address(three, "on-node2")), 60)
    assert reaches(three, "on-node1", address(three, "on-node0"))


def test_the_number_of_machines_stays_as_it_was_asked_for(three):
    with pytest.raises(RuntimeError, match="3 nodes and Kubernetes"):
        cluster.up(three.name, ip_family=three.provider.layout.shape.ip_family, nodes=2)


def test_the_control_plane_is_no_machine_to_lose(three):
    with pytest.raises(LookupError, match="node0, node1, node2"):
        three.fault.machine_cut("holder")


def test_down_leaves_nothing_of_machines_in_any_state(three):
    three.fault.machine_kill("node0")
    three.fault.machine_freeze("node1")
    three.fault.machine_cut("node2")
    assert list(processes.members(three.provider.layout))
    three.down()
    assert leftovers(three.provider.layout) == []
