"""When a certificate is made anew, and how one CA follows another without a link that is refused."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from cryptography import x509

from elixircluster.certificates.issue import Pair, encode, new_authority, new_certificate
from elixircluster.certificates.judge import Held
from elixircluster.certificates.renewal import OVERLAP, authority_serves, renewal
from elixircluster.certificates.secrets import AUTHORITY_KEYS, since

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
LONG_AGO = NOW - 300 * DAY
NAMES = ["chat-0.chat-nodes", "chat-1.chat-nodes"]
OLD, NEW = new_authority("chat", LONG_AGO), new_authority("chat", NOW)


def held(leaf: Pair, *authorities: Pair, **changes: str) -> Held:
    return Held.read({**leaf.data(), "ca.crt": encode(*(one.certificate for one in authorities)), **changes})


def leaf(authority: Pair, age: int = 0, names=NAMES) -> Pair:
    return new_certificate(authority, names, NOW - age * DAY)


# what is held, by CAs, and for how long → changes, a new certificate, CAs in ca.crt
SITUATIONS = {
    "nothing is there": (Held.read({}), NEW, OVERLAP, True, True, [NEW]),
    "all is well": (held(leaf(NEW), NEW), NEW, OVERLAP, False, False, [NEW]),
    "it runs out in a month": (held(leaf(NEW, age=61), NEW), NEW, OVERLAP, True, True, [NEW]),
    "it has run out": (held(leaf(NEW, age=91), NEW), NEW, OVERLAP, True, True, [NEW]),
    "it is of the future": (held(leaf(NEW, age=-400), NEW), NEW, OVERLAP, True, True, [NEW]),
    "a host is missing": (held(leaf(NEW, names=NAMES[:1]), NEW), NEW, OVERLAP, True, True, [NEW]),
    "its key was spoiled": (held(leaf(NEW), NEW, **{"tls.key": "eA=="}), NEW, OVERLAP, True, True, [NEW]),
    "its key is another's": (
        held(leaf(NEW), NEW, **{"tls.key": leaf(NEW).data()["tls.key"]}), NEW, OVERLAP, True, True, [NEW],
    ),
    "ca.crt was spoiled": (held(leaf(NEW), NEW, **{"ca.crt": "eA=="}), NEW, OVERLAP, True, True, [NEW]),
    "a new CA is there": (held(leaf(OLD), OLD), NEW, OVERLAP, True, False, [OLD, NEW]),
    "nodes learn of the new CA": (held(leaf(OLD), OLD, NEW), NEW, OVERLAP / 2, False, False, [OLD, NEW]),
    "all know the new CA": (held(leaf(OLD), OLD, NEW), NEW, OVERLAP, True, True, [NEW, OLD]),
    "nodes change their certificates": (held(leaf(NEW), NEW, OLD), NEW, OVERLAP / 2, False, False, [NEW, OLD]),
    "nothing of the old CA is in use": (held(leaf(NEW), NEW, OLD), NEW, OVERLAP, True, False, [NEW]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("found", "authority", "waited", "changes", "issue", "authorities"), SITUATIONS.values(), ids=SITUATIONS
)
def test_a_certificate_is_renewed_by_what_it_is(found, authority, waited, changes, issue, authorities):
    """A spoiled key was never mended, since two annotations said that all was well."""
    decided = renewal(authority.certificate, found, NAMES, NOW - waited, NOW)
    assert (decided.changes, decided.issue) == (changes, issue)
    assert list(decided.authorities) == [one.certificate for one in authorities]
    assert decided.again > NOW


def test_at_every_moment_of_a_new_ca_each_node_trusts_what_any_other_shows():
    """A renewed CA took the place of the old one at once: nodes that had not read it yet refused the others."""
    time, changed = NOW, NOW - DAY
    shown, trusted = leaf(OLD), [OLD.certificate]
    history = [(time, shown.certificate, trusted)]
    for _ in range(6):
        decided = renewal(
            NEW.certificate, Held.read({**shown.data(), "ca.crt": encode(*trusted)}), NAMES, changed, time
        )
        if decided.changes:
            shown = new_certificate(NEW, NAMES, time) if decided.issue else shown
            trusted, changed = list(decided.authorities), decided.since
            history.append((time, shown.certificate, trusted))
        time = decided.again
    assert trusted == [NEW.certificate]
    for at, certificate, _ in history:
        for read, _, believed in history:
            if abs(at - read) < OVERLAP:
                assert any(signed(one, certificate) for one in believed)


def signed(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001 - whatever it says, it is no
        return False
    return True


AUTHORITIES = {
    "new": (new_authority("chat", NOW).data(), True),
    "its last year": (new_authority("chat", NOW - 3300 * DAY).data(), False),
    "of the future": (new_authority("chat", NOW + 400 * DAY).data(), False),
    "a certificate that is no CA": (leaf(NEW).data(), False),
    "a key of another": ({**NEW.data(), "tls.key": OLD.data()["tls.key"]}, False),
    "a spoiled key": ({**NEW.data(), "tls.key": base64.b64encode(b"x").decode()}, False),
    "nothing": ({}, False),
}


@pytest.mark.parametrize(("data", "serves"), AUTHORITIES.values(), ids=AUTHORITIES)
def test_an_authority_serves_while_it_can_sign(data, serves):
    assert authority_serves(Held.read(data, AUTHORITY_KEYS), NOW) is serves


@pytest.mark.parametrize("text", ["", "yesterday", "2027-01-01T00:00:00Z", "2025-01-01"])
def test_a_time_that_cannot_be_was_now(text):
    assert since({"metadata": {"annotations": {"elixircluster.dev/authorities-since": text}}}, NOW) == NOW
