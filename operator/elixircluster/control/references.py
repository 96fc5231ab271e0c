"""Objects that resources refer to and do not own: their Secrets and ConfigMaps.

Only metadata is watched. With whole objects, other people's Secrets would fill the memory: 300 of 1 MB took
cert-manager to 1.15 GB, and metadata alone to 27 MB (cert-manager's design/20221205-memory-management.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from itertools import product

import aiohttp

from elixircluster.control.kinds import CONFIG_MAPS, SECRETS
from elixircluster.control.queue import Queue
from elixircluster.control.world import World
from elixircluster.kube import METADATA_LIST, Api, ApiError, Kind

logger = logging.getLogger(__name__)

FOREIGN_SELECTOR = "app.kubernetes.io/managed-by!=elixircluster"
WATCH_SECONDS = 300
PAUSE_SECONDS = 1.0


class ReferenceWatch:
    """Puts the resources on the queue that refer to an object which came, changed or went."""

    def __init__(self, api: Api, world: World, queue: Queue) -> None:
        self._api = api
        self._world = world
        self._queue = queue

    async def run(self, namespaces: Collection[str]) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for kind, namespace in product((SECRETS, CONFIG_MAPS), namespaces or (None,)):
                group.create_task(self._follow(kind, namespace))

    async def _follow(self, kind: Kind, namespace: str | None) -> None:
        while True:
            try:
                await self._list_and_watch(kind, namespace)
            except (ApiError, aiohttp.ClientError, TimeoutError, ValueError) as error:
                logger.warning("watch of referenced %s: %s", kind.plural, error)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _list_and_watch(self, kind: Kind, namespace: str | None) -> None:
        """From a list until the watch breaks: then a list again, which sees what was missed."""
        version = ""
        async for page in self._api.pages(kind, namespace, FOREIGN_SELECTOR, accept=METADATA_LIST):
            version = version or page["metadata"]["resourceVersion"]
            for item in page["items"]:
                self._wake(kind, item["metadata"])
        while True:
            watch = self._api.watch_metadata(kind, namespace, FOREIGN_SELECTOR, version, WATCH_SECONDS)
            async for event in watch:
                metadata = event["object"].get("metadata") or {}
                if event["type"] == "ERROR":
                    return
                version = metadata["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    self._wake(kind, metadata)

    def _wake(self, kind: Kind, metadata: dict[str, str]) -> None:
        for key in self._world.referrers(metadata["namespace"], kind.kind, metadata["name"]):
            self._queue.add(key)
