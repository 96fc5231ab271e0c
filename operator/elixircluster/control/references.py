"""Objects that resources refer to and do not own: their Secrets and ConfigMaps.

Only metadata is watched. With whole objects, other people's Secrets would fill the memory: 300 of 1 MB took
cert-manager to 1.15 GB, and metadata alone to 27 MB (cert-manager's design/20221205-memory-management.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from itertools import product

from elixircluster.control.backoff import Backoff
from elixircluster.control.queue import Queue
from elixircluster.kube.api import METADATA_LIST, UNREACHABLE, Api, Kind
from elixircluster.kube.kinds import CONFIG_MAPS, SECRETS
from elixircluster.observed.store import Store
from elixircluster.telemetry.health import Streams

logger = logging.getLogger(__name__)

FOREIGN_SELECTOR = "app.kubernetes.io/managed-by!=elixircluster"
WATCH_SECONDS = 300
FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 30.0
# An API server ends a watch after minutes; one that ends sooner did not work.
SHORTEST_WATCH_SECONDS = 5.0


class ReferenceWatch:
    """Puts the resources on the queue that refer to an object which came, changed or went."""

    def __init__(self, api: Api, store: Store, queue: Queue, streams: Streams) -> None:
        self._api = api
        self._store = store
        self._queue = queue
        self._streams = streams

    async def run(self, namespaces: Collection[str]) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for kind, namespace in product((SECRETS, CONFIG_MAPS), namespaces or (None,)):
                self._streams.expect([stream(kind, namespace)])
                group.create_task(self._follow(kind, namespace))

    async def _follow(self, kind: Kind, namespace: str | None) -> None:
        loop, backoff = asyncio.get_running_loop(), Backoff(FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS)
        version, name = "", stream(kind, namespace)
        while True:
            began = loop.time()
            error: Exception | None = None
            try:
                version = await self._watch(kind, namespace, version or await self._begin(kind, namespace))
                self._streams.ended(name)
            except (*UNREACHABLE, ValueError) as raised:
                version, error = "", raised
                why = str(raised) or type(raised).__name__
                self._streams.broken(name, why)
                logger.warning("%s: %s", name, why)
            if loop.time() - began >= SHORTEST_WATCH_SECONDS:
                backoff.succeeded()
            await asyncio.sleep(backoff.failed(error))

    async def _begin(self, kind: Kind, namespace: str | None) -> str:
        """Where to watch from: the end of a list, by which whatever was changed or deleted until then is seen."""
        version, present = "", {}
        async for page in self._api.pages(kind, namespace, FOREIGN_SELECTOR, accept=METADATA_LIST):
            version = page["metadata"]["resourceVersion"]
            for item in page["items"]:
                metadata = item["metadata"]
                present[metadata["namespace"], metadata["name"]] = metadata["resourceVersion"]
        for key in self._store.references.settle(kind.kind, namespace, present):
            self._queue.add(key, background=True)
        return version

    async def _watch(self, kind: Kind, namespace: str | None, version: str) -> str:
        """Until the watch ends. Returns from which version to go on, or nothing where that is too old."""
        watch = self._api.watch_metadata(kind, namespace, FOREIGN_SELECTOR, version, WATCH_SECONDS)
        async with watch as events:
            self._streams.flows(stream(kind, namespace))
            async for event in events:
                if event["type"] == "ERROR":
                    return ""
                metadata = event["object"]["metadata"]
                version = metadata["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    self._see(kind, metadata, "" if event["type"] == "DELETED" else version)
        return version

    def _see(self, kind: Kind, metadata: dict[str, str], version: str) -> None:
        for key in self._store.references.see(metadata["namespace"], (kind.kind, metadata["name"]), version):
            self._queue.add(key)


def stream(kind: Kind, namespace: str | None) -> str:
    """What a watch is called."""
    return f"watch of referenced {kind.plural}" + (f" in {namespace}" if namespace else "")
