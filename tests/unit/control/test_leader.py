"""The lease: taken, renewed, lost."""

from __future__ import annotations

import asyncio

import pytest

from elixircluster.control.leader import RENEW_DEADLINE_SECONDS, Leader, NotLeadingError
from elixircluster.kube.api import ApiError

from .clock import Loop
from .leases import Leases

EVENT_LOOP = Loop


@pytest.fixture
def leases():
    return Leases()


def leader(leases, identity="a"):
    return Leader(leases, "default", "elixircluster", identity)


async def test_a_free_lease_is_taken_and_nobody_writes_before(leases):
    found = leader(leases)
    with pytest.raises(NotLeadingError):
        found.permit()
    await found.acquire()
    found.permit()
    assert leases.holder == "a"


async def test_two_never_lead_at_once(leases):
    one, other = leader(leases, "a"), leader(leases, "b")
    await one.acquire()
    waiting = asyncio.create_task(other.acquire())
    holding = asyncio.create_task(one.hold())
    await asyncio.sleep(60)
    assert not waiting.done()
    holding.cancel()
    await waiting
    with pytest.raises(NotLeadingError):
        one.permit()
    other.permit()


async def test_a_renewal_is_one_request(leases):
    found = leader(leases)
    await found.acquire()
    leases.requests.clear()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(found.hold(), 60)
    assert set(leases.requests) == {"replace"}
    found.permit()


async def test_a_slow_api_server_costs_no_lease(leases):
    """A request of 2 s, and two requests a renewal: lost for ever."""
    leases.seconds = 2
    found = leader(leases)
    await found.acquire()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(found.hold(), 600)
    found.permit()


async def test_one_request_that_hangs_costs_an_attempt_and_not_the_lease(leases):
    found = leader(leases)
    await found.acquire()
    holding = asyncio.create_task(found.hold())
    leases.seconds = 60
    await asyncio.sleep(3)
    leases.seconds = 0
    await asyncio.sleep(60)
    assert not holding.done()
    found.permit()
    holding.cancel()


async def test_a_lease_that_cannot_be_renewed_is_lost_in_time(leases):
    found = leader(leases)
    await found.acquire()
    leases.error = ApiError(503, {"reason": "ServiceUnavailable"})
    async with asyncio.timeout(RENEW_DEADLINE_SECONDS + 1):
        await found.hold()
    with pytest.raises(NotLeadingError):
        found.permit()


async def test_somebody_else_may_write_to_the_lease(leases):
    found = leader(leases)
    await found.acquire()
    leases._write({**leases.lease, "metadata": {**leases.lease["metadata"], "labels": {"team": "a"}}})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(found.hold(), 60)
    found.permit()
    assert leases.lease["metadata"]["labels"] == {"team": "a"}


async def test_a_lease_that_was_deleted_is_made_again(leases):
    found = leader(leases)
    await found.acquire()
    leases.lease = None
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(found.hold(), 60)
    assert leases.holder == "a"


@pytest.mark.parametrize("kept", [True, False])
async def test_a_world_that_went_back_ends_the_process(leases, kept):
    """After a backup of etcd is restored, versions are lower, and what they tell would be old news for ever."""
    found = leader(leases)
    await found.acquire()
    leases.version = 10
    if kept:
        leases._write(leases.lease)
    else:
        leases.lease = None
    async with asyncio.timeout(RENEW_DEADLINE_SECONDS - 1):
        await found.hold()


async def test_a_lease_without_a_spec_is_free(leases):
    leases._write({"apiVersion": "v1", "kind": "Lease", "metadata": {"name": "elixircluster", "namespace": "default"}})
    await leader(leases).acquire()
    assert leases.holder == "a"


async def test_a_lease_that_is_given_back_is_taken_at_once(leases):
    one, other = leader(leases, "a"), leader(leases, "b")
    await one.acquire()
    await one.release()
    async with asyncio.timeout(1):
        await other.acquire()
    assert leases.holder == "b"
