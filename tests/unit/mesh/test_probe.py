"""The prober and pretended nodes, of which a test knows what they send."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from elixircluster.mesh import calls
from elixircluster.mesh.boot import Boot
from elixircluster.mesh.connection import Connection, Identity, Target, dial
from elixircluster.mesh.failure import Failure, MeshError, Step
from elixircluster.mesh.member import Member
from elixircluster.mesh.probe import Prober
from elixircluster.mesh.wire import LONGEST_PACKET, MOST_UNASKED_PACKETS
from tests.pretend import COOKIE, Pretend, serve

US = Identity("us@here")
GOOD = "good@127.0.0.1"


class Cluster:
    """Pretended nodes and a prober for them."""

    def __init__(self, stack):
        self.stack = stack
        self.members = []
        self.made = []
        self.prober = Prober(COOKIE, US, look_seconds=0.2)

    async def add(self, node_name, make=Pretend, **changes):
        def connection():
            self.made.append(make(node_name, **changes))
            return self.made[-1]

        server, member = await serve(connection, node_name)
        self.stack.callback(server.close)
        self.members.append(member)
        return member

    async def look(self):
        return await self.prober.look(self.members)


@pytest.fixture
async def cluster():
    async with AsyncExitStack() as stack:
        made = Cluster(stack)
        stack.push_async_callback(made.prober.close)
        yield made


class Silent(Pretend):
    def on_message(self, packet):
        return


class Mute(Pretend):
    def on_name(self, packet):
        return


async def test_a_look_gives_what_each_node_says(cluster):
    await cluster.add(GOOD, sees=["other@127.0.0.1", US.name])
    found = (await cluster.look())[GOOD]
    assert (found.sees, found.hidden, found.otp_release) == ({"other@127.0.0.1"}, frozenset(), "25")


async def test_connections_stay_open_between_looks(cluster):
    await cluster.add(GOOD)
    for _ in range(3):
        await cluster.look()
    assert len(cluster.made) == 1


async def test_two_looks_at_once_share_a_connection(cluster):
    await cluster.add(GOOD)
    one, two = await asyncio.gather(cluster.look(), cluster.look())
    assert one[GOOD] == two[GOOD]
    assert len(cluster.made) == 1


class Counting(Pretend):
    """Writes down what it was asked."""

    def answer(self, module, function, arguments):
        self.asked = [*getattr(self, "asked", []), f"{module}:{function}"]
        return super().answer(module, function, arguments)


async def test_a_node_is_asked_how_far_its_boot_is_until_it_is_through(cluster):
    await cluster.add(GOOD, Counting)
    await cluster.look()
    node = cluster.made[0]
    node.boot = ("starting", "applications_loaded")
    assert (await cluster.look())[GOOD].boot is Boot.BOOTED
    assert node.asked.count("init:get_status") == 1


class Booting(Counting):
    """A node that is not through with its boot."""

    def __init__(self, *said, provided="applications_loaded", starting=(), seconds=0):
        super().__init__(*said)
        self.boot, self.starting, self.up_seconds = ("starting", provided), starting, seconds


async def test_a_node_that_boots_says_what_it_is_about(cluster):
    await cluster.add(GOOD, Booting, starting=["chat"])
    found = (await cluster.look())[GOOD]
    assert (found.boot, found.starting) == (Boot.BOOTING, ("chat",))
    cluster.made[0].boot, cluster.made[0].starting = ("started", "started"), []
    found = (await cluster.look())[GOOD]
    assert (found.boot, found.starting) == (Boot.BOOTED, ())


# seconds that it is up, applications that start → what is said, and how often it is asked in two looks
TALKATIVE = {
    "it has just started": (1, [], Boot.UNTOLD, 2),
    "it starts an application": (1, ["chat"], Boot.BOOTING, 2),
    "it runs for long": (100, [], Boot.UNTOLD, 1),
}


@pytest.mark.parametrize(("seconds", "starting", "boot", "times"), TALKATIVE.values(), ids=TALKATIVE)
async def test_a_node_that_is_never_through_with_what_it_was_given_to_run(cluster, seconds, starting, boot, times):
    """`main` of a Gleam program does not return. It starts its applications first."""
    await cluster.add(GOOD, Booting, provided="started", starting=starting, seconds=seconds)
    found = [(await cluster.look())[GOOD] for _ in range(2)]
    assert [item.boot for item in found] == [boot, boot]
    assert cluster.made[0].asked.count("init:get_status") == times


def named(letter):
    return f"{letter}@127.0.0.1"


async def whole(cluster, letters="abc", **deaf_to):
    """Nodes that all list each other, and of each whom it does not hear."""
    for letter in letters:
        others = [named(other) for other in letters if other != letter]

        await cluster.add(named(letter), sees=others, deaf_to=[named(other) for other in deaf_to.get(letter, "")])


async def listen(cluster):
    return await cluster.prober.listen(cluster.members, await cluster.look())


async def test_nodes_that_hear_each_other_have_no_unheard_link(cluster):
    await whole(cluster)
    assert await listen(cluster) == frozenset()


async def test_a_link_is_unheard_when_neither_end_hears_the_other(cluster):
    await whole(cluster, a="b", b="a")
    assert await listen(cluster) == {(named("a"), named("b"))}
    for node in cluster.made:
        node.deaf_to = ()
    assert await listen(cluster) == frozenset()


@pytest.mark.parametrize("deaf_to", [{"a": "b"}, {"b": "a"}])
async def test_one_end_that_hears_nothing_is_no_proof(cluster, deaf_to):
    await whole(cluster, **deaf_to)
    assert await listen(cluster) == frozenset()


async def test_a_node_says_whether_it_reaches_another(cluster):
    await whole(cluster, "ab")
    await cluster.look()
    a, b = cluster.members
    assert await cluster.prober.reaches(a, b) is True
    cluster.made[0].closed = [b.port]
    assert await cluster.prober.reaches(a, b) is False
    cluster.made[0].stage = lambda _: None
    assert await cluster.prober.reaches(a, b) is None


class News:
    """Counts what it hears of."""

    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1


async def test_a_node_that_was_prompt_is_late_once_before_it_is_silent(cluster):
    cluster.prober = Prober(COOKIE, US, look_seconds=0.2, on_news=(news := News()))
    await cluster.add(GOOD, sees=["other@127.0.0.1"])
    before = await cluster.look()
    node = cluster.made[0]
    answer, node.on_message = node.on_message, (held := []).append
    node.stage = node.on_message
    assert await cluster.look() == before
    assert cluster.prober.late == {GOOD}
    assert (await cluster.look())[GOOD].failure is Failure.TIMEOUT
    assert cluster.prober.late == frozenset()
    node.stage = answer
    for packet in held:
        answer(packet)
    await asyncio.sleep(0.05)
    assert news.count == 1
    assert await cluster.look() == before
    await cluster.prober.close()


@pytest.mark.parametrize(("steady", "told"), [(0.0, 1), (60.0, 0)])
async def test_the_end_of_a_connection_that_has_held_is_news(cluster, monkeypatch, steady, told):
    monkeypatch.setattr("elixircluster.mesh.peer.STEADY_SECONDS", steady)
    cluster.prober = Prober(COOKIE, US, look_seconds=0.2, on_news=(news := News()))
    await cluster.add(GOOD)
    await cluster.look()
    cluster.made[0].transport.abort()
    await asyncio.sleep(0.05)
    assert news.count == told
    await cluster.look()
    await cluster.prober.close()
    await asyncio.sleep(0.05)
    assert news.count == told


@pytest.mark.parametrize(("make", "step"), [(Silent, Step.CALL), (Mute, Step.HANDSHAKE)])
async def test_a_silent_node_delays_nobody_and_gets_one_connection(cluster, make, step):
    await cluster.add("bad@127.0.0.1", make)
    await cluster.add(GOOD)
    for _ in range(3):
        started = time.perf_counter()
        answers = await cluster.look()
        assert time.perf_counter() - started < 1.0
        assert answers["bad@127.0.0.1"].failure is Failure.TIMEOUT
        assert answers["bad@127.0.0.1"].step is step
        assert not hasattr(answers[GOOD], "failure")
    assert len(cluster.made) == 2


async def test_more_frozen_nodes_than_turns_do_not_keep_a_good_one_from_being_asked(cluster):
    for number in range(70):
        await cluster.add(f"bad{number}@127.0.0.1", Mute)
    await cluster.add(GOOD)
    answers = await cluster.look()
    assert not hasattr(answers[GOOD], "failure")


async def test_when_our_own_loop_stands_still_no_node_is_blamed(cluster):
    await cluster.add(GOOD)
    await cluster.look()
    asyncio.get_running_loop().call_later(0.01, time.sleep, 0.6)
    looking = asyncio.create_task(cluster.look())
    cluster.made[0].send = _after(0.05, cluster.made[0].send)
    assert not hasattr((await looking)[GOOD], "failure")


def _after(seconds, function):
    return lambda *arguments: asyncio.get_running_loop().call_later(seconds, function, *arguments)


async def test_a_node_without_an_address_is_refused(cluster):
    cluster.members.append(Member("pod", "chat@nowhere", "", 6789))
    failed = (await cluster.look())["chat@nowhere"]
    assert (failed.failure, failed.message) == (Failure.REFUSED, "nothing is no IP address")


async def test_a_wrong_cookie_is_not_tried_again_at_once(cluster):
    await cluster.add(GOOD, cookie="another")
    for _ in range(3):
        assert (await cluster.look())[GOOD].failure is Failure.WRONG_COOKIE
    assert len(cluster.made) == 2, "once, and once more to be sure"
    with pytest.raises(MeshError, match="WrongCookie"):
        await cluster.prober.call(cluster.members[0], calls.otp_release())


async def test_a_node_that_hangs_up_is_dialled_anew(cluster):
    await cluster.add(GOOD)
    await cluster.look()
    cluster.made[0].transport.abort()
    await asyncio.sleep(0.05)
    assert not hasattr((await cluster.look())[GOOD], "failure")
    assert len(cluster.made) == 2


async def test_what_is_no_member_any_more_is_hung_up_on(cluster):
    await cluster.add(GOOD)
    await cluster.look()
    await cluster.prober.look([])
    await asyncio.sleep(0.05)
    assert cluster.made[0].transport.is_closing()


async def connected(cluster, make=Pretend):
    member = await cluster.add(GOOD, make)
    return await dial(Target(member.node, member.address, member.port), COOKIE, US, seconds=1)


async def ended(connection: Connection):
    for _ in range(200):
        if connection.lost is not None:
            break
        await asyncio.sleep(0.01)
    return connection.lost.failed


async def test_ticks_are_answered(cluster):
    connection = await connected(cluster)
    ticks = []
    cluster.made[0].stage = ticks.append
    cluster.made[0].transport.write(bytes(4))
    await asyncio.sleep(0.05)
    assert ticks == [b""]
    connection.close()


async def test_we_tick_on_our_own_and_give_up_a_node_that_never_does(cluster, monkeypatch):
    monkeypatch.setattr("elixircluster.mesh.wire.TICK_SECONDS", 0.02)
    connection = await connected(cluster)
    ticks = []
    cluster.made[0].stage = ticks.append
    failed = await ended(connection)
    assert failed.failure is Failure.TIMEOUT
    assert len(ticks) >= 3


async def test_a_packet_that_is_too_long_ends_the_connection(cluster):
    connection = await connected(cluster)
    cluster.made[0].transport.write((LONGEST_PACKET + 1).to_bytes(4))
    assert (await ended(connection)).failure is Failure.PROTOCOL


async def test_ticks_without_end_end_the_connection(cluster):
    connection = await connected(cluster)
    cluster.made[0].transport.write(bytes(4 * (MOST_UNASKED_PACKETS + 1)))
    assert (await ended(connection)).failure is Failure.PROTOCOL


async def test_an_answer_that_nobody_waits_for_is_dropped(cluster):
    connection = await connected(cluster)
    node = cluster.made[0]
    answered = node.send
    node.send = lambda packet: [answered(packet), answered(packet)]
    assert await connection.call(calls.otp_release(), 1) == "25"
    assert await connection.call(calls.otp_release(), 1) == "25"
    assert connection.lost is None


async def test_an_answer_that_cannot_be_read_fails_its_call_only(cluster):
    connection = await connected(cluster)
    node = cluster.made[0]
    whole = node.send
    node.send = lambda packet: whole(packet[:-3])
    with pytest.raises(MeshError, match="that we cannot read"):
        await connection.call(calls.otp_release(), 1)
    node.send = whole
    assert await connection.call(calls.otp_release(), 1) == "25"


async def test_calls_under_way_fail_when_the_connection_ends(cluster):
    connection = await connected(cluster, Silent)
    waiting = asyncio.create_task(connection.call(calls.otp_release(), 5))
    await asyncio.sleep(0.05)
    cluster.made[0].transport.abort()
    with pytest.raises(MeshError, match="NotAlive"):
        await waiting
    with pytest.raises(MeshError, match="NotAlive"):
        await connection.call(calls.otp_release(), 5)


async def test_what_a_node_repeats_is_understood_once_and_what_it_changes_anew(cluster):
    connection = await connected(cluster)
    node = cluster.made[0]
    node.sees = []
    assert await connection.call(calls.nodes("connected"), 1) == frozenset()
    node.answer = lambda *_: []
    assert await connection.call(calls.nodes("connected"), 1) is await connection.call(calls.nodes("connected"), 1)
    node.answer = lambda *_: b"no list"
    with pytest.raises(MeshError, match="unexpected answer"):
        await connection.call(calls.nodes("connected"), 1)
