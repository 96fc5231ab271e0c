"""Where watches are wired: the only module that knows kopf.

kopf brings the streams, their reconnects and their start-up; its handlers' state, finalizers and annotations are not
used. An event does nothing but put the resource's key on the queue.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Collection, Iterator
from itertools import chain, repeat
from typing import Any, cast

import kopf

from elixircluster.control.kinds import CLUSTERS, WATCHED
from elixircluster.control.queue import Queue
from elixircluster.control.world import World
from elixircluster.kube import Kind
from elixircluster.observe import metrics
from elixircluster.render.names import MANAGED_SELECTOR


class Backoffs:
    """Seconds between attempts, without an end: with kopf's own, a minute of 5xx would end the process."""

    def __iter__(self) -> Iterator[float]:
        return chain((1.0, 1.0, 2.0, 3.0), repeat(5.0))


def settings() -> kopf.OperatorSettings:
    """Kopf as a source of events and nothing else."""
    result = kopf.OperatorSettings()
    result.peering.standalone = True
    result.scanning.disabled = True
    result.posting.enabled = False
    # A worker per object that lingers for 5 s holds 13 KiB an object; nothing here needs it to linger.
    result.queueing.idle_timeout = 0.05
    result.watching.chunk_size = 500
    result.watching.server_timeout = 600
    result.networking.request_timeout = 30
    result.networking.error_backoffs = Backoffs()
    for kind in WATCHED:
        result.watching.label_selectors[kind.plural] = MANAGED_SELECTOR
    # Every handled event would be a line.
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    return result


def registry(world: World, queue: Queue, gap: asyncio.Event) -> kopf.OperatorRegistry:
    """A handler per watched kind."""
    result = kopf.OperatorRegistry()

    @kopf.on.login(registry=result)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    for kind in (CLUSTERS, *WATCHED):
        handler = _handler(kind, world, queue, gap)
        kopf.on.event(kind.group, kind.version, kind.plural, registry=result, id=kind.plural)(handler)
    return result


def _handler(kind: Kind, world: World, queue: Queue, gap: asyncio.Event) -> Any:
    async def handle(event: Any, **_: Any) -> None:
        metrics.watch_age.set(time.time())
        if event["type"] is None:
            # From a list, so the watch began anew, and what went before is told by nobody.
            gap.set()
        body = dict(event["object"])
        key = world.forget(kind, body) if event["type"] == "DELETED" else world.see(kind, body)
        if key:
            queue.add(key)

    return handle


async def watch(
    world: World, queue: Queue, namespaces: Collection[str], gap: asyncio.Event, stop: asyncio.Event
) -> None:
    """Watch until `stop`, or until kopf gives up on a broken stream. `gap` is set where deletions may be missed."""
    tasks = await kopf.spawn_tasks(
        registry=registry(world, queue, gap),
        settings=settings(),
        # Asked for even without peering, and by default looked up in /etc/passwd, where the container's user is not.
        identity=cast(Any, "elixircluster"),
        clusterwide=not namespaces,
        namespaces=namespaces,
        stop_flag=stop,
    )
    # kopf has taken the process's signals, and at its end would wait 5 s for tasks that are none of its business.
    take_signals(stop)
    await kopf.run_tasks(tasks, ignored=Everything())


def take_signals(stop: asyncio.Event) -> None:
    """A signal to end sets `stop`."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


class Everything(frozenset[Any]):
    """Contains whatever is asked for."""

    def __contains__(self, _: object) -> bool:
        return True
