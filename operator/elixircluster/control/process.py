"""The process: health first, then the lease, then the world, then the work."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import socket
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from elixircluster.control import watches, workers
from elixircluster.control.leader import Leader
from elixircluster.control.meshes import Meshes
from elixircluster.control.queue import Queue
from elixircluster.control.reconcile import Reconciler
from elixircluster.control.references import ReferenceWatch
from elixircluster.control.world import World
from elixircluster.kube import Api, ApiError
from elixircluster.observe import health
from elixircluster.render.templates import Templates

logger = logging.getLogger(__name__)

UNREACHABLE = (ApiError, aiohttp.ClientError, TimeoutError)
SETTLE_SECONDS = 1.0


@dataclass(frozen=True)
class Settings:
    """How the operator runs. No namespaces means all."""

    namespaces: tuple[str, ...]
    lease_namespace: str
    lease_name: str
    metrics_port: int
    health_port: int
    workers: int
    templates: Path | None
    resync_seconds: float


async def run(settings: Settings) -> int:
    """Stand by, then lead until a signal, or until something ends that should have gone on. Returns the exit status."""
    stop = asyncio.Event()
    watches.take_signals(stop)
    probes = health.Health()
    serving = asyncio.create_task(health.serve(probes, settings.health_port, settings.metrics_port))
    api, lease_api = await Api.connect(), await Api.connect()
    leader = Leader(lease_api, settings.lease_namespace, settings.lease_name, identity())
    api.permit = leader.permit
    probes.started = True
    try:
        if await first(leader.acquire(), stop.wait(), serving) == 0:
            try:
                await lead(settings, api, leader, probes, stop)
            finally:
                with contextlib.suppress(*UNREACHABLE):
                    await leader.release()
    finally:
        serving.cancel()
        await api.close()
        await lease_api.close()
    return 0 if stop.is_set() else 1


async def lead(settings: Settings, api: Api, leader: Leader, probes: health.Health, stop: asyncio.Event) -> None:
    """Work until something ends it: a signal, a lost lease, or a task that should have gone on.

    Nothing is carried over to the next process, which begins with a fresh view. It cannot be the same one: kopf ends
    every task of the loop with its own.
    """
    world, queue, gap = World(), Queue(), asyncio.Event()
    probes.busy_for = queue.longest_work
    meshes = Meshes(api, world, queue, f"elixircluster@{identity()}.operator")
    reconciler = Reconciler(api, world, Templates(settings.templates, settings.lease_namespace), meshes, now)
    try:
        for key in await world.refresh(api, settings.namespaces):
            queue.add(key)
    except ApiError as error:
        missing = "; is the CustomResourceDefinition installed?" if error.code == 404 else ""
        logger.error("cannot list what there is: %s%s", error, missing)
        return
    except (aiohttp.ClientError, TimeoutError) as error:
        logger.error("cannot list what there is: %s", error or type(error).__name__)
        return
    logger.info("%d resources", len(world.keys()))
    ended = await first(
        stop.wait(),
        leader.hold(),
        watches.watch(world, queue, settings.namespaces, gap, stop),
        ReferenceWatch(api, world, queue).run(settings.namespaces),
        workers.start(queue, reconciler, settings.workers),
        meshes.run(),
        resync(api, world, queue, gap, settings),
    )
    if ended > 1 and not stop.is_set():
        logger.error("%s ended; starting anew", ("", "", "watches", "references", "workers", "meshes", "resync")[ended])


async def resync(api: Api, world: World, queue: Queue, gap: asyncio.Event, settings: Settings) -> None:
    """See everything anew: after a gap of a watch, in which kopf loses deletions, and from time to time.

    From time to time the resources come with jitter, spread over a tenth of the time.
    """
    loop = asyncio.get_running_loop()
    seconds = settings.resync_seconds
    due = loop.time() + seconds * random.uniform(0.9, 1.1)  # noqa: S311 - jitter
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await gap.wait()
        # The watches of all kinds break together, more often than not.
        await asyncio.sleep(SETTLE_SECONDS)
        gap.clear()
        try:
            for key in await world.refresh(api, settings.namespaces):
                queue.add(key)
        except UNREACHABLE as error:
            logger.warning("cannot see the world: %s", error or type(error).__name__)
            gap.set()
            continue
        if loop.time() >= due:
            due = loop.time() + seconds * random.uniform(0.9, 1.1)  # noqa: S311 - jitter
            for key in world.keys():  # noqa: SIM118 - not a dict
                queue.add_after(key, random.uniform(0, seconds / 10))  # noqa: S311 - jitter


async def first(*coroutines: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> int:
    """Run them all until one ends, and end the others. Returns which; raises what it raised."""
    tasks = [item if isinstance(item, asyncio.Task) else asyncio.create_task(item) for item in coroutines]
    mine = [task for task, item in zip(tasks, coroutines, strict=True) if task is not item]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)
    index = min(tasks.index(task) for task in done)
    tasks[index].result()
    return index


def identity() -> str:
    """Who holds the lease: the pod, else this process.

    A container is started again only once the one before has ended, so it goes on with the lease of its pod: after a
    crash the operator is back in a second, not after the lease has run out.
    """
    if uid := os.environ.get("POD_UID"):
        return f"{os.environ.get('POD_NAME') or socket.gethostname()}_{uid}"
    return f"{socket.gethostname()}_{os.getpid()}_{os.urandom(4).hex()}"


def now() -> str:
    """The time in RFC 3339."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
