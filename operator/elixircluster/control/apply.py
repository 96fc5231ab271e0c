"""Writes to the children: server-side apply, only where intent or world changed.

What was written can be read from the world: each child carries a short name for what was wanted, and the API server's
record of whose fields are whose says whether anybody has changed one since. So a new process writes nothing either.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from elixircluster.api.resource import KIND, ElixirCluster, Key
from elixircluster.errors import Retry, Stalled
from elixircluster.kube.api import Api, ApiError
from elixircluster.kube.kinds import OWNED, STATEFUL_SETS, Owned
from elixircluster.kube.labels import labelled
from elixircluster.observed.child import INTENT_ANNOTATION, Child, Identity
from elixircluster.observed.fields import holds
from elixircluster.observed.ownership import owner_name, owner_uid, refuse_foreign
from elixircluster.observed.store import Store
from elixircluster.observed.workload import TEMPLATE_ANNOTATION
from elixircluster.render.names import MANAGED_BY
from elixircluster.status.presence import look_again

Object = dict[str, Any]
Trouble = Stalled | Retry

# Server-side apply says so, with a 500, of what does not fit the schema: a field that there is not, a name given twice.
MALFORMED = ("failed to create typed patch object", "failed to convert new object")

# Of a Service's family, since nothing else of ours names one.
NO_IPV6 = '"IPv6": not configured on this cluster'

# No object has this resourceVersion, so that an apply with it can only create.
NEVER = "1"


class Applier:
    """Makes the children as they are wanted."""

    def __init__(self, api: Api, store: Store) -> None:
        self._api = api
        self._store = store
        # What was found right once, so that it is not compared again: an intent, and whose the fields were.
        self._settled: dict[Key, dict[Identity, tuple[str, str]]] = {}

    def forget(self, key: Key) -> None:
        """The resource is gone."""
        self._settled.pop(key, None)

    async def apply(
        self, cluster: ElixirCluster, wanted: Sequence[Object], *, there: bool | None = None
    ) -> list[tuple[Object, Trouble]]:
        """Write what differs, and return what could not be written, and why.

        `there`: whether they were there when it was decided how they are wanted, where it depends on that.
        """
        # All of them come to an end, whatever becomes of one: nothing is written behind the back of the next reconcile.
        results = await asyncio.gather(*(self._one(cluster, item, there) for item in wanted), return_exceptions=True)
        troubles: list[tuple[Object, Trouble]] = []
        for item, result in zip(wanted, results, strict=True):
            if isinstance(result, Stalled | Retry):
                troubles.append((item, result))
            elif isinstance(result, BaseException):
                raise result
        return troubles

    def is_superseded(self, cluster: ElixirCluster) -> bool:
        """Whether the resource wants something else by now, or is another."""
        known = self._store.identity(cluster.key)
        return known is not None and known != (cluster.uid, cluster.generation)

    async def prune(self, cluster: ElixirCluster, wanted: Sequence[Object]) -> None:
        """Delete the children that the spec no longer wants."""
        for child in self._unwanted(cluster, wanted):
            await self._delete(cluster, OWNED[child.kind], child)
            self._settled.get(cluster.key, {}).pop((child.kind, child.name), None)

    def is_done(self, cluster: ElixirCluster, wanted: Sequence[Object]) -> bool:
        """Whether by now all of it is there as it was written, and nothing that the spec no longer wants."""
        children = self._store.children(cluster.key)

        def is_there(item: Object) -> bool:
            child = children.get((item["kind"], item["metadata"]["name"]))
            return child is not None and self._is_settled(cluster.key, child, with_intent(item))

        return all(map(is_there, wanted)) and not self._unwanted(cluster, wanted)

    def refuse_outdated(self, cluster: ElixirCluster, wanted: Sequence[Object]) -> None:
        """Raise `Retry` where what is seen is not what was just written: nothing may be decided by it.

        Where etcd was restored, what is known may have a version that no answer reaches, until all is listed again.
        """
        children = self._store.children(cluster.key)
        for item in wanted:
            child = children.get((item["kind"], item["metadata"]["name"]))
            if child is None or child.intent != with_intent(item)["metadata"]["annotations"][INTENT_ANNOTATION]:
                raise Retry("Conflict")

    def _unwanted(self, cluster: ElixirCluster, wanted: Sequence[Object]) -> list[Child]:
        keep = {(item["kind"], item["metadata"]["name"]) for item in wanted}
        return [
            child
            for identity, child in self._store.children(cluster.key).items()
            if identity not in keep and OWNED[child.kind].prunable and child.owner_uid == cluster.uid
        ]

    async def _one(self, cluster: ElixirCluster, item: Object, there: bool | None) -> Trouble | None:
        """What was in the way of this object, or None."""
        try:
            row = owned(item)
            await self._write(cluster, row, with_intent(item), there)
        except (Stalled, Retry) as trouble:
            return trouble
        except ApiError as error:
            if error.kind_unknown:
                kind = f"{row.kind.api_version} {row.kind.kind}"
                return Stalled(
                    "KindMissing", f"{kind} is not known to this Kubernetes; install what brings it", again=30.0
                )
            return refusal(item["kind"], item["metadata"]["name"], error)
        except (aiohttp.ClientError, TimeoutError):
            return Retry("ApiServer")
        return None

    async def _write(self, cluster: ElixirCluster, row: Owned, item: Object, there: bool | None) -> None:
        identity = (item["kind"], item["metadata"]["name"])
        child = self._store.children(cluster.key).get(identity)
        if child is not None:
            refuse_foreign(cluster, *identity, child.owner_uid)
        if there is not None and there != (child is not None):
            raise Retry("Conflict")
        if child is None:
            child = await self._create(cluster, row, item)
        if not self._is_settled(cluster.key, child, item):
            child = await self._rewrite(cluster, row, child, item, exact=there is not None)
            self._settled.setdefault(cluster.key, {})[identity] = (child.intent, child.fields)

    async def _rewrite(self, cluster: ElixirCluster, row: Owned, child: Child, item: Object, *, exact: bool) -> Child:
        """Write the very object that was seen: another of its name may be somebody else's. `exact`: as it was seen."""
        seen = {"uid": child.uid, **({"resourceVersion": child.resource_version} if exact else {})}
        named = {**item, "metadata": {**item["metadata"], **seen}}
        try:
            return self._absorb(row, await self._api.apply(row.kind, named))
        except ApiError as error:
            if error.code != 409:
                raise
        # As a list is: what it contradicts, and was known before it was asked for, an etcd that was restored forgot.
        existing = await self._existing(cluster, row, child.name)
        self._store.see_listed(row.kind, existing, child.resource_version)
        raise Retry("Conflict")

    def _is_settled(self, key: Key, child: Child, item: Object) -> bool:
        identity = (child.kind, child.name)
        if child.intent != item["metadata"]["annotations"][INTENT_ANNOTATION]:
            return False
        settled = self._settled.setdefault(key, {})
        if settled.get(identity) != (child.intent, child.fields) and holds(child.fields, item):
            settled[identity] = (child.intent, child.fields)
        return settled.get(identity) == (child.intent, child.fields)

    async def _create(self, cluster: ElixirCluster, row: Owned, item: Object) -> Child:
        """Create the object. Raises `Retry` where one of ours is there already, which is seen then."""
        identity = item["kind"], item["metadata"]["name"]
        if cluster.status.get("written") or identity in self._settled.get(cluster.key, {}):
            # One that was there and is not may have gone with its resource, unheard. Made anew, it would go again.
            await look_again(self._api, self._store, cluster.key, known=cluster.uid)
            if self.is_superseded(cluster):
                raise Retry("ResourceChanged")
        try:
            created = await self._api.apply(
                row.kind, {**item, "metadata": {**item["metadata"], "resourceVersion": NEVER}}
            )
        except ApiError as error:
            if error.code != 409:
                raise
        else:
            child = self._absorb(row, created)
            self._settled.setdefault(cluster.key, {})[identity] = (child.intent, child.fields)
            return child
        # What is wanted was decided as if it were not there: of a StatefulSet with nodes, it may be something else.
        self._store.absorb(row.kind, await self._seen_again(row, await self._existing(cluster, row, identity[1])))
        raise Retry("Conflict")

    async def _seen_again(self, row: Owned, existing: Object) -> Object:
        """The object, with the label by which we see what is ours, if somebody took that away."""
        try:
            return await labelled(self._api, row.kind, existing, MANAGED_BY)
        except ApiError as error:
            if error.code not in {404, 409}:
                raise
        raise Retry("Conflict")

    async def _existing(self, cluster: ElixirCluster, row: Owned, name: str) -> Object:
        """What is there under this name. Raises where nothing is, or something of somebody else."""
        seen = self._store.version(row.kind, cluster.key, name)
        existing = await self._api.get(row.kind, cluster.namespace, name)
        if existing is None:
            self._store.vanished(row.kind, cluster.key, name, seen)
            raise Retry("Conflict")
        metadata = existing["metadata"]
        refuse_foreign(cluster, row.kind.kind, name, owner_uid(metadata), owner_name(metadata))
        return existing

    def _absorb(self, row: Owned, body: Object) -> Child:
        self._store.absorb(row.kind, body)
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
                raise Retry("Conflict") from error
            if error.code != 404:
                raise


