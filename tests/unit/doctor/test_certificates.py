"""Certificates: what is wrong with one is said, and what is not is not blamed on it."""

from __future__ import annotations

import pytest

from .factory import failures, finding
from .faults import encrypted, shut


def test_certificates_of_one_authority_that_are_valid_pass():
    assert failures(encrypted()) == []


def both(**changes):
    def change(told):
        for role in ("client", "server"):
            told["tls"][role] |= changes

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (both(until=1_700_000_000), "chat-1: its certificate expired on 2023-11-14"),
        (both(**{"from": 1_900_000_000}), "chat-1: its certificate is not valid before"),
        (both(signers=["x"], authorities=["x"], issuer="X"), "chat-0 does not know the CA (X) that signed chat-1"),
        (both(signed=False, signers=[]), "which its own ca.crt does not hold"),
        (both(fits_key=False), "its key is not that of its certificate"),
        (lambda told: told.update(tls=None), "speaks no TLS"),
        (
            lambda told: told["tls"]["handshakes"].update({"chat-0": {"alert": "unknown_ca", "by": "peer"}}),
            "chat-1 → chat-0: chat-0 says unknown ca",
        ),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said(change, words):
    facts = encrypted(change, 1)
    assert failures(facts) == ["tls"]
    assert any(words in line for line in finding(facts, "tls").verdict.evidence)


def test_a_port_that_is_closed_is_not_blamed_on_the_certificates():
    def change(told):
        shut(told)
        told["tls"]["handshakes"] = dict.fromkeys(told["peers"], "timeout")

    assert failures(encrypted(change, 1)) == ["port"]
