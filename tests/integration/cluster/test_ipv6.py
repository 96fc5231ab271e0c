"""A cluster in which everything has IPv6 addresses and nothing else."""

from __future__ import annotations

import ipaddress
import json

import pytest

from tests import cluster
from tests.cluster import images
from tests.cluster.images import BUSYBOX_IMAGE
from tests.cluster.provider import choose

from .test_cluster import apply, eventually, policy, reaches

pytestmark = pytest.mark.cluster

NAME = "self-six"
SERVE = "echo hello > /tmp/hello; exec httpd -f -p '[::]:8080' -h /tmp"


@pytest.fixture(scope="module")
def six(embedded_only):
    try:
        up = cluster.up(NAME, ip_family="IPv6")
        up.load(images.busybox())
        apply(up, pod("server", ["sh", "-c", SERVE]), pod("client", ["sleep", "1000"]), *services())
        up.kubectl("wait", "--for=condition=Ready", "pod/server", "pod/client", "--timeout=60s")
        yield up
    finally:
        choose(NAME).down()


def pod(name, command):
    probe = {"httpGet": {"port": 8080, "path": "/hello"}, "periodSeconds": 1} if name == "server" else None
    container = {"name": "c", "image": BUSYBOX_IMAGE, "command": command, "readinessProbe": probe}
    metadata = {"name": name, "labels": {"app": name}}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def services():
    for name, more in (("web", {}), ("nodes", {"clusterIP": "None"})):
        ports = [{"port": 80, "targetPort": 8080}]
        spec = {"selector": {"app": "server"}, "ports": ports, **more}
        yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def looked_up(on, name):
    """What DNS says of a name: IPv6 addresses only, since there are no others."""
    lines = on.kubectl("exec", "client", "--", "nslookup", f"{name}.default.svc.cluster.local").splitlines()
    return {line.partition(": ")[2] for line in lines[2:] if line.startswith("Address: ")}


def test_pods_services_and_the_node_have_ipv6_addresses_only(six):
    listing = json.loads(six.kubectl("get", "pods,services,nodes", "-A", "-o", "json"))["items"]
    addresses = []
    for item in listing:
        addresses += [each["ip"] for each in item.get("status", {}).get("podIPs", [])]
        addresses += [ip for ip in item["spec"].get("clusterIPs", []) if ip != "None"]
        addresses += [a["address"] for a in item.get("status", {}).get("addresses", []) if a["type"] == "InternalIP"]
    assert len(addresses) >= 5
    assert {ipaddress.ip_address(address).version for address in addresses} == {6}


def test_dns_answers_with_ipv6_addresses_of_pods_and_services(six):
    server = six.kubectl("get", "pod", "server", "-o", "jsonpath={.status.podIP}")
    web = six.kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    assert looked_up(six, "nodes") == {server}
    assert looked_up(six, "web") == {web}


def test_a_service_leads_to_its_pod(six):
    assert reaches(six, "client", "web", 80)


def test_a_policy_blocks_and_allows_and_the_node_still_reaches_its_pod(six):
    server = six.kubectl("get", "pod", "server", "-o", "jsonpath={.status.podIP}")
    assert reaches(six, "client", f"[{server}]")
    apply(six, policy("server", policyTypes=["Ingress"]))
    eventually(lambda: not reaches(six, "client", f"[{server}]"))
    assert not reaches(six, "client", "web", 80)
    ready = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    assert six.kubectl("get", "pod", "server", "-o", ready) == "True"
    only_client = [{"from": [{"podSelector": {"matchLabels": {"app": "client"}}}], "ports": [{"port": 8080}]}]
    apply(six, policy("server", policyTypes=["Ingress"], ingress=only_client))
    eventually(lambda: reaches(six, "client", f"[{server}]"))
    six.kubectl("delete", "networkpolicy", "test")


def test_two_pods_can_be_cut_from_each_other(six):
    six.fault.partition("client", "server")
    eventually(lambda: not reaches(six, "client", "web", 80))
    six.fault.heal()
    eventually(lambda: reaches(six, "client", "web", 80))


def test_a_cluster_keeps_its_address_family(six):
    with pytest.raises(RuntimeError, match="up with IPv6, 1 node"):
        cluster.up(NAME)
