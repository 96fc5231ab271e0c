"""TLS as nodes use it: one authority per cluster, certificates on both sides, the host of the node's name in them."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from elixircluster.mesh.failure import Failure, MeshError, Step
from elixircluster.untrusted import clean


@dataclass(frozen=True)
class Tls:
    """How to speak TLS with the nodes of a cluster.

    `check_names`: whether a node's certificate must name the host of its node name. Where that is an address, nodes of
    OTP 25 want it as a DNS name and take no other, and those of OTP 27 and 29 as an IP address and take no DNS name
    (tried on all three). `SSLContext.check_hostname` wants the latter too; so it is off in `context`, and we take both.
    """

    context: ssl.SSLContext
    check_names: bool = True


def context(authority: str, certificate: str, key: str) -> ssl.SSLContext:
    """For connections to nodes whose certificates `authority` signed; all three are PEM. Raises `ssl.SSLError`."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.load_verify_locations(cadata=authority)
    # The ssl module reads a key from a file only; this one is in memory.
    with _memory_file(certificate) as certificate_file, _memory_file(key) as key_file:
        made.load_cert_chain(certificate_file, key_file)
    return made


@contextmanager
def _memory_file(content: str) -> Iterator[str]:
    descriptor = os.memfd_create("pem")
    try:
        os.write(descriptor, content.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def check_name(certificate: dict[str, Any], host: str) -> None:
    """That the certificate is for this host. Raises `MeshError`."""
    names = [(kind, value) for kind, value in certificate.get("subjectAltName", ())]
    if not any(_same(kind, value, host) for kind, value in names):
        listed = ", ".join(clean(value) for _, value in names[:4]) or "nothing"
        message = f"the node's certificate is for {listed}, not for {host}"
        raise MeshError(Failure.TLS_FAILED, message, Step.TLS)


def _same(kind: str, value: str, host: str) -> bool:
    if kind == "DNS":
        return value.lower() == host.lower()
    try:
        return kind == "IP Address" and ipaddress.ip_address(value.strip()) == ipaddress.ip_address(host)
    except ValueError:
        return False


def explain(error: ssl.SSLError) -> MeshError:
    """Which check failed, and on which side."""
    reason = (error.reason or "").lower().replace("_", " ")
    if isinstance(error, ssl.SSLCertVerificationError):
        message = f"we do not accept the node's certificate: {error.verify_message}"
    elif "alert" in reason:
        message = f"the node does not accept us: {reason.rpartition('alert ')[2]}"
    elif "wrong version number" in reason or "record layer" in reason:
        message = "the node does not speak TLS"
    else:
        message = reason or "the TLS handshake failed"
    return MeshError(Failure.TLS_FAILED, message, Step.TLS)
