"""The prober and real nodes over TLS."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from elixircluster.mesh.connection import Identity
from elixircluster.mesh.failure import Failure
from elixircluster.mesh.probe import Prober
from elixircluster.mesh.view import view
from tests import beam
from tests.certificates import Authority, distribution_flags

from .conftest import US, join


@pytest.fixture
async def ask():
    """What one node says to a prober of its own."""
    probers = []

    async def look(node, tls, seconds=2.0):
        probers.append(Prober(beam.COOKIE, Identity(f"tls-{len(probers)}@prober"), tls=tls, look_seconds=seconds))
        return (await probers[-1].look([node.member]))[node.name]

    yield look
    for prober in probers:
        await prober.close()


async def test_three_nodes_are_seen_as_a_full_mesh(secured):
    prober = Prober(beam.COOKIE, US, tls=secured.tls(), look_seconds=5.0)
    members = [node.member for node in secured.nodes]
    try:
        await join(prober, secured.nodes)
        seen = view(members, await prober.look(members))
    finally:
        await prober.close()
    assert (seen.verdict.reason, seen.links) == ("FullMesh", 3)


async def test_a_certificate_of_another_authority_is_refused_by_us(secured, ask):
    failed = await ask(secured.nodes[0], secured.tls(authority=Authority("another")))
    assert failed.failure is Failure.TLS_FAILED
    assert "we do not accept the node's certificate" in failed.message


async def test_our_certificate_of_another_authority_is_refused_by_the_node(secured, ask):
    failed = await ask(secured.nodes[0], secured.tls(leaf=Authority("another").leaf("operator")))
    assert failed.failure is Failure.TLS_FAILED
    assert "the node does not accept us: unknown ca" in failed.message


async def test_our_expired_certificate_is_named(secured, ask):
    failed = await ask(secured.nodes[0], secured.tls(leaf=secured.authority.leaf("operator", days=-1)))
    assert failed.failure is Failure.TLS_FAILED
    assert "expired" in failed.message


async def test_a_certificate_for_another_host_is_refused_by_us(secured, ask, tmp_path):
    flags = distribution_flags(tmp_path, secured.authority, secured.authority.leaf("elsewhere.example"))
    node = beam.Node("misnamed", 95, beam.free_port(), flags=flags, log=tmp_path / "log").start()
    try:
        failed = await ask(node, secured.tls())
    finally:
        node.kill()
    assert failed.failure is Failure.TLS_FAILED
    assert failed.message == "the node's certificate is for elsewhere.example, not for 127.0.0.95"


async def test_a_wrong_cookie_is_named(secured):
    prober = Prober("another", US, tls=secured.tls(), look_seconds=2.0)
    try:
        answers = await prober.look([secured.nodes[0].member])
    finally:
        await prober.close()
    assert answers[secured.nodes[0].name].failure is Failure.WRONG_COOKIE


async def test_plain_to_a_node_that_speaks_tls_is_named(secured, ask):
    failed = await ask(secured.nodes[0], None)
    assert failed.failure is Failure.TLS_FAILED
    assert "the node speaks TLS" in failed.message


async def test_tls_to_a_node_that_speaks_plain_is_named_once_the_node_hangs_up(secured, three):
    """It was one of many failures of TLS, and a cluster that talks in plaintext was Unknown."""
    prober = Prober(beam.COOKIE, US, tls=secured.tls())
    node = three[0]
    before = node.log.read_bytes()
    try:
        async with asyncio.timeout(20):
            while (failed := (await prober.look([node.member]))[node.name]).failure is not Failure.PLAINTEXT:
                assert failed.failure is Failure.TIMEOUT
        again = (await prober.look([node.member]))[node.name]
    finally:
        await prober.close()
    assert again == failed
    assert three[0].log.read_bytes() == before


async def test_a_frozen_node_is_a_timeout(secured):
    prober = Prober(beam.COOKIE, US, tls=secured.tls())
    node = secured.nodes[2]
    try:
        await prober.look([node.member])
        node.freeze()
        await prober.look([node.member])
        failed = (await prober.look([node.member]))[node.name]
    finally:
        node.thaw()
        await prober.close()
    assert (failed.failure, failed.frozen) == (Failure.TIMEOUT, True)


async def test_a_node_that_another_only_tries_to_reach_says_nothing_of_it_in_its_log(secured):
    prober = Prober(beam.COOKIE, US, tls=secured.tls(), look_seconds=5.0)
    one, other = (node.member for node in secured.nodes[:2])
    before = secured.nodes[1].log.read_bytes()
    try:
        await prober.look([one])
        assert [await prober.reaches(one, other) for _ in range(3)] == [True, True, True]
        assert await prober.reaches(one, dataclasses.replace(other, port=beam.free_port())) is False
    finally:
        await prober.close()
    # A node gives a handshake seven seconds.
    await asyncio.sleep(8)
    assert secured.nodes[1].log.read_bytes() == before
