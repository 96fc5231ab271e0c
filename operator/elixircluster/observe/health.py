"""Health and metrics over HTTP. Alive is a loop that gets things done, not one that answers HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

# A reconcile makes a dozen requests of at most 30 s each; one that takes longer is stuck.
LONGEST_WORK_SECONDS = 300.0


class Health:
    """What the probes ask. `busy_for` tells for how long the oldest reconcile has been going on, in seconds."""

    def __init__(self) -> None:
        self.started = False
        self.busy_for: Callable[[], float] = lambda: 0.0

    async def live(self, _: web.Request) -> web.Response:
        """200 unless a reconcile is stuck. A stuck event loop does not answer at all."""
        if self.busy_for() > LONGEST_WORK_SECONDS:
            return web.Response(status=500, text=f"a reconcile has been going on for {self.busy_for():.0f} s")
        return web.Response(text="ok")

    async def ready(self, _: web.Request) -> web.Response:
        """200 once the process leads or stands by."""
        return web.Response(text="ok") if self.started else web.Response(status=503, text="starting")


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
