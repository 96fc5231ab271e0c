"""The one writer of status and Events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import aiohttp

from elixircluster.api.resource import API_VERSION, KIND, ElixirCluster, Key
from elixircluster.errors import Retry, Stalled
from elixircluster.kube.api import Api, ApiError
from elixircluster.kube.kinds import CLUSTERS
from elixircluster.observed.store import Store
from elixircluster.phase import Event
from elixircluster.rollout.history import stood_back_from
from elixircluster.status import measures
from elixircluster.status.document import status, unreadable_status
from elixircluster.status.events import Events, transitions
from elixircluster.status.findings import Findings
from elixircluster.status.machines import changes, patience_left
from elixircluster.status.presence import look_again
from elixircluster.status.progress import time_left

logger = logging.getLogger(__name__)

Object = dict[str, Any]

PACE_SECONDS = 1.0
"""As long what changes nothing for whoever waits is gathered: of a resource in a burst one status, not one a step."""
LEAST_SECONDS = 0.1
"""Between two of a resource: two leaders, as there are where an etcd was restored, answer each other for seconds."""
NEWS = ("Ready", "Stalled", "Available", "Clustered", "Paused")
"""Conditions that are waited for. The others say the same or the opposite of these."""
UNDECLARED = "field not declared in schema"
"""In what the API server says to an apply of a field that the CustomResourceDefinition does not have."""


class Reporter:
    """Tells the user what was found. `clock` tells the time in RFC 3339."""

    def __init__(self, api: Api, store: Store, clock: Callable[[], str]) -> None:
        self._api = api
        self._store = store
        self._clock = clock
        self._events = Events(api)
        self._gathered_since: dict[Key, float] = {}
        self._told: dict[Key, float] = {}

    async def report(self, cluster: ElixirCluster, findings: Findings, trouble: Stalled | Retry | None) -> float | None:
        """Write the status where it differs. Returns in how many seconds it changes by itself, if it does.

        A passing error without a word for the user leaves the last verdict; but of a generation of which nothing was
        made yet nothing can be said, least of all Ready.
        """
        told = trouble if trouble and trouble.message else None
        if trouble and not told and cluster.status.get("observedGeneration") != cluster.generation:
            return None
        now = self._clock()
        wanted = status(cluster, replace(findings, trouble=told), now)
        measures.measure(cluster.key, cluster.spec.replicas, findings.pods)
        if not trouble and (gathering := self._gathering(cluster.key, cluster.status, wanted)):
            return gathering
        await self._write(cluster.key, cluster.uid, cluster.status, wanted)
        left = (
            0.0 if stood_back_from(wanted) != stood_back_from(cluster.status) else None,
            seconds_left(wanted, cluster.spec.update.timeout_seconds, now),
            patience_left(findings.pods, now),
        )
        return min((seconds for seconds in left if seconds is not None), default=None)

    def forget(self, key: Key) -> None:
        """The resource is gone."""
        measures.forget(key)
        self._gathered_since.pop(key, None)
        self._told.pop(key, None)

    async def unreadable(self, key: Key, body: Object, trouble: Stalled) -> None:
        """The same for a resource whose spec cannot be read."""
        metadata, previous = body["metadata"], body.get("status") or {}
        findings = Findings(plan=None, pods=self._store.pods(key), trouble=trouble)
        wanted = unreadable_status(previous, metadata["generation"], findings, self._clock())
        await self._write(key, metadata["uid"], previous, wanted)

    async def tell(self, key: Key, uid: str, event: Event) -> None:
        """Events are a courtesy: one that cannot be written stops nothing."""
        try:
            await self._events.tell(key, uid, event, self._clock())
        except (ApiError, aiohttp.ClientError, TimeoutError) as error:
            logger.warning("event %s not written: %s", event.reason, error)

    def _gathering(self, key: Key, previous: Object, wanted: Object) -> float:
        """In how many seconds this status is to be written, since more is to come; 0 where it is to be now."""
        if wanted == previous:
            return 0.0
        now = asyncio.get_running_loop().time()
        due = self._told.get(key, 0.0) + LEAST_SECONDS
        if not is_news(previous, wanted):
            due = self._gathered_since.setdefault(key, now) + PACE_SECONDS
        # A difference that is too small to move a clock is none.
        return left if (left := due - now) > LEAST_SECONDS / 100 else 0.0

    async def _write(self, key: Key, uid: str, previous: Object, wanted: Object) -> None:
        self._gathered_since.pop(key, None)
        if wanted == previous:
            return
        self._told[key] = asyncio.get_running_loop().time()
        body: Object = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            # With the uid, a status never lands on a later resource of the same name.
            "metadata": {"name": key.name, "namespace": key.namespace, "uid": uid},
            "status": wanted,
        }
        try:
            self._store.absorb(CLUSTERS, await self._apply(body))
        except ApiError as error:
            if error.code in {404, 409}:
                # The resource is gone, or another one has its name.
                await look_again(self._api, self._store, key)
                return
            raise Retry("ApiServer", after=error.retry_after or 0.0) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Retry("ApiServer") from error
        for event in (*changes(previous, wanted), *transitions(previous.get("conditions") or [], wanted["conditions"])):
            await self.tell(key, uid, event)

    async def _apply(self, body: Object) -> Object:
        try:
            return await self._api.apply(CLUSTERS, body, subresource="status")
        except ApiError as error:
            if UNDECLARED not in error.message:
                raise
            # The definition may be upgraded after the operator. A merge leaves out what an older one does not know.
            logger.warning("the CustomResourceDefinition is older than this operator; apply the newer one: %s", error)
            metadata = body["metadata"]
            patch = {"metadata": {"uid": metadata["uid"]}, "status": body["status"]}
            return await self._api.merge(CLUSTERS, metadata["namespace"], metadata["name"], patch, subresource="status")


def is_news(previous: Object, wanted: Object) -> bool:
    """Whether somebody may wait for what is new, or a later process must know it."""
    before, after = (
        {item["type"]: item["status"] for item in told.get("conditions") or [] if item["type"] in NEWS}
        for told in (previous, wanted)
    )
    changed = (kind for kind in NEWS if (before.get(kind) == "True") != (after.get(kind) == "True"))
    return any(changed) or previous.get("cookieRotation") != wanted.get("cookieRotation")


def seconds_left(wanted: Object, timeout: int, now: str) -> float | None:
    """In how many seconds a change that gets no further is told as stuck; None where that is not to come."""
    since = wanted.get("update", {}).get("progressedAt")
    if since is None:
        return None
    left = time_left(since, timeout, now)
    return left if left > 0 else None
