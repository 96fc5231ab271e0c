"""When to look: each mesh when it is due, so many at once, and one mesh never twice at a time."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from elixircluster.api.resource import Key
from elixircluster.meshes.schedule import Schedule

MOST_AT_ONCE = 128
"""Looks under way. One that finds everybody well takes milliseconds, and one at silent nodes a few seconds."""
SOONEST_SECONDS = 0.1
"""From one look to the next, whatever the news, and from news to a look: more of them may come."""
JITTER = 0.1
"""By which share a pause is longer or shorter, so that an operator that starts with thousands does not beat."""

BEAT_SECONDS = 0.25
"""Looks that are due by themselves begin on beats: what comes together costs a processor less than what comes apart."""

Look = Callable[[Key], Awaitable[float | None]]
"""Looks, and says in how many seconds to look again: 0 at once, None not before somebody asks. Never raises."""


class Scheduler:
    """Runs looks."""

    def __init__(self, look: Look, most: int = MOST_AT_ONCE) -> None:
        self._look = look
        self._most = most
        self._schedule = Schedule()
        self._looking: set[Key] = set()
        self._news: set[Key] = set()
        self._changed = asyncio.Event()

    def soon(self, key: Key) -> None:
        """There is news: look at it."""
        if key in self._looking:
            self._news.add(key)
        else:
            self._put(key, SOONEST_SECONDS)

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                for key in self._take():
                    group.create_task(self._one(key))
                await self._wait()

    def _take(self) -> list[Key]:
        now, taken = asyncio.get_running_loop().time(), []
        while len(self._looking) < self._most and (key := self._schedule.take(now)):
            self._looking.add(key)
            taken.append(key)
        return taken

    async def _wait(self) -> None:
        due = self._schedule.next() if len(self._looking) < self._most else None
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._changed.wait()

    async def _one(self, key: Key) -> None:
        started = asyncio.get_running_loop().time()
        pause = None
        try:
            pause = await self._look(key)
        finally:
            self._looking.discard(key)
            now = asyncio.get_running_loop().time()
            self._changed.set()
            if key in self._news or pause == 0:
                self._news.discard(key)
                self._put(key, SOONEST_SECONDS)
            elif pause is not None:
                self._schedule.put(key, on_beat(max(started + spread(pause), now + SOONEST_SECONDS)))

    def _put(self, key: Key, seconds: float) -> None:
        self._schedule.put(key, asyncio.get_running_loop().time() + seconds)
        self._changed.set()


def spread(pause: float) -> float:
    """A pause that is about as long."""
    return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - jitter


def on_beat(due: float) -> float:
    """The first beat then or later."""
    return math.ceil(due / BEAT_SECONDS) * BEAT_SECONDS
