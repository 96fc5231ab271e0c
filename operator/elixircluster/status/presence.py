"""Whether the resource that is written for is there, asked of the API server: a watch may have lost the news."""

from __future__ import annotations

from elixircluster.api.resource import Key
from elixircluster.errors import Retry
from elixircluster.kube.api import Api
from elixircluster.kube.kinds import CLUSTERS
from elixircluster.observed.store import Store


async def look_again(api: Api, store: Store, key: Key, *, known: str = "") -> None:
    """Take in what there is under this name now.

    Raises `Retry` where it is not the resource whose uid is `known`, and what the API server answers.
    """
    seen = store.version(CLUSTERS, key, key.name)
    body = await api.get(CLUSTERS, key.namespace, key.name)
    if body is None:
        store.vanished(CLUSTERS, key, key.name, seen)
    elif body["metadata"]["uid"] == known:
        store.absorb(CLUSTERS, body)
        return
    else:
        store.see(CLUSTERS, body)
    raise Retry("ResourceChanged")
