"""A work queue of keys, after client-go's: deduplicated, delayed, in two priorities, never one key in two hands."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

from elixircluster.api.resource import Key
from elixircluster.control.backoff import Backoff, later
from elixircluster.telemetry import metrics

FIRST_BACKOFF_SECONDS = 0.05
LONGEST_BACKOFF_SECONDS = 300.0
SHORTEST_SECONDS = 0.001


class Queue:
    """Keys to look at.

    A key that is added while somebody works on it comes again afterwards. What comes in the background (a restart, a
    resync of thousands) waits for what somebody changed. Clock: the event loop's.
    """

    def __init__(self) -> None:
        self._ready: OrderedDict[Key, None] = OrderedDict()
        self._background: OrderedDict[Key, None] = OrderedDict()
        # Since when a key waits to be looked at; one that is being worked on is in neither of the two above.
        self._dirty: dict[Key, float] = {}
        self._again: dict[Key, bool] = {}
        self._active: dict[Key, float] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._backoffs: dict[Key, Backoff] = {}
        self._loop = asyncio.get_running_loop()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._depth = metrics.queue_depth.labels(metrics.CONTROLLER)
        self._adds = metrics.queue_adds.labels(metrics.CONTROLLER)
        self._wait = metrics.queue_wait.labels(metrics.CONTROLLER)

    def add(self, key: Key, *, background: bool = False) -> None:
        """Look at this key as soon as possible, or in the background once nothing else waits."""
        if key not in self._dirty:
            self._adds.inc()
            self._dirty[key] = self._loop.time()
        elif background:
            return
        if key in self._active:
            self._again[key] = background and self._again.get(key, True)
        else:
            self._push(key, background)

    def add_after(self, key: Key, seconds: float, *, background: bool = False) -> None:
        """Look at this key in `seconds`, or before if something else wants it."""
        # By less no clock moves: what is due then would not be yet when it is looked at, again and again.
        seconds = max(seconds, SHORTEST_SECONDS) if seconds > 0 else 0.0
        due = self._loop.time() + seconds
        timer = self._timers.get(key)
        if timer and timer.when() <= due:
            return
        if timer:
            timer.cancel()
        self._timers[key] = self._loop.call_later(seconds, self._fire, key, background)

    def retry(self, key: Key) -> float:
        """The key failed: look again after an exponential backoff with jitter. Returns it, in seconds."""
        if key not in self._backoffs:
            self._backoffs[key] = Backoff(FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS)
        metrics.queue_retries.labels(metrics.CONTROLLER).inc()
        seconds = self._backoffs[key].failed()
        self.add_after(key, seconds)
        return seconds

    def again(self, key: Key, after: float) -> float:
        """The key waits for the world: look again in so many seconds, and a little more. Returns them."""
        self.forget(key)
        seconds = later(after)
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: Key) -> None:
        """The key went well: the next failure starts with the shortest backoff."""
        self._backoffs.pop(key, None)

    async def get(self) -> Key:
        """The next key. `done` gives it back."""
        while not (self._ready or self._background):
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        key, _ = (self._ready or self._background).popitem(last=False)
        now = self._loop.time()
        self._wait.observe(now - self._dirty.pop(key))
        self._active[key] = now
        self._measure()
        return key

    def done(self, key: Key) -> None:
        """Work on the key has ended."""
        del self._active[key]
        if key in self._dirty:
            self._push(key, self._again.pop(key))

    def longest_work(self) -> float:
        """For how many seconds the oldest work has been going on."""
        return self._loop.time() - min(self._active.values()) if self._active else 0.0

    def _fire(self, key: Key, background: bool) -> None:
        self._timers.pop(key, None)
        self.add(key, background=background)

    def _push(self, key: Key, background: bool) -> None:
        if background:
            self._background[key] = None
        else:
            self._background.pop(key, None)
            self._ready[key] = None
        self._measure()
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                break

    def _measure(self) -> None:
        self._depth.set(len(self._ready) + len(self._background))
