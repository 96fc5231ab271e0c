"""A work queue of keys, after client-go's: deduplicated, delayed, never one key in two hands."""

from __future__ import annotations

import asyncio
import random
from collections import deque

from elixircluster.api.resource import Key
from elixircluster.observe import metrics

FIRST_BACKOFF_SECONDS = 0.05
LONGEST_BACKOFF_SECONDS = 300.0


class Queue:
    """Keys to look at.

    A key that is added while somebody works on it comes again afterwards. Clock: the event loop's.
    """

    def __init__(self) -> None:
        self._ready: deque[Key] = deque()
        self._dirty: dict[Key, float] = {}
        self._active: dict[Key, float] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._loop = asyncio.get_running_loop()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._depth = metrics.queue_depth.labels(metrics.CONTROLLER)
        self._adds = metrics.queue_adds.labels(metrics.CONTROLLER)
        self._wait = metrics.queue_wait.labels(metrics.CONTROLLER)

    def add(self, key: Key) -> None:
        """Look at this key as soon as possible."""
        if key in self._dirty:
            return
        self._adds.inc()
        self._dirty[key] = self._loop.time()
        if key not in self._active:
            self._push(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Look at this key in `seconds`, or before if something else wants it."""
        due = self._loop.time() + seconds
        timer = self._timers.get(key)
        if timer and timer.when() <= due:
            return
        if timer:
            timer.cancel()
        self._timers[key] = self._loop.call_later(seconds, self._fire, key)

    def retry(self, key: Key, at_least: float = 0.0) -> float:
        """Look again after an exponential backoff with jitter. Returns it, in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        metrics.queue_retries.labels(metrics.CONTROLLER).inc()
        backoff = min(FIRST_BACKOFF_SECONDS * 2 ** min(failures, 16), LONGEST_BACKOFF_SECONDS)
        seconds: float = max(at_least, backoff * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: Key) -> None:
        """The key went well: the next failure starts with the shortest backoff."""
        self._failures.pop(key, None)

    async def get(self) -> Key:
        """The next key. `done` gives it back."""
        while not self._ready:
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        key = self._ready.popleft()
        now = self._loop.time()
        self._wait.observe(now - self._dirty.pop(key))
        self._active[key] = now
        self._depth.set(len(self._ready))
        return key

    def done(self, key: Key) -> None:
        """Work on the key has ended."""
        del self._active[key]
        if key in self._dirty:
            self._push(key)

    def longest_work(self) -> float:
        """For how many seconds the oldest work has been going on."""
        return self._loop.time() - min(self._active.values()) if self._active else 0.0

    def _fire(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _push(self, key: Key) -> None:
        self._ready.append(key)
        self._depth.set(len(self._ready))
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                break
