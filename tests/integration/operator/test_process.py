"""The operator as a process, and what `kubectl` shows of the resource."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.integration.operator.client import KINDS, MERGE, Kind, eventually
from tests.integration.operator.conftest import ROOT, Operator

KINDS["Lease"] = Kind("coordination.k8s.io", "v1", "leases", "Lease")


def test_an_operator_of_one_namespace_ends_well_and_gives_its_lease_back(cluster, namespace, tmp_path):
    options = ("--namespace", namespace.name, "--lease-namespace", namespace.name)
    process = Operator(cluster, tmp_path / "log", 18090, *options)
    process.wait()
    assert namespace.get("Lease", "elixircluster")["spec"]["holderIdentity"]
    assert process.stop() == 0
    assert not namespace.get("Lease", "elixircluster")["spec"].get("holderIdentity")
    assert [line for line in process.lines() if "exception" in line] == []


def test_an_older_definition_costs_the_fields_that_it_does_not_have_and_no_other(cluster, namespace, operator):
    crd, path = "crd/elixirclusters.elixircluster.dev", "/spec/versions/0/schema/openAPIV3Schema/properties/status"
    patch = [{"op": "remove", "path": f"{path}/properties/console"}]
    cluster.kubectl("patch", crd, "--type=json", "--patch", json.dumps(patch))
    try:
        eventually(lambda: "console" not in definition_of_status(cluster))
        namespace.cluster("chat")
        namespace.until("chat")
        assert "console" not in namespace.status("chat")
        assert any("older than this operator" in line["message"] for line in operator.lines())
    finally:
        cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    namespace.change("chat", replicas=2)
    eventually(lambda: "console" in namespace.status("chat"))


def definition_of_status(cluster):
    """The properties of a status, as the API server publishes them."""
    openapi = json.loads(cluster.kubectl("get", "--raw", "/openapi/v3/apis/elixircluster.dev/v1alpha1"))
    return openapi["components"]["schemas"]["dev.elixircluster.v1alpha1.ElixirCluster"]["properties"]["status"][
        "properties"
    ]


def scrape(cluster, path, port):
    """What the operator says over HTTP, asked where it runs."""
    code = f"import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:{port}{path}').read().decode())"
    command = cluster.run_inside(["python3", "-c", code])
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_operator_is_alive_ready_and_measured(cluster, namespace):
    namespace.cluster("chat")
    namespace.until("chat")
    assert scrape(cluster, "/livez", 18081).strip() == "ok"
    assert scrape(cluster, "/readyz", 18081).strip() == "ok"
    metrics = scrape(cluster, "/metrics", 18080)
    assert 'controller_runtime_reconcile_total{controller="elixircluster",result="success"}' in metrics
    assert 'leader_election_master_status{name="elixircluster"} 1.0' in metrics


EXPLAINED = {
    "elixircluster": "One BEAM cluster",
    "elixircluster.spec.vm": "Size of the port table",
    "elixircluster.spec.discovery.strategy": "DNSSRV",
    "elixircluster.status.conditions": "Ready, Reconciling and Stalled",
    "ex.spec.web.service": "Port of the Service",
}


@pytest.mark.parametrize(("field", "said"), EXPLAINED.items())
def test_kubectl_explains(cluster, field, said):
    assert said in cluster.kubectl("explain", field)


def test_kubectl_shows_a_line_a_resource(cluster, namespace):
    namespace.cluster("chat")
    namespace.until("chat")
    head, line = cluster.kubectl("get", "ex", "-n", namespace.name).splitlines()
    assert head.split() == ["NAME", "READY", "NODES", "MESH", "IMAGE", "AGE"]
    assert line.split()[:4] == ["chat", "True", "0/0", "localhost/nothing:1"]
    assert "chat" in cluster.kubectl("get", "all", "-n", namespace.name)
    wide = cluster.kubectl("get", "ex", "chat", "-n", namespace.name, "-o", "wide")
    assert {"REASON", "STRATEGY", "REVISION", "UpToDate", "Rolling"} <= set(wide.split())


def test_kubectl_scales_and_the_operator_keeps_to_it(cluster, namespace):
    namespace.cluster("chat", replicas=0)
    namespace.until("chat")
    cluster.kubectl("scale", "ex/chat", "--replicas=1", "-n", namespace.name)
    eventually(lambda: namespace.get("StatefulSet", "chat")["spec"]["replicas"] == 1)
    namespace.patch("ElixirCluster", "chat", {"metadata": {"annotations": {"a": "b"}}}, content=MERGE)
    namespace.change("chat", files={"a": "b"})
    eventually(lambda: "file.a" in namespace.get("ConfigMap", "chat-config")["data"])
    assert namespace.get("StatefulSet", "chat")["spec"]["replicas"] == 1
    cluster.kubectl("scale", "ex/chat", "--replicas=0", "-n", namespace.name)
    namespace.until("chat")
    assert namespace.get("StatefulSet", "chat")["spec"]["replicas"] == 0


def test_an_invalid_field_is_refused_with_its_path(cluster, namespace):
    text = (
        "{apiVersion: elixircluster.dev/v1alpha1, kind: ElixirCluster, metadata: {name: a}, spec: {image: a, webb: 1}}"
    )
    with pytest.raises(Exception, match=r"unknown field .spec\.webb"):
        cluster.kubectl("create", "-n", namespace.name, "-f", "-", input=text)