def with_intent(item: Object) -> Object:
    """The object, and on it what was wanted: of all of it, and of a StatefulSet's pods."""
    marks = {INTENT_ANNOTATION: digest(item)}
    if item["kind"] == STATEFUL_SETS.kind:
        marks[TEMPLATE_ANNOTATION] = digest(item["spec"]["template"])
    metadata = item["metadata"]
    return {**item, "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), **marks}}}


def owned(item: Object) -> Owned:
    """The row of an object's kind. A template of a user may hold a kind that the operator knows nothing of."""
    row = OWNED.get(item.get("kind", ""))
    if row is None or not row.applied or item.get("apiVersion") != row.kind.api_version:
        known = ", ".join(kind for kind, each in OWNED.items() if each.applied)
        raise Stalled(
            "UnknownKind",
            f"a template makes {item.get('apiVersion')} {item.get('kind')}; the operator may make {known}",
        )
    return row


def digest(value: Mapping[str, Any]) -> str:
    """A short name for what is wanted."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:24]


def refusal(kind: str, name: str, error: ApiError) -> Trouble:
    """What an answer of the API server means for the resource."""
    if found := mistake(kind, name, error):
        return found
    if "NamespaceTerminating" in error.causes:
        # The resource goes with its namespace, and its children go before it.
        return Retry("NamespaceTerminating", after=10.0)
    if error.code == 403 and kind in OWNED and (right := OWNED[kind].right):
        message = f"{kind} {name}: {error.message}; the chart's value {right} gives the operator the right"
        return Retry("Forbidden", message, after=5.0)
    if error.code == 403:
        return Retry("Forbidden", f"{kind} {name}: {error.message}", after=5.0)
    if error.code in {404, 409}:
        return Retry("Conflict")
    return Retry("ApiServer", after=error.retry_after or 0.0)


def mistake(kind: str, name: str, error: ApiError) -> Stalled | None:
    """What the user has said wrong, where it is that."""
    malformed = error.code == 500 and error.message.startswith(MALFORMED)
    if error.code not in {400, 413, 422} and not malformed:
        return None
    if NO_IPV6 in error.message:
        return Stalled(
            "WrongAddressFamily",
            f"{kind} {name}: this Kubernetes has no IPv6 addresses, and spec.distribution.ipFamily is IPv6; set it to "
            "IPv4",
        )
    return Stalled("ApplyRefused", f"{kind} {name}: {error.message}")


def refused(cluster: ElixirCluster, error: ApiError) -> Trouble:
    """The same of the resource as a whole."""
    return refusal(KIND, cluster.name, error)


def hold_up(troubles: Sequence[tuple[Object, Trouble]]) -> bool:
    """Whether nodes are not to be made before these are gone. What stands beside them holds nothing up."""
    return any(_is_needed(item) for item, _ in troubles)


def _is_needed(item: Object) -> bool:
    """Whether pods could not start, or would start unprotected, without it."""
    row = OWNED.get(item["kind"])
    return row is None or row.needed


def weight(trouble: Trouble) -> int:
    """What a person must act on is told before what comes by itself, and that before what says nothing."""
    if isinstance(trouble, Stalled):
        return 0
    return 1 if trouble.message else 2
