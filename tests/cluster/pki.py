"""The certificates of one cluster: a CA, the servers', and one client per program."""

from __future__ import annotations

import datetime as dt
import ipaddress
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .layout import API_PORT, Layout, in_url
from .machine import machines

MASTERS = "system:masters"

# One row per program that talks to the API server, so that the audit log tells them apart.
USERS = {
    "admin": ("admin", MASTERS),
    "controllers": ("system:kube-controller-manager", "system:kube-controller-manager"),
    "scheduler": ("system:kube-scheduler", "system:kube-scheduler"),
    "proxy": ("system:kube-proxy", "system:node-proxier"),
    "coredns": ("system:coredns", MASTERS),
    "enforcer": ("system:network-policy", MASTERS),
    "storage": ("system:storage", MASTERS),
}
_API_NAMES = ["localhost", *(f"kubernetes{tail}" for tail in ("", ".default", ".default.svc"))]
API_SANS = ["127.0.0.1", *_API_NAMES, "kubernetes.default.svc.cluster.local"]


@dataclass
class Authority:
    """A CA that lives as long as its cluster."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, folder: Path) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _subject("elixircluster-test-ca")
        builder = _builder(name, name, key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        authority = cls(folder, key, builder.sign(key, hashes.SHA256()))
        _write(folder / "ca.crt", authority.certificate.public_bytes(serialization.Encoding.PEM))
        _write_key(folder / "ca.key", key)
        return authority

    def issue(self, file: str, common_name: str, organization: str, sans: list[str]) -> None:
        """Write `file`.crt and `file`.key, good for a server and for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = (
            _builder(_subject(common_name, organization), self.certificate.subject, key.public_key())
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.SubjectAlternativeName([_san(name) for name in sans]), critical=False)
        )
        certificate = builder.sign(self.key, hashes.SHA256())
        _write(self.folder / f"{file}.crt", certificate.public_bytes(serialization.Encoding.PEM))
        _write_key(self.folder / f"{file}.key", key)


def create(layout: Layout) -> None:
    """Everything that the components need, and a kubeconfig for each of them."""
    authority, network = Authority.create(layout.pki), layout.network
    _write_key(layout.pki / "sa.key", ec.generate_private_key(ec.SECP256R1()))
    served = [*API_SANS, network.control_plane, network.api_service]
    authority.issue("apiserver", "kube-apiserver", "kubernetes", served)
    authority.issue("front-proxy", "front-proxy", "kubernetes", ["front-proxy"])
    for user, (common_name, organization) in USERS.items():
        authority.issue(user, common_name, organization, [user])
    for machine in machines(layout):
        authority.issue(machine.user, f"system:node:{machine.name}", "system:nodes", [machine.name, machine.address])
    for user in (*USERS, *(machine.user for machine in machines(layout))):
        write_kubeconfig(layout, user, layout.user_config(user), f"{in_url(network.control_plane)}:{API_PORT}")


def write_kubeconfig(layout: Layout, user: str, file: Path, server: str) -> None:
    """A kubeconfig that holds its certificates, so that it can be copied anywhere."""
    cluster = {
        "server": f"https://{server}",
        "certificate-authority-data": _base64(layout.pki / "ca.crt"),
    }
    credentials = {
        "client-certificate-data": _base64(layout.pki / f"{user}.crt"),
        "client-key-data": _base64(layout.pki / f"{user}.key"),
    }
    name = layout.full_name
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }
    _write(file, yaml.safe_dump(content).encode())


def _base64(file: Path) -> str:
    return b64encode(file.read_bytes()).decode()


def _subject(common_name: str, organization: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _builder(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=3650))
    )


def _san(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    # The API server reads a service account key in this format only.
    form = serialization.PrivateFormat.TraditionalOpenSSL
    _write(file, key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def _write(file: Path, content: bytes) -> None:
    file.touch(mode=0o600)
    file.write_bytes(content)
