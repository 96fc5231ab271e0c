"""What whoever answers at a member's address can do with our handshake, with real nodes; docs/security.md tells it."""

from __future__ import annotations

import asyncio

import pytest

from elixircluster.mesh.connection import Target, dial
from elixircluster.mesh.failure import Failure, MeshError
from tests import beam
from tests.relay import Relay

from .conftest import US


async def relayed(expected, victim, mark, tls=None):
    """Dial one node where somebody answers who passes it on to another. Returns how that failed, and the relay."""
    relay = Relay(victim.member, ("file", "write_file", [str(mark).encode(), b"relayed"]))
    place = await relay.pretend_to_be(expected.name)
    try:
        with pytest.raises(MeshError) as caught:
            await dial(Target.of(place), beam.COOKIE, US, seconds=30, tls=tls)
        if tls is None:
            await written(mark)
        else:
            await asyncio.wait_for(relay.closed.wait(), 30)
    finally:
        relay.close()
    return caught.value.failed.failure, relay


async def written(mark):
    """A file is there before there is anything in it."""
    async with asyncio.timeout(30):
        while not (mark.exists() and mark.read_text()):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)


async def test_without_tls_another_node_runs_what_it_is_told_by_who_passed_our_handshake_on(three, tmp_path):
    """The known limit: what keeps it from happening is who can answer at a pod's address, and TLS."""
    mark = tmp_path / "mark"
    failure, relay = await relayed(three[0], three[1], mark)
    assert failure is Failure.WRONG_NAME
    assert relay.let_in.is_set()
    assert mark.read_text() == "relayed"


async def test_over_tls_what_is_passed_on_is_of_no_use(secured, tmp_path):
    """Both nodes show the one certificate of the mesh; still nobody in between can read or say a word."""
    mark = tmp_path / "mark"
    failure, relay = await relayed(secured.nodes[0], secured.nodes[1], mark, secured.tls())
    assert failure is Failure.WRONG_NAME
    assert not relay.let_in.is_set()
    assert not mark.exists()
