"""Connections to nodes beside those over which they are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from elixircluster.api.resource import ElixirCluster
from elixircluster.mesh.connection import Connection, Identity, Target, dial
from elixircluster.mesh.member import Member
from elixircluster.mesh.tls import Tls
from elixircluster.meshes.credentials import Credentials
from elixircluster.meshes.members import Membership
from elixircluster.observed.pod import Pod


class Dialler:
    """Makes connections to the nodes of one resource, each with the cookie that it is told."""

    def __init__(self, identity: Identity, tls: Tls | None, turns: asyncio.Semaphore) -> None:
        self._identity = identity
        self._tls = tls
        self._turns = turns

    async def connect(self, member: Member, cookie: str, seconds: float) -> Connection:
        """A new connection, in so many seconds at most. Raises `MeshError`."""
        async with self._turns:
            return await dial(Target.of(member), cookie, self._identity, seconds=seconds, tls=self._tls)


class Diallers:
    """Makes diallers, under a name of their own: a node lets one connection of a name live, and ends the one before."""

    def __init__(self, name: str, credentials: Credentials, turns: asyncio.Semaphore) -> None:
        self._identity = Identity(name)
        self._credentials = credentials
        self._turns = turns

    async def dialler(self, cluster: ElixirCluster, pods: Sequence[Pod]) -> Dialler:
        """For the nodes in these pods. Raises `NotAskableError`."""
        said = Membership.of(cluster, pods)
        if not said.secret:
            return Dialler(self._identity, None, self._turns)
        _, tls = await self._credentials.tls(cluster, said.secret, named_by_host=said.named_by_host)
        return Dialler(self._identity, tls, self._turns)
