"""Whether a certificate serves, by what the Secret holds and not by what is said of it: a chain of checks."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

KEYS = ("tls.crt", "tls.key", "ca.crt")


class Fault(NamedTuple):
    """What is wrong: a condition's reason, and words that follow the name of the Secret."""

    reason: str
    message: str


@dataclass(frozen=True)
class Held:
    """What a Secret holds, as far as it can be read.

    `between` are certificates that tls.crt holds after the node's own; `authorities` are those in ca.crt.
    """

    missing: tuple[str, ...] = ()
    certificate: x509.Certificate | None = None
    key: Any = None
    between: tuple[x509.Certificate, ...] = ()
    authorities: tuple[x509.Certificate, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, str] | None, wanted: Sequence[str] = KEYS) -> Held:
        """The Secret's data, in base 64."""
        texts = {key: _decoded((data or {}).get(key)) for key in KEYS}
        own = _certificates(texts["tls.crt"])
        return cls(
            missing=tuple(key for key in wanted if not texts[key]),
            certificate=own[0] if own else None,
            key=_key(texts["tls.key"]),
            between=own[1:],
            authorities=_certificates(texts["ca.crt"]),
        )


@dataclass(frozen=True)
class Demand:
    """What a certificate must be good for: these hosts, at this time."""

    names: Sequence[str]
    now: dt.datetime


def complete(held: Held, _demand: Demand) -> Fault | None:
    """All three parts are there."""
    if held.missing:
        return Fault("CertificateKeyMissing", f"has no key {held.missing[0]}; it needs {', '.join(KEYS)}")
    return None


def readable(held: Held, _demand: Demand) -> Fault | None:
    """Each of them is what it should be."""
    if held.certificate is None:
        return Fault("CertificateInvalid", "holds a tls.crt that is no certificate in PEM")
    if held.key is None:
        return Fault("CertificateInvalid", "holds a tls.key that is no private key in PEM, or one with a password")
    if not held.authorities:
        return Fault("CertificateInvalid", "holds a ca.crt that is no certificate in PEM")
    return None


def paired(held: Held, _demand: Demand) -> Fault | None:
    """The key is the certificate's."""
    pair = (held.certificate, held.key) if held.certificate and held.key else None
    if pair and len({public_bytes(part.public_key()) for part in pair}) > 1:
        return Fault("CertificateInvalid", "holds a tls.key that does not belong to its tls.crt")
    return None


def issued(held: Held, _demand: Demand) -> Fault | None:
    """One of the authorities has signed it, or a certificate that tls.crt brings along."""
    signers = (*held.between, *held.authorities)
    if held.certificate and not any(has_signed(signer, held.certificate) for signer in signers):
        return Fault("CertificateInvalid", "holds a tls.crt that no certificate in its ca.crt has signed")
    return None


def named(held: Held, demand: Demand) -> Fault | None:
    """It names every node's host: the runtime compares exact DNS names, and a wildcard does not match."""
    missing = [name for name in demand.names if name not in names_of(held.certificate)]
    if not missing:
        return None
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return Fault(
        "CertificateNameMissing",
        f"holds a certificate that does not name {missing[0]}{more}; its DNS names must hold every node's host",
    )


def begun(held: Held, demand: Demand) -> Fault | None:
    """Its time has come. One from the future was made while a clock was wrong."""
    if held.certificate and held.certificate.not_valid_before_utc > demand.now:
        since = held.certificate.not_valid_before_utc.date()
        return Fault("CertificateNotYetValid", f"holds a certificate that is valid from {since} on; make it anew")
    return None


def unexpired(held: Held, demand: Demand) -> Fault | None:
    """Its time is not over."""
    if held.certificate and held.certificate.not_valid_after_utc <= demand.now:
        return Fault("CertificateExpired", "holds a certificate that has expired; renew it")
    return None


Check = Callable[[Held, Demand], Fault | None]
CHECKS: tuple[Check, ...] = (complete, readable, paired, issued, named, begun, unexpired)


def judge(held: Held, demand: Demand, checks: Sequence[Check] = CHECKS) -> Fault | None:
    """The first fault, or None where it serves."""
    return next((fault for check in checks if (fault := check(held, demand))), None)


def turn(held: Held, now: dt.datetime) -> dt.datetime | None:
    """When time alone makes something else of it: as its certificate's time comes, or ends."""
    if held.certificate is None:
        return None
    times = (held.certificate.not_valid_before_utc, held.certificate.not_valid_after_utc)
    return next((time for time in times if time > now), None)


def has_signed(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether the one has signed the other."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def is_valid(certificate: x509.Certificate, now: dt.datetime) -> bool:
    """Whether it is its time."""
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def names_of(certificate: x509.Certificate | None) -> set[str]:
    """Its DNS names."""
    if certificate is None:
        return set()
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return set()
    return set(found.get_values_for_type(x509.DNSName))


def public_bytes(key: Any) -> bytes:
    """A public key, to compare."""
    found: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return found


def _decoded(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _certificates(text: bytes) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(text))
    except ValueError:
        return ()


def _key(text: bytes) -> Any:
    try:
        return serialization.load_pem_private_key(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
