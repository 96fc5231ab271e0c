"""The prober and real nodes over TCP."""

from __future__ import annotations

import asyncio
import dataclasses
import time

import pytest

from elixircluster.mesh import calls
from elixircluster.mesh.connection import Identity, Target, dial
from elixircluster.mesh.failure import Failure, MeshError, Step
from elixircluster.mesh.heal import after, plan
from elixircluster.mesh.member import Member
from elixircluster.mesh.probe import Prober
from elixircluster.mesh.terms import Atom
from elixircluster.mesh.view import view
from tests import beam

from .conftest import US, grown, join, members


def target(beam_node, **changes):
    return dataclasses.replace(Target(beam_node.name, beam_node.address, beam_node.port), **changes)


async def fails(beam_node, cookie=beam.COOKIE, **changes):
    with pytest.raises(MeshError) as caught:
        await dial(target(beam_node, **changes), cookie, US, seconds=1)
    return caught.value.failed


async def test_three_nodes_are_seen_as_a_full_mesh(prober, three):
    await join(prober, three)
    answers = await prober.look(members(three))
    seen = view(members(three), answers)
    assert seen.verdict.reason == "FullMesh"
    assert (seen.links, seen.strangers, len(seen.versions)) == (3, {}, 1)
    answer = answers[three[0].name]
    assert answer.otp_release.isdigit()
    assert answer.elixir_version is None
    assert 0 < answer.uptime_seconds < 600


async def test_we_are_hidden_and_seen_by_nobody_whom_we_did_not_dial(prober, three):
    await join(prober, three)
    await prober.look(members(three)[:1])
    dialled, other = three[0].member, three[1].member
    assert US.name in await prober.call(dialled, calls.nodes("hidden"))
    assert US.name not in await prober.call(dialled, calls.nodes("visible"))
    observer = Prober(beam.COOKIE, Identity("observer@prober"))
    try:
        assert await observer.call(other, calls.nodes("connected")) == {three[0].name, three[2].name, "observer@prober"}
    finally:
        await observer.close()


async def test_whoever_calls_a_process_of_ours_is_told_at_once_that_there_is_none(prober, three):
    await prober.look(members(three))
    server = (Atom("anything"), Atom(US.name))
    call = calls.Call("gen_server", "call", (server, Atom("hello"), 60_000), lambda value: value)
    with pytest.raises(MeshError, match="RpcRefused: the call ended with noproc"):
        await prober.call(three[0].member, call, 2)


async def test_another_console_is_hidden_and_no_stranger_but_another_member_is(prober, three, tmp_path):
    port = three[0].port
    hidden = beam.Node("rpc-1", 84, port, flags=["-hidden"], log=tmp_path / "hidden.log")
    stranger = beam.Node("stranger", 85, port, log=tmp_path / "stranger.log")
    dial_first = f"true = net_kernel:connect_node('{three[0].name}')"
    try:
        hidden.start(dial_first)
        stranger.start(dial_first)
        async with asyncio.timeout(10):
            while True:
                answers = await prober.look(members(three))
                if {hidden.name, stranger.name} <= answers[three[0].name].sees:
                    break
                await asyncio.sleep(0.05)
    finally:
        hidden.kill()
        stranger.kill()
    assert three[0].name in view(members(three), answers).strangers[stranger.name]
    assert set(view(members(three), answers).strangers) == {stranger.name}


async def test_a_wrong_cookie_is_named(three):
    failed = await fails(three[0], cookie="another")
    assert failed.failure is Failure.WRONG_COOKIE
    assert "another" not in failed.message.replace("another cookie", "")


async def test_a_wrong_cookie_is_not_tried_at_every_look(three):
    prober = Prober("another", Identity("wrong@prober"))
    try:
        for _ in range(5):
            answers = await prober.look(members(three)[2:])
            assert answers[three[2].name].failure is Failure.WRONG_COOKIE
    finally:
        await prober.close()
    await asyncio.sleep(1)
    assert three[2].log.read_text().count("wrong@prober rejected") == 2, "once, and once more to be sure"


async def test_another_node_at_the_address_is_named(three):
    failed = await fails(three[0], node="chat@127.0.0.81")
    assert (failed.failure, failed.proven) == (Failure.WRONG_NAME, True)
    assert three[0].name in failed.message
    assert not (await fails(three[0], cookie="another", node="chat@127.0.0.81")).proven


