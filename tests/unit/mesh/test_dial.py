"""Where is dialled, and what whoever answers must show before it is believed."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import AsyncExitStack

import pytest

from elixircluster.mesh.connection import Identity, Target, dial
from elixircluster.mesh.failure import Failure, MeshError, Step
from elixircluster.mesh.member import Answer, Member
from elixircluster.mesh.probe import Prober
from tests.pretend import COOKIE, DIRTY, Pretend, serve

US = Identity("us@here")
NAME = "chat@127.0.0.1"


class Place:
    """An address and port at which nodes answer, one object a connection."""

    def __init__(self, stack, answers):
        self._stack = stack
        self._answers = answers
        self.made = []
        self.member = Member("pod", NAME)
        self._server = None

    async def open(self):
        self._server, self.member = await serve(self._connected, NAME)
        self._stack.callback(self.close)
        return self

    def close(self):
        self._server.close()

    def _connected(self):
        self.made.append(self._answers(self, len(self.made)))
        return self.made[-1]


@pytest.fixture
async def place():
    async with AsyncExitStack() as stack:

        async def opened(answers=lambda _place, _number: Pretend(NAME)):
            return await Place(stack, answers).open()

        yield opened


@pytest.fixture
async def prober():
    made = Prober(COOKIE, US, look_seconds=0.5)
    yield made
    await made.close()


async def refused(member, cookie=COOKIE):
    with pytest.raises(MeshError) as caught:
        await dial(Target.of(member), cookie, US, seconds=2)
    return caught.value.failed


class HangsUp(Pretend):
    """Ends the connection on our reply, whatever the cookie, as a node does that dies at that moment."""

    def on_reply(self, packet):
        self.transport.abort()


async def test_a_node_that_hangs_up_on_our_reply_once_has_no_other_cookie_for_that(place):
    """It was concluded from any close: seen twice, and with Recreate allowed, every node was restarted."""
    there = await place(lambda _, number: Pretend(NAME) if number else HangsUp(NAME))
    connection = await dial(Target.of(there.member), COOKIE, US, seconds=2)
    assert len(there.made) == 2
    connection.close()


async def test_a_node_that_dies_on_our_reply_is_not_there(place):
    class Dies(HangsUp):
        def on_reply(self, packet):
            there.close()
            super().on_reply(packet)

    there = await place(lambda *_: Dies(NAME))
    assert (await refused(there.member)).failure is Failure.NOT_DISTRIBUTED


async def test_a_node_that_hangs_up_again_has_another_cookie(place):
    there = await place(lambda *_: Pretend(NAME, cookie="another"))
    assert (await refused(there.member)).failure is Failure.WRONG_COOKIE
    assert len(there.made) == 2


async def test_another_name_is_believed_from_a_node_that_has_the_cookie(place):
    there = await place(lambda *_: Pretend("app@elsewhere"))
    failed = await refused(there.member)
    assert (failed.failure, failed.proven) == (Failure.WRONG_NAME, True)
    assert failed.message == f"it says that it is app@elsewhere, not {NAME}"


@pytest.mark.parametrize("name", ["app@elsewhere", DIRTY * 9])
async def test_another_name_from_anybody_else_is_told_as_what_it_is(place, name):
    there = await place(lambda *_: Pretend(name, cookie="another"))
    failed = await refused(there.member)
    assert (failed.failure, failed.proven) == (Failure.WRONG_NAME, False)
    assert failed.message.endswith("and does not show that it has our cookie")
    assert failed.message.isprintable()
    assert len(failed.message) < 400


async def test_a_node_of_another_name_is_not_dialled_at_every_look(place, prober):
    there = await place(lambda *_: Pretend("app@elsewhere"))
    for _ in range(3):
        assert (await prober.look([there.member]))[NAME].failure is Failure.WRONG_NAME
    assert len(there.made) == 1


@pytest.mark.parametrize("address", ["", "0.0.0.0", "::", "localhost", "chat-0.chat"])
@pytest.mark.parametrize("fixed_port", [True, False])
async def test_without_an_ip_address_nobody_is_dialled(place, monkeypatch, address, fixed_port):
    """An empty address was this machine's own for whoever asked epmd."""
    there = await place()
    monkeypatch.setenv("ERL_EPMD_PORT", str(there.member.port))
    port = there.member.port if fixed_port else None
    failed = await refused(dataclasses.replace(there.member, address=address, port=port))
    assert failed.failure is Failure.REFUSED
    assert failed.step is (Step.CONNECT if fixed_port else Step.LOOKUP)
    assert not there.made


async def test_of_another_pod_at_the_same_place_nothing_that_was_known_holds(place, prober):
    there = await place()
    await prober.look([dataclasses.replace(there.member, life="one")])
    await prober.look([dataclasses.replace(there.member, life="one")])
    assert len(there.made) == 1
    await prober.look([dataclasses.replace(there.member, life="another")])
    await asyncio.sleep(0.05)
    assert len(there.made) == 2
    assert there.made[0].transport.is_closing()


async def test_an_answer_tells_which_run_of_the_node_it_is(place, prober):
    there = await place()
    answer = (await prober.look([there.member]))[NAME]
    assert isinstance(answer, Answer)
    assert answer.creation == 7


async def test_a_node_reaches_another_where_it_gets_to_its_epmd_and_to_the_port_that_this_tells(
    place, prober, monkeypatch
):
    """It was the port mapper's own port alone that was tried, and the usual one."""
    there = await place()

    async def epmd(reader, writer):
        await reader.readexactly(2)
        writer.write(b"w\x00" + there.member.port.to_bytes(2))

    mapper = await asyncio.start_server(epmd, "127.0.0.1", 0)
    port = mapper.sockets[0].getsockname()[1]
    monkeypatch.setenv("ERL_EPMD_PORT", str(port))
    mapped = dataclasses.replace(there.member, port=None)
    await prober.look([mapped])
    for closed, reached in ([], True), ([port], False), ([there.member.port], False):
        there.made[0].closed = closed
        assert await prober.reaches(mapped, mapped) is reached
    mapper.close()
