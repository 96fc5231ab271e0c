"""A list of everything of a kind: what is in it is seen, and what is not in it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any

from elixircluster.api.resource import Key
from elixircluster.kube.api import Api, ApiError, Kind
from elixircluster.kube.kinds import CLUSTERS, SOMETIMES_KNOWN
from elixircluster.observed.store import Store
from elixircluster.observed.versions import is_older
from elixircluster.render.names import MANAGED_SELECTOR

LISTS_AT_ONCE = 6
"""A slow API server is waited for once, and not for each kind; more would meet its limits for one client."""

Body = dict[str, Any]


class Listing:
    """One list, page by page, into the store. It is made before the list is asked for."""

    def __init__(self, store: Store, kind: Kind, namespace: str | None) -> None:
        self._store = store
        self._kind = kind
        self._namespace = namespace
        self._newest = store.newest(kind)
        self._present: set[tuple[str, str]] = set()
        self._version = ""

    def take(self, page: Body) -> list[Key]:
        """The next page; the last one ends the list. Returns the resources that it tells something new of."""
        metadata = page["metadata"]
        changed: list[Key | None] = []
        if not self._version:
            # Of a list in pages every page is of the same version of the world.
            self._version = metadata["resourceVersion"]
            if is_older(self._version, self._newest):
                changed += self._store.forget_kind(self._kind, self._namespace)
        for body in page["items"] or []:
            self._present.add((body["metadata"]["namespace"], body["metadata"]["name"]))
            changed.append(self._store.see_listed(self._kind, body, self._version))
        if not metadata.get("continue"):
            changed += self._store.settle(self._kind, self._namespace, self._present, self._version)
        return [key for key in dict.fromkeys(changed) if key]


async def relist(
    api: Api, store: Store, kinds: Sequence[Kind], namespaces: Collection[str], tell: Callable[[Key], None]
) -> None:
    """List these kinds, several at once, and tell which resources are concerned. Raises where a list failed.

    What other lists found was told by then: it is in the store, and nobody else will tell it.
    """
    turn = asyncio.Semaphore(LISTS_AT_ONCE)

    async def one(kind: Kind, namespace: str | None) -> None:
        async with turn:
            await _list(api, Listing(store, kind, namespace), kind, namespace, tell)

    lists = [one(kind, namespace) for kind in kinds for namespace in namespaces or (None,)]
    for answer in await asyncio.gather(*lists, return_exceptions=True):
        if answer is not None:
            raise answer


async def _list(api: Api, listing: Listing, kind: Kind, namespace: str | None, tell: Callable[[Key], None]) -> None:
    try:
        async for page in api.pages(kind, namespace, "" if kind == CLUSTERS else MANAGED_SELECTOR):
            for key in listing.take(page):
                tell(key)
    except ApiError as error:
        if error.code not in {403, 404} or kind not in SOMETIMES_KNOWN:
            raise
