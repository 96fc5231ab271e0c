"""What TLS is worth, seen from outside: by a peer that has the cookie and everything but the right certificate."""

from __future__ import annotations

import base64
import datetime as dt
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .cells import elixircluster
from .conftest import remove
from .lab import Nodes

PORT = 6789
# The caller checks nothing itself: whoever refuses is the node that is called.
CALLER_OPTIONS = """
[{client,[{certfile,"/peer/tls.crt"},{keyfile,"/peer/tls.key"},{cacertfile,"/peer/ca.crt"},{verify,verify_none}]},
 {server,[{certfile,"/peer/tls.crt"},{keyfile,"/peer/tls.key"}]}].
"""
FLAGS = {
    "plain": "",
    "tls": "-proto_dist inet_tls -ssl_dist_optfile /options/caller.config",
}


def foreign_pair() -> dict[str, str]:
    """A certificate and its CA that the resource has nothing to do with."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stranger")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return {"tls.crt": certificate, "tls.key": private, "ca.crt": certificate}


def caller(name: str, secret: str) -> dict[str, object]:
    """A pod with an Erlang, the resource's cookie and some certificate."""
    cookie = {"name": "COOKIE", "valueFrom": {"secretKeyRef": {"name": "sealed-cookie", "key": "cookie"}}}
    address = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    container = {
        "name": "app",
        "image": "docker.io/library/reef:1.0.0",
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "3600"],
        "env": [cookie, address, {"name": "HOME", "value": "/tmp"}],
        "volumeMounts": [{"name": "peer", "mountPath": "/peer"}, {"name": "options", "mountPath": "/options"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    volumes = [
        {"name": "peer", "secret": {"secretName": secret}},
        {"name": "options", "configMap": {"name": "caller"}},
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"may": "connect"}},
        "spec": {"containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 0},
    }


@pytest.fixture(scope="module")
def sealed(kubernetes, namespaces):
    """Two nodes that speak TLS, and two pods that may reach them: one has their certificate, one has another."""
    namespace = namespaces(kubernetes, "sealed")
    namespace.apply(
        elixircluster(
            "sealed",
            "chat",
            replicas=2,
            discovery={"strategy": "DNSSRV"},
            distribution={"tls": {"mode": "SelfSigned"}},
            networkPolicy={"distributionFrom": [{"podSelector": {"matchLabels": {"may": "connect"}}}]},
        ),
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "foreign"}, "stringData": foreign_pair()},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "caller"},
            "data": {"caller.config": CALLER_OPTIONS},
        },
        caller("friend", "sealed-tls"),
        caller("stranger", "foreign"),
    )
    namespace.kubectl("wait", "--for=condition=Ready", "--timeout=180s", "pod/friend", "pod/stranger")
    namespace.wait_until_ready("sealed", 300)
    nodes = Nodes(namespace, "sealed")
    assert nodes.connected(2)
    yield nodes
    remove(namespace)


def ping(nodes: Nodes, pod: str, protocol: str) -> str:
    """What a node in another pod is answered."""
    target = nodes.namespace.get("elixircluster", "sealed")["status"]["nodes"][0]["node"]
    script = "erl -hidden -dist_listen false -name caller@$POD_IP -setcookie $COOKIE -start_epmd false -erl_epmd_port "
    script += f'{PORT} {FLAGS[protocol]} -noshell -eval "io:format(\\"~p~n\\",[net_adm:ping(\'{target}\')]),halt()."'
    told = nodes.namespace.kubectl("exec", pod, "-c", "app", "--", "sh", "-c", script).splitlines()
    # What OTP logs of a refusal comes before the answer or after it.
    (answer,) = {"pong", "pang"}.intersection(told)
    return answer


def test_a_peer_with_the_cookie_and_the_certificate_is_let_in(sealed):
    assert ping(sealed, "friend", "tls") == "pong"


def test_a_peer_that_speaks_plain_text_is_refused(sealed):
    assert ping(sealed, "friend", "plain") == "pang"


def test_a_peer_with_a_certificate_of_another_authority_is_refused(sealed):
    assert ping(sealed, "stranger", "tls") == "pang"


def test_openssl_sees_a_chain_that_the_resources_own_authority_has_signed(sealed, tmp_path):
    data = sealed.namespace.get("secret", "sealed-tls")["data"]
    for name, content in data.items():
        (tmp_path / name).write_bytes(base64.b64decode(content))
    address = sealed.namespace.pods("sealed")[0]["status"]["podIP"]
    host = sealed.namespace.get("elixircluster", "sealed")["status"]["nodes"][0]["node"].partition("@")[2]
    command = ["openssl", "s_client", "-connect", f"{address}:{PORT}", "-CAfile", str(tmp_path / "ca.crt")]
    command += ["-verify_hostname", host, "-verify_return_error"]
    mine = ["-cert", str(tmp_path / "tls.crt"), "-key", str(tmp_path / "tls.key")]
    inside = sealed.namespace.kubernetes.run_inside
    with_mine = subprocess.run(
        inside(command + mine), input="", capture_output=True, text=True, check=False, timeout=30
    )
    assert "Verify return code: 0 (ok)" in with_mine.stdout, with_mine.stdout + with_mine.stderr
    # The node wants one from its peer as well.
    assert "Acceptable client certificate CA names" in with_mine.stdout, with_mine.stdout
