"""One leader, by a Lease: https://kubernetes.io/docs/concepts/architecture/leases/.

client-go's times and rules: others' clocks are never compared with ours; a holder is dead when its record has not
changed for the lease's duration as we saw it. Who cannot renew in time stops writing before anybody else may start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from typing import Any

import aiohttp

from elixircluster.control.kinds import LEASES
from elixircluster.kube import Api, ApiError
from elixircluster.observe import metrics

logger = logging.getLogger(__name__)

LEASE_SECONDS = 15
RENEW_DEADLINE_SECONDS = 10.0
RETRY_SECONDS = 2.0

Body = dict[str, Any]


class NotLeadingError(Exception):
    """This process may not write."""


class Leader:
    """Holds the Lease, or waits for it."""

    def __init__(self, api: Api, namespace: str, name: str, identity: str) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._loop = asyncio.get_running_loop()
        self._renewed = float("-inf")
        self._seen: tuple[str, float] = ("", float("-inf"))
        self._gauge = metrics.leader.labels(name)

    def permit(self) -> None:
        """Raise unless this process leads now.

        Asked right before each write. The clock is monotonic and goes on while the process is stopped, so a leader
        that was frozen beyond its lease finds out before its next write.
        """
        if self._loop.time() - self._renewed >= RENEW_DEADLINE_SECONDS:
            raise NotLeadingError("the lease was not renewed in time")

    async def acquire(self) -> None:
        """Wait until this process leads."""
        while not await self._try():  # noqa: ASYNC110 - the answer comes from the API server
            await asyncio.sleep(RETRY_SECONDS)
        logger.info("leading as %s", self._identity)
        self._gauge.set(1)

    async def hold(self) -> None:
        """Renew for as long as it works; return when the lease is lost."""
        while self._loop.time() - self._renewed < RENEW_DEADLINE_SECONDS:
            await asyncio.sleep(RETRY_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._renewed + RENEW_DEADLINE_SECONDS):
                    await self._try()
        self._gauge.set(0)
        logger.error("lease lost")

    async def release(self) -> None:
        """Let another lead at once, if the API server can be told."""
        with contextlib.suppress(ApiError, aiohttp.ClientError, TimeoutError):
            lease = await self._api.get(LEASES, self._namespace, self._name)
            if lease and self._mine(lease):
                lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _now()}
                await self._api.replace(LEASES, lease)

    async def _try(self) -> bool:
        """Take or renew the lease. False where another holds it or the API server does not answer."""
        asked = self._loop.time()
        try:
            lease = await self._api.get(LEASES, self._namespace, self._name)
            if lease is None:
                await self._api.create(LEASES, self._lease({}))
            elif not self._mine(lease) and not self._expired(lease):
                return False
            else:
                await self._api.replace(LEASES, {**lease, "spec": self._lease(lease["spec"])["spec"]})
        except ApiError as error:
            if error.code != 409:
                logger.warning("lease: %s", error)
            return False
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("lease: %s", error or type(error).__name__)
            return False
        # Counted from before the request: the API server wrote it no earlier.
        self._renewed = asked
        return True

    def _mine(self, lease: Body) -> bool:
        holder: str = lease["spec"].get("holderIdentity", "")
        return holder == self._identity

    def _expired(self, lease: Body) -> bool:
        if not lease["spec"].get("holderIdentity"):
            return True
        version, since = self._seen
        if version != lease["metadata"]["resourceVersion"]:
            self._seen = lease["metadata"]["resourceVersion"], self._loop.time()
            return False
        duration: int = lease["spec"].get("leaseDurationSeconds", LEASE_SECONDS)
        return self._loop.time() - since >= duration

    def _lease(self, before: Body) -> Body:
        mine = before.get("holderIdentity") == self._identity
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": LEASE_SECONDS,
                "acquireTime": before.get("acquireTime") if mine else _now(),
                "renewTime": _now(),
                "leaseTransitions": before.get("leaseTransitions", 0) + (0 if mine else 1),
            },
        }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
