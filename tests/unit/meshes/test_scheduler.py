"""Looks: when, and how many at once."""

from __future__ import annotations

import asyncio

from elixircluster.api.resource import Key
from elixircluster.meshes.scheduler import SOONEST_SECONDS, Scheduler
from tests.unit.meshes.world import looking

KEYS = [Key("default", f"chat-{number}") for number in range(20)]


class Looks:
    """What was looked at; each look takes its time and says when the next is due."""

    def __init__(self, seconds=0.0, pause=None):
        self.seconds, self.pause = seconds, pause
        self.done, self.under_way, self.most, self.begun = [], [], 0, asyncio.Event()

    async def __call__(self, key):
        assert key not in self.under_way
        self.under_way.append(key)
        self.begun.set()
        self.most = max(self.most, len(self.under_way))
        await asyncio.sleep(self.seconds)
        self.under_way.remove(key)
        self.done.append(key)
        return self.pause


async def test_so_many_looks_at_once_and_all_get_their_turn():
    looks = Looks(seconds=0.02)
    scheduler = Scheduler(looks, most=3)
    async with looking(scheduler):
        for key in KEYS:
            scheduler.soon(key)
        await asyncio.sleep(0.5)
    assert sorted(looks.done) == sorted(KEYS)
    assert looks.most == 3


async def test_what_is_not_due_again_is_left_alone_until_there_is_news():
    looks = Looks()
    scheduler = Scheduler(looks)
    async with looking(scheduler):
        scheduler.soon(KEYS[0])
        await asyncio.sleep(3 * SOONEST_SECONDS)
        assert looks.done == KEYS[:1]
        scheduler.soon(KEYS[0])
        await asyncio.sleep(3 * SOONEST_SECONDS)
    assert looks.done == KEYS[:1] * 2


async def test_news_during_a_look_is_looked_at_afterwards():
    looks = Looks(seconds=0.1)
    scheduler = Scheduler(looks)
    async with looking(scheduler):
        scheduler.soon(KEYS[0])
        await looks.begun.wait()
        scheduler.soon(KEYS[0])
        await asyncio.sleep(0.5)
    assert looks.done == KEYS[:1] * 2


async def test_much_news_at_once_is_one_look():
    looks = Looks()
    scheduler = Scheduler(looks)
    async with looking(scheduler):
        for _ in range(50):
            scheduler.soon(KEYS[0])
            await asyncio.sleep(0)
        await asyncio.sleep(2 * SOONEST_SECONDS)
    assert looks.done == KEYS[:1]


async def test_a_mesh_is_looked_at_again_and_again():
    looks = Looks(pause=0.2)
    scheduler = Scheduler(looks)
    async with looking(scheduler):
        scheduler.soon(KEYS[0])
        await asyncio.sleep(1.05)
    assert 3 <= len(looks.done) <= 6
