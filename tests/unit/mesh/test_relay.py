"""What whoever answers at a member's address can do with our handshake; docs/security.md tells the same."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from elixircluster.mesh.connection import Identity, Target, dial
from elixircluster.mesh.failure import Failure, MeshError
from tests.pretend import COOKIE, Pretend, payload, serve
from tests.relay import Relay

US = Identity("us@here")
EXPECTED, OTHER = "chat@10.0.0.1", "chat@10.0.0.2"
ASKED = ("os", "cmd", [])


class Victim(Pretend):
    """A node that writes down what it is asked to do."""

    asked: list[str]

    def on_message(self, packet):
        request = payload(packet)[2]
        self.asked.append(str(request[1]))


@pytest.fixture
async def victim():
    """A node, a relay that answers for another, and what the node was asked to do."""
    asked = []

    def made():
        node = Victim(OTHER)
        node.asked = asked
        return node

    async with AsyncExitStack() as stack:
        server, member = await serve(made, OTHER)
        stack.callback(server.close)
        relay = Relay(member, ASKED)
        stack.callback(relay.close)
        yield await relay.pretend_to_be(EXPECTED), relay, asked


async def until(true):
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - whatever it is
            await asyncio.sleep(0.01)


async def test_without_tls_a_handshake_that_is_passed_on_opens_another_nodes_door(victim):
    """It is how the protocol is: nothing in it says who was dialled. So this is what has to be prevented elsewhere."""
    place, relay, asked = victim
    with pytest.raises(MeshError) as caught:
        await dial(Target.of(place), COOKIE, US, seconds=30)
    assert caught.value.failed.failure is Failure.WRONG_NAME
    await until(lambda: asked)
    assert asked == ["os"]
    assert relay.let_in.is_set()


async def test_whoever_has_another_cookie_to_pass_on_to_gets_nothing(victim):
    place, relay, asked = victim
    with pytest.raises(MeshError):
        await dial(Target.of(place), "another-cookie-of-ours", US, seconds=30)
    await relay.closed.wait()
    assert not relay.let_in.is_set()
    assert not asked
