"""The process: health first, then the lease, then the world, then the work."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import socket
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from elixircluster.api.resource import Key
from elixircluster.control import memory, watches, workers
from elixircluster.control.backoff import Backoff
from elixircluster.control.leader import Leader
from elixircluster.control.listing import relist
from elixircluster.control.queue import Queue
from elixircluster.control.reconcile import Reconciler
from elixircluster.control.references import ReferenceWatch
from elixircluster.kube.api import UNREACHABLE, Api, Kind
from elixircluster.kube.kinds import CLUSTERS, SOMETIMES_KNOWN, WATCHED
from elixircluster.meshes.meshes import Meshes
from elixircluster.observed.store import Store
from elixircluster.render.templates import Templates
from elixircluster.telemetry import health

logger = logging.getLogger(__name__)

FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 60.0
SECONDS_BETWEEN_HEARINGS = 1.0
LISTS = "list of what is not watched"


@dataclass(frozen=True)
class Settings:
    """How the operator runs. No namespaces means all."""

    namespaces: tuple[str, ...]
    lease_namespace: str
    operator_namespace: str
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

    The lease is held from the first moment, however long it takes to see the world. Nothing is carried over to the
    next process, which begins with a fresh view. It cannot be the same one: kopf ends every task of the loop with its
    own.
    """
    store, queue, streams = Store(), Queue(), health.Streams()
    probes.busy_for, probes.trouble = queue.longest_work, streams.trouble
    api.heard = streams.heard
    streams.expect([LISTS])
    seen = watches.Watches(api, store, queue, settings.namespaces, streams)
    meshes = Meshes(api, store, queue.add, f"elixircluster@{identity()}.operator")
    reconciler = Reconciler(api, store, Templates(settings.templates, settings.operator_namespace), meshes, now)

    async def watch() -> None:
        await served(api, CLUSTERS)
        await seen.run(stop)

    async def work() -> None:
        await seen.begun.wait()
        await resynced(api, store, SOMETIMES_KNOWN, settings.namespaces, queue.add)
        streams.flows(LISTS)
        logger.info("%d resources", len(store.keys()))
        await workers.start(queue, reconciler, settings.workers)

    async def look() -> None:
        await seen.begun.wait()
        await meshes.run()

    tasks = {
        "the signal": stop.wait(),
        "the lease": leader.hold(),
        "watches": watch(),
        "references": ReferenceWatch(api, store, queue, streams).run(settings.namespaces),
        "workers": work(),
        "meshes": look(),
        "resync": resync(api, store, queue, settings),
        "hearing the API server": hearing(streams),
        "memory": memory.given_back(),
    }
    ended = list(tasks)[await first(*tasks.values())]
    if not stop.is_set():
        logger.error("%s ended; starting anew", ended)


async def hearing(streams: health.Streams) -> None:
    """Return once nothing is heard any more. Who leads lets the lease go then: another replica may fare better."""
    while not streams.deaf:  # noqa: ASYNC110 - it is the absence of events
        await asyncio.sleep(SECONDS_BETWEEN_HEARINGS)
    logger.error("no answer for %.0f s: %s", health.LONGEST_SILENCE_SECONDS, streams.trouble())


async def served(api: Api, kind: Kind) -> None:
    """Wait until the API server knows the kind: a watch of one that it does not know would never begin."""
    backoff = Backoff(FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS)
    while True:
        error: Exception | None = None
        try:
            if await api.serves(kind):
                return
            logger.error("the CustomResourceDefinition %s.%s is not installed; waiting for it", kind.plural, kind.group)
        except UNREACHABLE as raised:
            error = raised
            logger.warning("cannot ask for %s: %s", kind.plural, error or type(error).__name__)
        await asyncio.sleep(backoff.failed(error))


async def resync(api: Api, store: Store, queue: Queue, settings: Settings) -> None:
    """See everything anew from time to time, and look at each resource: with jitter, spread over a tenth of the time.

    Gaps of watches are not for here: each watch begins with a list.
    """
    seconds = settings.resync_seconds
    while True:
        await asyncio.sleep(seconds * random.uniform(0.9, 1.1))  # noqa: S311 - jitter
        await resynced(api, store, (CLUSTERS, *WATCHED, *SOMETIMES_KNOWN), settings.namespaces, queue.add)
        for key in store.keys():  # noqa: SIM118 - not a dict
            queue.add_after(key, random.uniform(0, seconds / 10), background=True)  # noqa: S311 - jitter


async def resynced(
    api: Api, store: Store, kinds: Sequence[Kind], namespaces: Collection[str], tell: Callable[[Key], None]
) -> None:
    """List these kinds, again and again until it has worked, and tell which resources are concerned."""
    backoff = Backoff(FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS)
    while True:
        try:
            return await relist(api, store, kinds, namespaces, tell)
        except UNREACHABLE as error:
            seconds = backoff.failed(error)
            logger.warning("cannot see the world, again in %.0f s: %s", seconds, error or type(error).__name__)
        await asyncio.sleep(seconds)


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