async def test_a_port_without_listener_is_one_without_a_node(three):
    failed = await fails(three[0], port=beam.free_port())
    assert (failed.failure, failed.step) == (Failure.NOT_DISTRIBUTED, Step.CONNECT)


async def test_a_node_that_is_not_a_member_any_more_is_let_go(prober, three):
    await prober.look(members(three))
    await prober.look(members(three)[1:])
    await asyncio.sleep(0.1)
    other = Prober(beam.COOKIE, Identity("observer@prober"))
    try:
        assert US.name not in await other.call(three[0].member, calls.nodes("hidden"))
    finally:
        await other.close()


async def test_a_new_connection_takes_the_place_of_an_older_one_of_the_same_name(three):
    first = await dial(target(three[0]), beam.COOKIE, US, seconds=1)
    second = await dial(target(three[0]), beam.COOKIE, US, seconds=5)
    assert US.name in await second.call(calls.nodes("hidden"), 1)
    assert first.lost.failed.failure is Failure.NOT_ALIVE
    second.close()


async def test_a_thousand_calls_at_once_are_told_apart(three):
    connection = await dial(target(three[0]), beam.COOKIE, US, seconds=1)
    sizes = [calls.Call("erlang", "abs", (-number,), lambda value: value) for number in range(1, 1001)]
    found = await asyncio.gather(*(connection.call(call, 10) for call in sizes))
    assert found == list(range(1, 1001))
    connection.close()


async def test_a_slow_call_holds_up_no_other_and_its_timeout_leaves_the_connection_usable(three):
    connection = await dial(target(three[0]), beam.COOKIE, US, seconds=1)
    slow = asyncio.create_task(connection.call(calls.drain("timer", "sleep", [2000]), 0.5))
    assert await connection.call(calls.otp_release(), 0.4)
    with pytest.raises(MeshError, match="timer:sleep/1"):
        await slow
    assert await connection.call(calls.otp_release(), 1)
    connection.close()


async def test_a_failing_call_tells_its_class_and_not_its_arguments(three):
    connection = await dial(target(three[0]), beam.COOKIE, US, seconds=1)
    wrong = calls.Call("erlang", "set_cookie", (1, Atom("the-new-cookie")), lambda value: value)
    with pytest.raises(MeshError) as caught:
        await connection.call(wrong, 1)
    assert caught.value.failed.failure is Failure.RPC_REFUSED
    assert str(caught.value) == "RpcRefused: the call ended with badarg"
    connection.close()


async def test_flags_of_the_running_node_can_be_checked(prober, three):
    member = three[0].member
    assert await prober.call(member, calls.argument("erl_epmd_port")) == ((str(three[0].port),),)
    assert await prober.call(member, calls.argument("proto_dist")) == ()


async def test_a_cookie_is_changed_without_losing_the_connection(prober, three):
    member = three[2].member
    await prober.look([member])
    assert await prober.call(member, calls.set_cookie(three[2].name, "rotated"))
    rotated = Prober("rotated", Identity("observer@prober"))
    try:
        assert await rotated.call(member, calls.otp_release())
        assert (await fails(three[2])).failure is Failure.WRONG_COOKIE
        assert await prober.call(member, calls.set_cookie(three[2].name, beam.COOKIE))
    finally:
        await rotated.close()


async def test_a_tick_is_answered_longer_than_a_node_waits_for_one(tmp_path):
    node = beam.Node("ticking", 86, beam.free_port(), flags=["-kernel", "net_ticktime", "4"], log=tmp_path / "log")
    node.start()
    try:
        connection = await dial(target(node), beam.COOKIE, US, seconds=1)
        await asyncio.sleep(8)
        assert connection.lost is None
        assert US.name in await connection.call(calls.nodes("hidden"), 1)
        connection.close()
    finally:
        node.kill()


async def test_the_port_of_a_node_is_asked_of_epmd(monkeypatch, tmp_path):
    mapper = beam.free_port()
    monkeypatch.setenv("ERL_EPMD_PORT", str(mapper))
    epmd = await asyncio.create_subprocess_exec("epmd", "-port", str(mapper))
    node = beam.Node("mapped", 88, 0, log=tmp_path / "log")
    try:
        node.start()
        prober = Prober(beam.COOKIE, US)
        answers = await prober.look([node.member])
        assert await prober.reaches(node.member, node.member)
        answers |= await prober.look([Member("pod", "nobody@127.0.0.88", "127.0.0.88")])
        await prober.close()
    finally:
        node.kill()
        epmd.kill()
        await epmd.wait()
    assert answers[node.name].sees == frozenset()
    assert answers["nobody@127.0.0.88"].failure is Failure.NOT_ALIVE


