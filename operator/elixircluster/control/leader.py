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

from elixircluster.kube.api import UNREACHABLE, Api, ApiError
from elixircluster.kube.kinds import LEASES
from elixircluster.observed.versions import is_older
from elixircluster.telemetry import metrics

logger = logging.getLogger(__name__)

LEASE_SECONDS = 15
RENEW_DEADLINE_SECONDS = 10.0
RETRY_SECONDS = 2.0
# One connection that hangs costs an attempt, not the lease.
ATTEMPT_SECONDS = RENEW_DEADLINE_SECONDS / 2

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
        self._written: Body | None = None
        self._rewound = False
        self._gauge = metrics.leader.labels(name)

    def permit(self) -> None:
        """Raise unless this process leads now.

        Asked right before each write. The clock is monotonic and goes on while the process is stopped, so a leader
        that was frozen beyond its lease finds out before its next write.
        """
        if self._left() <= 0:
            raise NotLeadingError("the lease was not renewed in time")

    async def acquire(self) -> None:
        """Wait until this process leads. `hold` must follow at once."""
        while not await self._attempt(ATTEMPT_SECONDS):  # noqa: ASYNC110 - the answer comes from the API server
            await asyncio.sleep(RETRY_SECONDS)
        logger.info("leading as %s", self._identity)
        self._gauge.set(1)

    async def hold(self) -> None:
        """Renew for as long as it works; return when the lease is lost."""
        while (left := self._left()) > 0 and not self._rewound:
            await asyncio.sleep(min(RETRY_SECONDS, left))
            await self._attempt(min(ATTEMPT_SECONDS, self._left()))
        self._gauge.set(0)
        if self._rewound:
            # Older versions would be taken for old news for ever.
            logger.error("the API server tells an older state than before, as after a backup was restored")
        else:
            logger.error("lease lost")

    async def release(self) -> None:
        """Let another lead at once, if the API server can be told."""
        with contextlib.suppress(*UNREACHABLE):
            lease = await self._api.get(LEASES, self._namespace, self._name)
            if lease and self._mine(lease):
                lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _now()}
                await self._api.replace(LEASES, lease)

    def _left(self) -> float:
        return self._renewed + RENEW_DEADLINE_SECONDS - self._loop.time()

    async def _attempt(self, seconds: float) -> bool:
        """Take or renew the lease. False where another holds it or the API server does not answer in time."""
        asked = self._loop.time()
        try:
            async with asyncio.timeout(seconds):
                written = await self._renew() or await self._take()
        except UNREACHABLE as error:
            if not (isinstance(error, ApiError) and error.code == 409):
                logger.warning("lease: %s", error or type(error).__name__)
            return False
        if written is None:
            return False
        if self._written and _rewound(self._written, written):
            self._rewound = True
            return False
        # Counted from before the request: the API server wrote it no earlier.
        self._renewed, self._written = asked, written
        return True

    async def _renew(self) -> Body | None:
        """Write it again as it was written last, with one request; None where it has to be looked at first."""
        if self._written is None:
            return None
        try:
            return await self._replace(self._written)
        except ApiError as error:
            if error.code not in {404, 409}:
                raise
            return None

    async def _take(self) -> Body | None:
        lease = await self._api.get(LEASES, self._namespace, self._name)
        if lease is None:
            return await self._api.create(LEASES, self._lease({}))
        if not self._mine(lease) and not self._expired(lease):
            return None
        return await self._replace(lease)

    async def _replace(self, lease: Body) -> Body:
        return await self._api.replace(LEASES, {**lease, "spec": self._lease(_spec(lease))["spec"]})

    def _mine(self, lease: Body) -> bool:
        holder: str = _spec(lease).get("holderIdentity", "")
        return holder == self._identity

    def _expired(self, lease: Body) -> bool:
        if not _spec(lease).get("holderIdentity"):
            return True
        version, since = self._seen
        if version != lease["metadata"]["resourceVersion"]:
            self._seen = lease["metadata"]["resourceVersion"], self._loop.time()
            return False
        duration: int = _spec(lease).get("leaseDurationSeconds", LEASE_SECONDS)
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


def _spec(lease: Body) -> Body:
    # A Lease that somebody made by hand may have none.
    return lease.get("spec") or {}


def _rewound(before: Body, after: Body) -> bool:
    """Whether a later answer is of an earlier version. Versions only grow, whoever writes: KEP-5504."""
    return is_older(after["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"])
