"""The certificates that the operator makes, and those of users that it refuses."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from elixircluster.control.certificates import Pair, encode, new_authority, new_certificate, refuse_unusable
from elixircluster.errors import Stalled
from tests.unit.factory import cluster

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOST = "chat-{}.chat-nodes.default.svc.cluster.local"
HOSTS = [HOST.format(ordinal) for ordinal in range(3)]
AUTHORITY = new_authority("chat", NOW)
LEAF = new_certificate(AUTHORITY, HOSTS, NOW)
RESOURCE = cluster(
    discovery={"strategy": "DNSSRV"}, distribution={"tls": {"mode": "Secret", "secretRef": {"name": "mine"}}}
)


def test_every_named_host_is_verified_against_the_authority():
    authority = AUTHORITY.certificate
    LEAF.certificate.verify_directly_issued_by(authority)
    names = LEAF.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == HOSTS


def test_an_authority_signs_certificates_and_nothing_below():
    constraints = AUTHORITY.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert constraints.ca
    assert constraints.path_length == 0


def test_another_authority_has_not_signed_it():
    with pytest.raises(ValueError, match=r"[Ii]ssuer|signature"):
        LEAF.certificate.verify_directly_issued_by(new_authority("other", NOW).certificate)


def test_a_pair_survives_its_secret():
    again = Pair.load(LEAF.data())
    assert again.certificate.fingerprint(hashes.SHA256()) == LEAF.certificate.fingerprint(hashes.SHA256())
    assert again.key.private_numbers() == LEAF.key.private_numbers()


def secret(**changes: str) -> dict[str, dict[str, str]]:
    data = {**LEAF.data(), "ca.crt": encode(AUTHORITY.certificate), **changes}
    return {"data": {key: value for key, value in data.items() if value}}


FEW = new_certificate(AUTHORITY, HOSTS[:1], NOW).data()["tls.crt"]
OLD = new_certificate(AUTHORITY, HOSTS, NOW - dt.timedelta(days=365)).data()["tls.crt"]
REFUSED = {
    "no Secret": (None, "CertificateSecretMissing", "Secret mine"),
    "no key": (secret(**{"tls.key": ""}), "CertificateKeyMissing", "tls.key"),
    "no authority": (secret(**{"ca.crt": ""}), "CertificateKeyMissing", "ca.crt"),
    "no certificate": (secret(**{"tls.crt": base64.b64encode(b"x").decode()}), "CertificateInvalid", "PEM"),
    "too old": (secret(**{"tls.crt": OLD}), "CertificateExpired", "renew"),
    "too few names": (secret(**{"tls.crt": FEW}), "CertificateNameMissing", HOSTS[1]),
}


@pytest.mark.parametrize(("found", "reason", "said"), REFUSED.values(), ids=REFUSED)
def test_a_secret_with_which_nodes_could_not_connect_is_refused(found, reason, said):
    with pytest.raises(Stalled) as stalled:
        refuse_unusable(RESOURCE, found, NOW)
    assert stalled.value.reason == reason
    assert said in stalled.value.message


def test_a_good_secret_serves():
    assert refuse_unusable(RESOURCE, secret(), NOW) is None
