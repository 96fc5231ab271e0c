"""Certificates for nodes that speak TLS: an authority, and leaves for the hosts of node names."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Leaf:
    """A certificate and its key, as PEM."""

    certificate: str
    key: str


class Authority:
    """Signs leaves."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        made = self._builder(self._name, self._key, DAY).add_extension(constraints, critical=True)
        self.certificate = _pem(made.sign(self._key, hashes.SHA256()))

    def leaf(self, *hosts: str, days: int = 1) -> Leaf:
        """For these hosts, as nodes want them. Expired where `days` is negative."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([name for host in hosts for name in _names(host)])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node")])
        made = self._builder(subject, key, days * DAY).add_extension(names, critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Leaf(_pem(made.sign(self._key, hashes.SHA256())), private.decode())

    def _builder(self, subject, key, life) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 7 * DAY)
            .not_valid_after(now + life)
        )


def _names(host: str) -> list[x509.GeneralName]:
    # Of an address OTP 25 takes the DNS name only, OTP 27 and 29 only the address.
    with contextlib.suppress(ValueError):
        return [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address(host))]
    return [x509.DNSName(host)]


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def distribution_flags(folder: Path, authority: Authority, leaf: Leaf, version: str = "tlsv1.2") -> list[str]:
    """Flags with which a node speaks TLS and wants a certificate from whoever connects."""
    (folder / "ca.pem").write_text(authority.certificate)
    (folder / "tls.pem").write_text(leaf.certificate)
    (folder / "tls.key").write_text(leaf.key)
    options = f'{{cacertfile,"{folder}/ca.pem"}},{{certfile,"{folder}/tls.pem"}},{{keyfile,"{folder}/tls.key"}}'
    options += ",{verify,verify_peer}"
    options += f",{{versions,['{version}']}}"
    option_file = folder / "inet_tls.conf"
    option_file.write_text(f"[{{server,[{options},{{fail_if_no_peer_cert,true}}]}},{{client,[{options}]}}].\n")
    return ["-proto_dist", "inet_tls", "-ssl_dist_optfile", str(option_file)]
