"""Certificates between nodes, as the API server holds them."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from tests.integration.operator.client import Namespace, eventually
from tests.integration.operator.conftest import Operator

SELF_SIGNED = {"discovery": {"strategy": "DNSSRV"}, "distribution": {"tls": {"mode": "SelfSigned"}}}
CERT_MANAGER = "github.com/cert-manager/cert-manager@v1.20.0"
# Nothing of these tests needs a node that runs.
NOWHERE = {"nodeSelector": {"elixircluster.dev/nowhere": "true"}}


def certificate(namespace: Namespace, name: str) -> x509.Certificate:
    secret = eventually(lambda: namespace.get("Secret", name))
    return x509.load_pem_x509_certificate(base64.b64decode(secret["data"]["tls.crt"]))


def test_one_field_makes_an_authority_and_a_certificate_that_names_every_node(namespace):
    namespace.cluster("chat", **SELF_SIGNED)
    namespace.until("chat")
    leaf, authority = certificate(namespace, "chat-tls"), certificate(namespace, "chat-ca")
    leaf.verify_directly_issued_by(authority)
    named = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert named[2] == f"chat-2.chat-nodes.{namespace.name}.svc.cluster.local"
    assert len(named) == 32
    mounted = json.dumps(namespace.get("StatefulSet", "chat"))
    assert "chat-tls" in mounted
    assert "chat-ca" not in mounted


def test_scaling_issues_nothing(namespace):
    namespace.cluster("chat", **SELF_SIGNED, scheduling=NOWHERE)
    eventually(lambda: namespace.get("StatefulSet", "chat"))
    before = namespace.get("Secret", "chat-tls")["metadata"]["resourceVersion"]
    for size in (7, 3):
        namespace.change("chat", replicas=size)
        eventually(lambda size=size: namespace.get("StatefulSet", "chat")["spec"]["replicas"] == size)
    assert namespace.get("Secret", "chat-tls")["metadata"]["resourceVersion"] == before


def test_a_certificate_is_renewed_when_its_time_has_come_and_the_authority_stays(namespace):
    namespace.cluster("chat", **SELF_SIGNED)
    namespace.until("chat")
    before, authority = certificate(namespace, "chat-tls"), certificate(namespace, "chat-ca")
    due = {"elixircluster.dev/renew-after": "2026-01-01T00:00:00Z"}
    namespace.patch("Secret", "chat-tls", {"metadata": {"annotations": due}})
    eventually(lambda: certificate(namespace, "chat-tls").serial_number != before.serial_number)
    certificate(namespace, "chat-tls").verify_directly_issued_by(authority)
    assert certificate(namespace, "chat-ca") == authority


def test_what_cannot_roll_waits_until_it_is_allowed(namespace):
    namespace.cluster("chat", replicas=2, scheduling=NOWHERE)
    pods = eventually(lambda: len(found) == 2 and found if (found := namespace.list("Pod")) else None)
    namespace.change("chat", distribution={"port": 7000})
    told = namespace.until("chat", "Stalled", reason="RecreateNeeded")
    assert "allowRecreate" in told["message"]
    assert {pod["metadata"]["uid"] for pod in namespace.list("Pod")} == {pod["metadata"]["uid"] for pod in pods}
    namespace.change("chat", update={"allowRecreate": True})
    wanted = "inet_tcp/7000/no-epmd/address"

    def all_new() -> bool:
        said = [pod["metadata"]["annotations"]["elixircluster.dev/distribution"] for pod in namespace.list("Pod")]
        return said == [wanted, wanted]

    eventually(all_new, seconds=60)


def test_a_secret_of_the_user_stalls_until_it_serves(namespace):
    namespace.cluster("made", **SELF_SIGNED)
    good = eventually(lambda: namespace.get("Secret", "made-tls"))["data"]
    tls = {"mode": "Secret", "secretRef": {"name": "mine"}}
    namespace.cluster("chat", distribution={"tls": tls})
    namespace.until("chat", "Stalled", reason="CertificateSecretMissing")
    namespace.create("Secret", "mine", {"data": {**good, "ca.crt": ""}})
    namespace.until("chat", "Stalled", reason="CertificateKeyMissing")
    namespace.patch("Secret", "mine", {"data": good})
    namespace.until("chat")


@pytest.fixture
def cert_manager(cluster) -> Iterator[None]:
    """cert-manager's own CustomResourceDefinitions, from its published module."""
    download = subprocess.run(["go", "mod", "download", "-json", CERT_MANAGER], capture_output=True, check=True)
    folder = Path(json.loads(download.stdout)["Dir"]) / "deploy" / "crds"
    definition = folder / "cert-manager.io_certificates.yaml"
    cluster.kubectl("apply", "--server-side", "-f", str(definition))
    name = yaml.safe_load(definition.read_text())["metadata"]["name"]
    cluster.kubectl("wait", "--for=condition=Established", f"crd/{name}")
    yield
    cluster.kubectl("delete", "crd", name)


TLS_BY_CERT_MANAGER = {
    "discovery": {"strategy": "DNSSRV"},
    "distribution": {"tls": {"mode": "CertManager", "issuerRef": {"name": "mesh", "kind": "ClusterIssuer"}}},
}


def test_without_cert_manager_its_mode_says_so(namespace):
    namespace.cluster("chat", **TLS_BY_CERT_MANAGER)
    told = namespace.until("chat", "Stalled", reason="KindMissing")
    assert "cert-manager.io" in told["message"]


def test_cert_manager_accepts_what_is_asked_of_it(namespace, cert_manager):
    namespace.cluster("chat", **TLS_BY_CERT_MANAGER)
    namespace.until("chat", "Reconciling", reason="WaitingForCertificate")
    wanted = namespace.get("Certificate", "chat-tls")["spec"]
    assert wanted["secretName"] == "chat-tls"
    assert wanted["issuerRef"] == {"name": "mesh", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    assert f"chat-0.chat-nodes.{namespace.name}.svc.cluster.local" in wanted["dnsNames"]
    namespace.create("Secret", "chat-tls", {"data": {"tls.crt": "eA==", "tls.key": "eA==", "ca.crt": "eA=="}})
    namespace.until("chat")


def test_a_certificate_that_was_unwanted_while_no_operator_looked_goes_when_one_does(
    namespace, cert_manager, cluster, tmp_path
):
    uid = namespace.cluster("chat")["metadata"]["uid"]
    namespace.until("chat")
    owner = {"apiVersion": "elixircluster.dev/v1alpha1", "kind": "ElixirCluster", "name": "chat", "uid": uid}
    metadata = {
        "labels": {"app.kubernetes.io/managed-by": "elixircluster", "elixircluster.dev/cluster": "chat"},
        "ownerReferences": [owner | {"controller": True}],
    }
    spec = {"secretName": "chat-tls", "issuerRef": {"name": "mesh"}, "dnsNames": ["chat"]}
    namespace.create("Certificate", "chat-tls", {"metadata": metadata, "spec": spec})
    options = ("--namespace", namespace.name, "--lease-namespace", namespace.name)
    another = Operator(cluster, tmp_path / "log", 18092, *options)
    try:
        eventually(lambda: namespace.get("Certificate", "chat-tls") is None, seconds=60)
    finally:
        another.stop()
