"""A Lease, as an API server keeps it."""

from __future__ import annotations

import asyncio
import copy

from elixircluster.kube.api import ApiError


class Leases:
    """One Lease, as the API server keeps it, and what may go wrong with it."""

    def __init__(self):
        self.lease = None
        self.version = 100
        self.requests = []
        self.seconds = 0.0
        self.error = None

    async def _asked(self, what):
        self.requests.append(what)
        await asyncio.sleep(self.seconds)
        if self.error:
            raise self.error

    def _write(self, body):
        self.version += 1
        body = copy.deepcopy(body)
        body["metadata"] |= {"resourceVersion": str(self.version), "uid": "lease"}
        self.lease = body
        return copy.deepcopy(body)

    async def get(self, *_):
        await self._asked("get")
        return copy.deepcopy(self.lease)

    async def create(self, _kind, body):
        await self._asked("create")
        if self.lease:
            raise ApiError(409, {"reason": "AlreadyExists"})
        return self._write(body)

    async def replace(self, _kind, body):
        await self._asked("replace")
        if self.lease is None:
            raise ApiError(404, {"reason": "NotFound"})
        if body["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise ApiError(409, {"reason": "Conflict"})
        return self._write(body)

    @property
    def holder(self):
        return self.lease["spec"]["holderIdentity"]
