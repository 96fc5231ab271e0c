"""A Secret with a certificate of somebody else's making, as time goes by."""

from __future__ import annotations

import datetime as dt

import pytest

from elixircluster.certificates.issue import encode, new_authority, new_certificate
from elixircluster.certificates.secrets import LONGEST_WAIT_SECONDS, Certificates
from elixircluster.control.outcome import attempt
from elixircluster.kube.kinds import SECRETS
from elixircluster.observed.store import Store
from elixircluster.phase import Context
from elixircluster.render.tls import hosts
from tests.fake.api import Api
from tests.fake.server import Server
from tests.unit.factory import NOW, TEMPLATES, cluster, observed

MADE = dt.datetime.fromisoformat(NOW)
AUTHORITY = new_authority("chat", MADE)
MODES = {
    "mine": {"mode": "Secret", "secretRef": {"name": "mine"}},
    "chat-tls-issued": {"mode": "CertManager", "issuerRef": {"name": "mesh"}},
}


async def looked_at(name: str, seconds_left: float):
    """What becomes of a resource whose certificate has so many seconds left; of one with less than none, is to come."""
    chat = cluster(discovery={"strategy": "DNSSRV"}, distribution={"tls": MODES[name]})
    leaf = new_certificate(AUTHORITY, list(hosts(chat)), MADE)
    now = leaf.certificate.not_valid_after_utc - dt.timedelta(seconds=seconds_left)
    server = Server(lambda: NOW)
    data = {**leaf.data(), "ca.crt": encode(AUTHORITY.certificate)}
    server.create("user", SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data})
    certificates = Certificates(Api(server), Store(), TEMPLATES, lambda: now)
    context = Context(chat, observed(), observed)
    phase = certificates.renew if name == "mine" else certificates.await_issued
    return await attempt(phase, context)


@pytest.mark.parametrize("name", MODES)
async def test_the_end_of_a_certificate_is_not_missed(name):
    """Nobody told of it: until the next resync, status called nodes ready that could not connect any more."""
    result = await looked_at(name, 90)
    assert (result.trouble, result.again) == (None, 90)


@pytest.mark.parametrize("name", MODES)
async def test_one_that_ends_in_a_year_is_looked_at_once_a_day(name):
    result = await looked_at(name, 2 * LONGEST_WAIT_SECONDS)
    assert result.again == LONGEST_WAIT_SECONDS


async def test_one_that_has_ended_waits_for_its_user():
    trouble = (await looked_at("mine", 0)).trouble
    assert (trouble.reason, trouble.again) == ("CertificateExpired", None)


async def test_one_that_is_yet_to_come_serves_when_its_time_has_come():
    begins = new_certificate(AUTHORITY, ["host"], MADE).certificate.not_valid_before_utc
    ends = new_certificate(AUTHORITY, ["host"], MADE).certificate.not_valid_after_utc
    trouble = (await looked_at("mine", (ends - begins).total_seconds() + 60)).trouble
    assert (trouble.reason, trouble.again) == ("CertificateNotYetValid", 60)
