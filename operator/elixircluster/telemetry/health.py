"""Health and metrics over HTTP. Alive is a loop that gets things done, not one that answers HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

# A reconcile makes a dozen requests of at most 30 s each; one that takes longer is stuck.
LONGEST_WORK_SECONDS = 300.0
# An API server that restarts is back before.
LONGEST_BREAK_SECONDS = 60.0
# An attempt at a list takes half a minute at most; two in vain, and some time to log in.
LONGEST_SILENCE_SECONDS = 90.0


class Streams:
    """The streams of events, and the first lists, that the work needs; and which of them do not flow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard = clock()
        self._never: set[str] = set()
        self._still: dict[str, tuple[float, str]] = {}

    def expect(self, names: Iterable[str]) -> None:
        """These are to begin."""
        for name in names:
            self._never.add(name)
            self._still[name] = self._clock(), "not begun"

    def flows(self, name: str) -> None:
        """It has begun, or begun anew."""
        self.heard()
        self._never.discard(name)
        self._still.pop(name, None)

    def ended(self, name: str) -> None:
        """It has ended, as each does after some minutes. Who is to begin it anew has yet to do so."""
        self._still.setdefault(name, (self._clock(), "ended, and not begun anew"))

    def broken(self, name: str, why: str) -> None:
        """An attempt to begin it failed."""
        since, _ = self._still.get(name, (self._clock(), ""))
        self._still[name] = since, why

    def heard(self) -> None:
        """The API server has answered, if only that it refuses."""
        self._heard = self._clock()

    def begun(self, names: Iterable[str]) -> bool:
        """Whether each of these has begun once."""
        return not self._never & set(names)

    @property
    def deaf(self) -> bool:
        """Whether something has not flowed for too long, and nothing at all was heard meanwhile.

        An answer that refuses is one that any replica would get. Where there is none, another machine may get one.
        """
        since = min((since for since, _ in self._still.values()), default=self._clock())
        return self._clock() - max(since, self._heard) > LONGEST_SILENCE_SECONDS

    def trouble(self) -> str:
        """What this process does not see, or nothing: a break that is short is made up for by the list after it."""
        told = []
        for name, (since, why) in self._still.items():
            seconds = self._clock() - since
            if name in self._never:
                told.append(f"{name}: {why}")
            elif seconds > LONGEST_BREAK_SECONDS:
                told.append(f"{name}: broken for {seconds:.0f} s: {why}")
        return "\n".join(told)


class Health:
    """What the probes ask.

    `busy_for` tells for how long the oldest reconcile has been going on, in seconds; `trouble` what keeps a process
    that leads from its work.
    """

    def __init__(self) -> None:
        self.started = False
        self.busy_for: Callable[[], float] = lambda: 0.0
        self.trouble: Callable[[], str] = lambda: ""

    async def live(self, _: web.Request) -> web.Response:
        """200 unless a reconcile is stuck. A stuck event loop does not answer at all.

        An API server that does not answer is no reason to start this process anew.
        """
        if self.busy_for() > LONGEST_WORK_SECONDS:
            return web.Response(status=500, text=f"a reconcile has been going on for {self.busy_for():.0f} s")
        return web.Response(text="ok")

    async def ready(self, _: web.Request) -> web.Response:
        """200 once the process stands by, or leads and sees what it has to see."""
        trouble = self.trouble() if self.started else "starting"
        return web.Response(status=503, text=trouble) if trouble else web.Response(text="ok")


async def metrics(_: web.Request) -> web.Response:
    """The metrics in Prometheus' text format."""
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def serve(health: Health, health_port: int, metrics_port: int) -> None:
    """Serve both ports until cancelled."""
    probes = web.Application()
    probes.router.add_get("/livez", health.live)
    probes.router.add_get("/readyz", health.ready)
    numbers = web.Application()
    numbers.router.add_get("/metrics", metrics)
    runners = []
    try:
        for application, port in ((probes, health_port), (numbers, metrics_port)):
            runner = web.AppRunner(application, access_log=None)
            runners.append(runner)
            await runner.setup()
            await web.TCPSite(runner, port=port).start()
        await asyncio.Event().wait()
    finally:
        for runner in runners:
            await runner.cleanup()
