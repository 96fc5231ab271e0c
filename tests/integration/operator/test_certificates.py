"""Certificates between nodes, as the API server holds them."""

from __future__ import annotations

import base64
import datetime as dt
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from elixircluster.certificates.issue import Pair, encode, new_authority, new_certificate
from tests.integration.operator.client import Namespace, eventually
from tests.integration.operator.conftest import Operator

SELF_SIGNED = {"discovery": {"strategy": "DNSSRV"}, "distribution": {"tls": {"mode": "SelfSigned"}}}
CERT_MANAGER = "github.com/cert-manager/cert-manager@v1.20.0"
# Nothing of these tests needs a node that runs.
AUTHORITY = new_authority("other", dt.datetime.now(dt.UTC))
SERIAL = AUTHORITY.certificate.serial_number
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


SPOILED = {
    "its key is spoiled": {"tls.key": "eA=="},
    "its key is another's": {"tls.key": Pair(AUTHORITY.certificate, AUTHORITY.key).data()["tls.key"]},
    "it is another's": AUTHORITY.data(),
}


@pytest.mark.parametrize("data", SPOILED.values(), ids=SPOILED)
@pytest.mark.parametrize("paused", [False, True], ids=["", "paused"])
def test_a_certificate_that_does_not_serve_is_made_anew_and_the_authority_stays(namespace, data, paused):
    """Two annotations said that all was well, and the resource stayed Ready."""
    namespace.cluster("chat", **SELF_SIGNED)
    namespace.until("chat")
    before, authority = certificate(namespace, "chat-tls"), certificate(namespace, "chat-ca")
    namespace.change("chat", paused=paused)
    namespace.patch("Secret", "chat-tls", {"data": data})
    eventually(lambda: certificate(namespace, "chat-tls").serial_number not in {before.serial_number, SERIAL})
    certificate(namespace, "chat-tls").verify_directly_issued_by(authority)
    assert certificate(namespace, "chat-ca") == authority


@pytest.mark.parametrize("name", ["chat-tls", "chat-ca"])
def test_the_secrets_get_their_labels_back_without_which_no_watch_sees_them(namespace, name):
    namespace.cluster("chat", **SELF_SIGNED)
    namespace.until("chat")
    before = {each: certificate(namespace, each) for each in ("chat-tls", "chat-ca")}
    label = "app.kubernetes.io/managed-by"
    namespace.patch("Secret", name, {"metadata": {"labels": {label: None}}})
    eventually(lambda: label in namespace.get("Secret", name)["metadata"]["labels"])
    assert {each: certificate(namespace, each) for each in before} == before


def test_an_authority_that_was_deleted_comes_back_and_the_old_one_is_trusted_beside_it(namespace):
    """It was never made again; and one that is made anew must not be the only one at once."""
    namespace.cluster("chat", **SELF_SIGNED)
    namespace.until("chat")
    leaf, authority = certificate(namespace, "chat-tls"), certificate(namespace, "chat-ca")
    namespace.delete("Secret", "chat-ca")
    eventually(lambda: namespace.get("Secret", "chat-ca") and certificate(namespace, "chat-ca") != authority)

    def trusted() -> list[x509.Certificate]:
        return x509.load_pem_x509_certificates(base64.b64decode(namespace.get("Secret", "chat-tls")["data"]["ca.crt"]))

    eventually(lambda: trusted() == [authority, certificate(namespace, "chat-ca")])
    assert certificate(namespace, "chat-tls") == leaf


def test_what_cannot_roll_waits_until_it_is_allowed(namespace, images):
    namespace.cluster("chat", image=images["chat"], imagePullPolicy="IfNotPresent", replicas=2)
    namespace.until("chat", seconds=90)
    pods = namespace.list("Pod")
    namespace.change("chat", distribution={"port": 7000})
    told = namespace.until("chat", "Stalled", reason="RecreateNeeded")
    assert "allowRecreate" in told["message"]
    assert {pod["metadata"]["uid"] for pod in namespace.list("Pod")} == {pod["metadata"]["uid"] for pod in pods}
    namespace.change("chat", update={"allowRecreate": True})
    wanted = "inet_tcp/7000/no-epmd/address/chat/60"

    def all_new() -> bool:
        said = [pod["metadata"]["annotations"]["elixircluster.dev/distribution"] for pod in namespace.list("Pod")]
        return said == [wanted, wanted]

    eventually(all_new, seconds=60)


def test_where_no_node_has_started_nothing_needs_to_be_allowed(namespace):
    """ "Set tls.mode to Disabled" was advised to who had a release without ssl, and then refused."""
    namespace.cluster("chat", replicas=2, scheduling=NOWHERE, **SELF_SIGNED)
    eventually(lambda: len(namespace.list("Pod")) == 2)
    namespace.change("chat", distribution={"tls": {"mode": "Disabled"}})
    wanted = "inet_tcp/6789/no-epmd/host/chat/60/cluster.local"

    def all_new() -> bool:
        said = [pod["metadata"]["annotations"]["elixircluster.dev/distribution"] for pod in namespace.list("Pod")]
        return said == [wanted, wanted]

    eventually(all_new, seconds=60)


