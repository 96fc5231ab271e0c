"""Certificates are judged by their data."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from cryptography import x509

from elixircluster.certificates.issue import encode, new_authority, new_certificate
from elixircluster.certificates.judge import Demand, Held, judge

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
YEAR = dt.timedelta(days=365)
HOST = "chat-{}.chat-nodes.default.svc.cluster.local"
HOSTS = [HOST.format(ordinal) for ordinal in range(3)]
AUTHORITY = new_authority("chat", NOW)
OTHER = new_authority("chat", NOW)
LEAF = new_certificate(AUTHORITY, HOSTS, NOW)
NOTHING = base64.b64encode(b"x").decode()


def secret(**changes: str) -> dict[str, str]:
    return {**LEAF.data(), "ca.crt": encode(AUTHORITY.certificate), **changes}


def judged(data, names=HOSTS):
    return judge(Held.read(data), Demand(names, NOW))


def test_every_named_host_is_verified_against_the_authority():
    LEAF.certificate.verify_directly_issued_by(AUTHORITY.certificate)
    names = LEAF.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == HOSTS


def test_an_authority_signs_certificates_and_nothing_below():
    constraints = AUTHORITY.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert constraints.ca
    assert constraints.path_length == 0


def test_a_good_secret_serves():
    assert judged(secret()) is None


def test_what_lies_between_a_certificate_and_its_root_may_come_with_it():
    chain = encode(LEAF.certificate, AUTHORITY.certificate)
    assert judged(secret(**{"tls.crt": chain, "ca.crt": encode(OTHER.certificate)})) is None


FEW = new_certificate(AUTHORITY, HOSTS[:1], NOW)
FAULTS = {
    "no key": ({"tls.key": ""}, "CertificateKeyMissing", "tls.key"),
    "no authority": ({"ca.crt": ""}, "CertificateKeyMissing", "ca.crt"),
    "no certificate": ({"tls.crt": NOTHING}, "CertificateInvalid", "tls.crt"),
    "a spoiled key": ({"tls.key": NOTHING}, "CertificateInvalid", "tls.key"),
    "a spoiled authority": ({"ca.crt": NOTHING}, "CertificateInvalid", "ca.crt"),
    "no base 64": ({"tls.key": "%"}, "CertificateKeyMissing", "tls.key"),
    "the key of another": ({"tls.key": FEW.data()["tls.key"]}, "CertificateInvalid", "does not belong"),
    "another authority": ({"ca.crt": encode(OTHER.certificate)}, "CertificateInvalid", "has signed"),
    "too old": (new_certificate(AUTHORITY, HOSTS, NOW - YEAR).data(), "CertificateExpired", "renew"),
    "of the future": (new_certificate(AUTHORITY, HOSTS, NOW + YEAR).data(), "CertificateNotYetValid", "2026-12-31"),
    "too few names": (FEW.data(), "CertificateNameMissing", f"{HOSTS[1]} and 1 more"),
}


@pytest.mark.parametrize(("changes", "reason", "said"), FAULTS.values(), ids=FAULTS)
def test_a_secret_with_which_nodes_could_not_connect_has_a_fault(changes, reason, said):
    fault = judged(secret(**changes))
    assert fault.reason == reason
    assert said in fault.message
