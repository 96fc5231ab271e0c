"""Where watches are wired: the only module that knows kopf.

kopf brings the streams, their reconnects and their start-up; its handlers' state, finalizers and annotations are not
used. An event does nothing but put the resource's key on the queue.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection
from typing import Any, cast

import kopf

from elixircluster.control.kinds import CLUSTERS, WATCHED
from elixircluster.control.queue import Queue
from elixircluster.control.world import World
from elixircluster.kube import Kind
from elixircluster.observe import metrics
from elixircluster.render.names import MANAGED_SELECTOR


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
    for kind in WATCHED:
        result.watching.label_selectors[kind.plural] = MANAGED_SELECTOR
    # Every handled event would be a line.
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    return result


def registry(world: World, queue: Queue) -> kopf.OperatorRegistry:
    """A handler per watched kind."""
    result = kopf.OperatorRegistry()

    @kopf.on.login(registry=result)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    for kind in (CLUSTERS, *WATCHED):
        handler = _handler(kind, world, queue)
        kopf.on.event(kind.group, kind.version, kind.plural, registry=result, id=kind.plural)(handler)
    return result


def _handler(kind: Kind, world: World, queue: Queue) -> Any:
    async def handle(event: Any, **_: Any) -> None:
        metrics.watch_age.set(time.time())
        body = dict(event["object"])
        key = world.forget(kind, body) if event["type"] == "DELETED" else world.see(kind, body)
        if key:
            queue.add(key)

    return handle


async def watch(world: World, queue: Queue, namespaces: Collection[str], stop: asyncio.Event) -> None:
    """Watch until `stop`, or until kopf gives up: 5xx for about a minute, or a broken stream, end it.

    The process ends with it and comes back with a fresh view, which is the simplest way to be right again.
    """
    await kopf.operator(
        registry=registry(world, queue),
        settings=settings(),
        # Asked for even without peering, and by default looked up in /etc/passwd, where the container's user is not.
        identity=cast(Any, "elixircluster"),
        clusterwide=not namespaces,
        namespaces=namespaces,
        stop_flag=stop,
    )
