"""Healing real nodes of which one does not answer."""

from __future__ import annotations

import asyncio
import time

from elixircluster.mesh import calls
from elixircluster.mesh.heal import after, dialled, plan
from elixircluster.mesh.terms import Atom
from tests import beam

from .conftest import grown, join, members

TICK_SECONDS = "4"


async def test_nodes_are_not_joined_while_one_holds_a_frozen_third_and_are_once_it_is_given_up(prober, tmp_path):
    """They were joined, and dropped by `global`, three times in 17 seconds."""
    with beam.nodes(3, 141, tmp_path, flags=["-kernel", "net_ticktime", TICK_SECONDS], prefix="h") as three:
        await join(prober, three)
        await prober.look(members(three))
        frozen = three[2]
        frozen.freeze()
        try:
            drop = calls.Call("erlang", "disconnect_node", (Atom(three[1].name),), lambda value: value)
            await prober.call(three[0].member, drop)
            held, dials = await heal(prober, three, lambda seen: len(seen.islands) == 1 and not seen.missing)
        finally:
            frozen.thaw()
        assert not held, "nothing is dialled while somebody is connected with the frozen one"
        assert dials <= 2
        _, dials = await heal(prober, three, lambda seen: seen.verdict.reason == "FullMesh")
        assert dials <= 3


async def heal(prober, nodes, whole):
    """Look and dial until the mesh is as it should be, with no fault for two seconds. How often was dialled."""
    history, by_name = {}, {node.name: node.member for node in nodes}
    held = dials = 0
    since = None
    async with asyncio.timeout(40):
        while since is None or time.monotonic() - since < 2:
            seen = grown(nodes, await prober.look(members(nodes)))
            since = (since or time.monotonic()) if whole(seen) else None
            if prober.late:
                # As the operator does: who is late may be frozen.
                continue
            todo = plan(seen, history, time.monotonic())
            needed = {way for ways in todo.redials.values() for way in ways}
            found = {way: await prober.reaches(by_name[way.source], by_name[way.target]) for way in needed}
            ways = {way: is_open for way, is_open in found.items() if is_open is not None}
            history = after(todo, ways, time.monotonic())
            for redial in dialled(todo, ways):
                dials += 1
                silent = seen.silent.keys()
                held += bool(silent & (seen.sees[redial.source] | seen.sees[redial.target]))
                await prober.call(by_name[redial.source], calls.connect_node(redial.target), 8)
            await asyncio.sleep(0.3)
    return held, dials