def test_a_secret_of_the_user_stalls_until_it_serves(namespace):
    hosts = [f"chat-{ordinal}.chat-nodes.{namespace.name}.svc.cluster.local" for ordinal in range(3)]
    pair = new_certificate(AUTHORITY, hosts, dt.datetime.now(dt.UTC)).data()
    good = {**pair, "ca.crt": encode(AUTHORITY.certificate)}
    tls = {"mode": "Secret", "secretRef": {"name": "mine"}}
    namespace.cluster("chat", discovery={"strategy": "DNSSRV"}, distribution={"tls": tls})
    namespace.until("chat", "Stalled", reason="CertificateSecretMissing")
    namespace.create("Secret", "mine", {"data": {**good, "ca.crt": ""}})
    namespace.until("chat", "Stalled", reason="CertificateKeyMissing")
    namespace.patch("Secret", "mine", {"data": {**good, "tls.key": AUTHORITY.data()["tls.key"]}})
    namespace.until("chat", "Stalled", reason="CertificateInvalid")
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
    cluster.wait_until_served(name)
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
    assert wanted["secretName"] == "chat-tls-issued"
    assert wanted["issuerRef"] == {"name": "mesh", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    assert f"chat-0.chat-nodes.{namespace.name}.svc.cluster.local" in wanted["dnsNames"]
    namespace.create("Secret", "chat-tls-issued", {"data": {"tls.crt": "eA==", "tls.key": "eA==", "ca.crt": "eA=="}})
    told = namespace.until("chat", "Reconciling", reason="WaitingForCertificate")
    assert "chat-tls-issued" in told["message"]
    made = new_certificate(AUTHORITY, wanted["dnsNames"], dt.datetime.now(dt.UTC)).data()
    namespace.patch("Secret", "chat-tls-issued", {"data": {**made, "ca.crt": encode(AUTHORITY.certificate)}})
    namespace.until("chat")
    # What becomes of it later is seen as well, though nobody asks for it any more.
    namespace.patch("Secret", "chat-tls-issued", {"data": {"ca.crt": "eA=="}})
    namespace.until("chat", "Reconciling", reason="WaitingForCertificate", seconds=20)


def test_from_cert_manager_to_certificates_of_the_operators_own_and_back(namespace, cert_manager):
    """Both had one Secret: of the one's making it was a name that is taken for the other, for ever."""
    namespace.cluster("chat", scheduling=NOWHERE, **TLS_BY_CERT_MANAGER)
    namespace.until("chat", "Reconciling", reason="WaitingForCertificate")
    made = new_certificate(
        AUTHORITY, namespace.get("Certificate", "chat-tls")["spec"]["dnsNames"], dt.datetime.now(dt.UTC)
    )
    data = {**made.data(), "ca.crt": encode(AUTHORITY.certificate)}
    namespace.create("Secret", "chat-tls-issued", {"data": data})

    def mounts(name: str) -> bool:
        found = namespace.get("StatefulSet", "chat") or {}
        return f'"secretName": "{name}"' in json.dumps(found)

    eventually(lambda: mounts("chat-tls-issued"))
    namespace.change("chat", distribution={"tls": {"mode": "SelfSigned", "issuerRef": None}})
    eventually(lambda: mounts("chat-tls"))
    assert namespace.get("Secret", "chat-tls-issued")["data"] == data
    namespace.change("chat", **TLS_BY_CERT_MANAGER)
    eventually(lambda: mounts("chat-tls-issued"))


def test_no_node_stops_for_a_certificate_that_nobody_has_issued(namespace, cert_manager, images):
    """All nodes stopped, and then waited for cert-manager, which may never answer."""
    node = {"image": images["chat"], "imagePullPolicy": "IfNotPresent", "replicas": 1}
    namespace.cluster("chat", **node, discovery={"strategy": "DNSSRV"})
    namespace.until("chat", seconds=90)
    (before,) = namespace.list("Pod")
    namespace.change("chat", update={"allowRecreate": True}, **TLS_BY_CERT_MANAGER)
    namespace.until("chat", "Reconciling", reason="WaitingForCertificate")
    (pod,) = namespace.list("Pod")
    assert pod["metadata"]["uid"] == before["metadata"]["uid"]
    assert "deletionTimestamp" not in pod["metadata"]


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
    spec = {"secretName": "chat-tls-issued", "issuerRef": {"name": "mesh"}, "dnsNames": ["chat"]}
    namespace.create("Certificate", "chat-tls", {"metadata": metadata, "spec": spec})
    options = ("--namespace", namespace.name, "--lease-namespace", namespace.name)
    another = Operator(cluster, tmp_path / "log", 18092, *options)
    try:
        eventually(lambda: namespace.get("Certificate", "chat-tls") is None, seconds=60)
    finally:
        another.stop()
