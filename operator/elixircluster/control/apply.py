"""Writes to the children: server-side apply, only where intent or world changed.

After cluster-api's SSA cache: a write is skipped while the hash of what is wanted and the state of what is there are
those of the last write. Without it every event would be a write, and every write an event.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from elixircluster.api.resource import ElixirCluster, Key
from elixircluster.control.kinds import OWNED, STATEFUL_SETS, Owned
from elixircluster.control.ownership import refuse_foreign
from elixircluster.control.world import Child, Identity, World, owner_name, owner_uid
from elixircluster.errors import Retry, Stalled
from elixircluster.kube import Api, ApiError

Object = dict[str, Any]

# Server-side apply says so, with a 500, of what does not fit the schema: a field that there is not, a name given twice.
MALFORMED = ("failed to create typed patch object", "failed to convert new object")

# No object has this resourceVersion, so that an apply with it can only create.
NEVER = "1"


class Applier:
    """Makes the children as they are wanted."""

    def __init__(self, api: Api, world: World) -> None:
        self._api = api
        self._world = world
        self._written: dict[Key, dict[Identity, tuple[str, str, str]]] = {}

    def forget(self, key: Key) -> None:
        """The resource is gone."""
        self._written.pop(key, None)

    async def apply(self, cluster: ElixirCluster, wanted: Sequence[Object]) -> None:
        """Write what differs; the StatefulSet last, so that its pods find what they mount.

        Raises the weightiest of the errors, after everything that could be written was.
        """
        rest = [item for item in wanted if item["kind"] != STATEFUL_SETS.kind]
        workloads = [item for item in wanted if item["kind"] == STATEFUL_SETS.kind]
        for batch in (rest, workloads):
            results = await asyncio.gather(*(self._one(cluster, item) for item in batch), return_exceptions=True)
            errors = [result for result in results if isinstance(result, BaseException)]
            if errors:
                raise min(errors, key=_weight)

    async def prune(self, cluster: ElixirCluster, wanted: Sequence[Object]) -> None:
        """Delete the children that the spec no longer wants."""
        keep = {(item["kind"], item["metadata"]["name"]) for item in wanted}
        for identity, child in self._world.children(cluster.key).items():
            row = OWNED[child.kind]
            if identity not in keep and row.prunable and child.owner_uid == cluster.uid:
                await self._delete(cluster, row, child)
                self._written.get(cluster.key, {}).pop(identity, None)

    async def _one(self, cluster: ElixirCluster, item: Object) -> None:
        row = owned(item)
        identity = (item["kind"], item["metadata"]["name"])
        intent = digest(item)
        child = self._world.children(cluster.key).get(identity)
        try:
            if child is None:
                child = await self._create(cluster, row, item)
            refuse_foreign(cluster, *identity, child.owner_uid)
            memory = self._written.setdefault(cluster.key, {})
            if memory.get(identity) != (intent, child.uid, child.state):
                child = self._see(row, await self._api.apply(row.kind, item))
                memory[identity] = (intent, child.uid, child.state)
        except ApiError as error:
            if error.code == 404 and not row.watched:
                message = (
                    f"{row.kind.api_version} {row.kind.kind} is not known to this Kubernetes; install what brings it"
                )
                raise Stalled("KindMissing", message, again=30.0) from error
            raise refusal(*identity, error) from error

    async def _create(self, cluster: ElixirCluster, row: Owned, item: Object) -> Child:
        """Create the object, or see the one that is there already."""
        try:
            created = await self._api.apply(
                row.kind, {**item, "metadata": {**item["metadata"], "resourceVersion": NEVER}}
            )
        except ApiError as error:
            if error.code != 409:
                raise
        else:
            child = self._see(row, created)
            memory = self._written.setdefault(cluster.key, {})
            memory[child.kind, child.name] = (digest(item), child.uid, child.state)
            return child
        name = item["metadata"]["name"]
        existing = await self._api.get(row.kind, cluster.namespace, name)
        if existing is None:
            raise Retry("Conflict", after=0.1)
        refuse_foreign(cluster, row.kind.kind, name, owner_uid(existing["metadata"]), owner_name(existing["metadata"]))
        return self._see(row, existing)

    def _see(self, row: Owned, body: Object) -> Child:
        self._world.see(row.kind, body)
        return Child.parse(row.kind, body)

    async def _delete(self, cluster: ElixirCluster, row: Owned, child: Child) -> None:
        try:
            await self._api.delete(
                row.kind,
                cluster.namespace,
                child.name,
                uid=child.uid,
                resource_version=child.resource_version,
            )
        except ApiError as error:
            if error.code == 409:
                raise Retry("Conflict", after=0.1) from error
            if error.code != 404:
                raise


def owned(item: Object) -> Owned:
    """The row of an object's kind. A template of a user may hold a kind that the operator knows nothing of."""
    row = OWNED.get(item.get("kind", ""))
    if row is None or item.get("apiVersion") != row.kind.api_version:
        known = ", ".join(OWNED)
        raise Stalled(
            "UnknownKind",
            f"a template makes {item.get('apiVersion')} {item.get('kind')}; the operator may make {known}",
        )
    return row


def digest(item: Object) -> str:
    """A short name for what is wanted."""
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()[:24]


def refusal(kind: str, name: str, error: ApiError) -> Stalled | Retry:
    """What an answer of the API server means for the resource."""
    malformed = error.code == 500 and error.message.startswith(MALFORMED)
    if error.code in {400, 413, 422} or malformed:
        return Stalled("ApplyRefused", f"{kind} {name}: {error.message}")
    if "NamespaceTerminating" in error.causes:
        # The resource goes with its namespace, and its children go before it.
        return Retry("NamespaceTerminating", after=10.0)
    if error.code == 403:
        return Retry("Forbidden", f"{kind} {name}: {error.message}", after=5.0)
    if error.code in {404, 409}:
        return Retry("Conflict", after=0.1)
    return Retry("ApiServer", after=error.retry_after or 0.0)


def _weight(error: BaseException) -> int:
    if isinstance(error, Stalled):
        return 1
    return 2 if isinstance(error, Retry) else 0