async def test_a_lost_link_is_seen_and_healed(prober, three):
    await join(prober, three)
    drop = calls.Call("erlang", "disconnect_node", (Atom(three[1].name),), lambda value: value)
    await prober.call(three[0].member, drop)
    # One lost link dissolves the mesh: global drops more, to prevent overlapping partitions.
    seen = None
    for _ in range(200):
        seen = grown(three, await prober.look(members(three)))
        if seen.verdict.reason != "FullMesh":
            break
        await asyncio.sleep(0.05)
    assert seen.verdict.reason in {"Partitioned", "PartialMesh"}
    await asyncio.sleep(0.5)
    history, by_name = {}, {node.name: node.member for node in three}
    async with asyncio.timeout(30):
        while (seen := grown(three, await prober.look(members(three)))).verdict.reason != "FullMesh":
            todo = plan(seen, history, time.monotonic())
            ways = {way: True for needed in todo.redials.values() for way in needed}
            history = after(todo, ways, time.monotonic())
            for redial in todo.redials:
                await prober.call(by_name[redial.source], calls.connect_node(redial.target), 8)
            await asyncio.sleep(0.2)
    assert all(attempt.count == 1 for attempt in history.values())


async def test_a_frozen_node_is_late_and_then_named_and_seen_again_when_it_wakes(prober, three):
    await join(prober, three)
    before = await prober.look(members(three))
    three[1].freeze()
    try:
        assert await prober.look(members(three)) == before
        assert prober.late == {three[1].name}
        for _ in range(2):
            started = time.perf_counter()
            answers = await prober.look(members(three))
            assert time.perf_counter() - started < 1.2
            assert answers[three[1].name].failure is Failure.TIMEOUT
            assert answers[three[1].name].frozen
            assert three[1].name in answers[three[0].name].sees
        assert grown(three, answers).verdict.reason == "NodeFrozen"
    finally:
        three[1].thaw()
    answers = await prober.look(members(three))
    assert not hasattr(answers[three[1].name], "failure")


async def test_nodes_hear_each_other_but_not_a_frozen_one(prober, three):
    await join(prober, three)
    answers = await prober.look(members(three))
    assert await prober.listen(members(three), answers) == frozenset()
    names = [node.name for node in three]
    three[1].freeze()
    try:
        assert await prober.call(three[0].member, calls.hear(names[1:], 0.3)) == (False, True)
        # It is not known whether the frozen one would hear the others.
        assert await prober.listen(members(three), answers) == frozenset()
    finally:
        three[1].thaw()


async def test_a_node_tries_to_reach_another_and_neither_says_a_word_in_its_log(prober, three):
    one, other = three[0].member, three[1].member
    logs = [node.log.read_bytes() for node in three]
    await prober.look([one])
    assert [await prober.reaches(one, other) for _ in range(3)] == [True, True, True]
    assert await prober.reaches(one, dataclasses.replace(other, port=beam.free_port())) is False
    # A node gives a handshake seven seconds.
    await asyncio.sleep(8)
    assert [node.log.read_bytes() for node in three] == logs
    assert await prober.call(one, calls.Call("erlang", "ports", (), lambda value: len(value) < 20 or None))


async def test_a_node_that_is_frozen_from_the_start_is_a_timeout_in_the_handshake(three):
    three[2].freeze()
    try:
        failed = await fails(three[2])
    finally:
        three[2].thaw()
    assert (failed.failure, failed.step, failed.frozen) == (Failure.TIMEOUT, Step.HANDSHAKE, True)


async def test_a_node_that_ends_is_noticed_and_its_successor_is_found(prober, tmp_path):
    node = beam.Node("short", 87, beam.free_port(), log=tmp_path / "log").start()
    try:
        first = (await prober.look([node.member]))[node.name]
        again = await dial(Target.of(node.member), beam.COOKIE, Identity("observer@prober"), seconds=1)
        assert again.creation == first.creation
        node.kill()
        answers = await prober.look([node.member])
        assert answers[node.name].failure in {Failure.REFUSED, Failure.NOT_ALIVE}
        node.start()
        second = (await prober.look([node.member]))[node.name]
        assert second.uptime_seconds < first.uptime_seconds + 5
        assert second.creation != first.creation
    finally:
        node.kill()
