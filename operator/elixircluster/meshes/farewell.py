"""Nodes are told how they are to go, before their pods are: that they come back, or that they leave for good.

Only the operator knows. A node that leaves its quorum or ring at every restart loses its place each time, and one that
never does is missed for ever. What is not told is a restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import aiohttp

from elixircluster.api.resource import ElixirCluster, Key
from elixircluster.mesh import calls
from elixircluster.mesh.connection import Connection
from elixircluster.mesh.failure import MeshError
from elixircluster.meshes.credentials import Credentials, NotAskableError
from elixircluster.meshes.dialler import Dialler, Diallers
from elixircluster.meshes.members import Membership, member_of
from elixircluster.observed.pod import Pod
from elixircluster.observed.store import Store

logger = logging.getLogger(__name__)

RESTART, LEAVE = "restart", "leave"
TELL_SECONDS = 2.0
"""How long a node may take to let us in, and to hear it. One that cannot be told goes all the same."""

Told = tuple[str, str]
"""A life, and how it was told to go."""


class Farewells:
    """Of this process; what an earlier one has told is told again. `wake` is for a node that has been told."""

    def __init__(
        self,
        diallers: Diallers,
        credentials: Credentials,
        store: Store,
        permit: Callable[[], None],
        wake: Callable[[Key], None],
    ) -> None:
        self._diallers = diallers
        self._store = store
        self._credentials = credentials
        self._permit = permit
        self._wake = wake
        self._told: dict[Key, dict[Told, asyncio.Task[None]]] = {}

    def said(self, key: Key) -> frozenset[Told]:
        """Who has been told, and how, of those that live."""
        if key not in self._told:
            return frozenset()
        lives = {pod.life for pod in self._store.pods(key)}
        kept = {told: task for told, task in self._told.pop(key).items() if told[0] in lives or not task.done()}
        if kept:
            self._told[key] = kept
        return frozenset(told for told, task in kept.items() if task.done())

    def say(self, cluster: ElixirCluster, pod: Pod, how: str) -> None:
        """Begin to tell a node, and to have it drained."""
        told = self._told.setdefault(cluster.key, {})
        if (pod.life, how) not in told:
            told[pod.life, how] = asyncio.get_running_loop().create_task(self._say(cluster, pod, how))

    def forget(self, key: Key) -> None:
        """Nobody is there any more."""
        for task in self._told.pop(key, {}).values():
            task.cancel()

    def close(self) -> None:
        """Tell nobody any more."""
        for key in list(self._told):
            self.forget(key)

    async def _say(self, cluster: ElixirCluster, pod: Pod, how: str) -> None:
        try:
            await self._tell(cluster, pod, how)
        except (MeshError, NotAskableError, aiohttp.ClientError, TimeoutError) as error:
            logger.info("%s: pod %s could not be told that it is to %s: %s", cluster.key, pod.name, how, error)
        except Exception:
            logger.exception("%s: telling pod %s that it is to %s failed", cluster.key, pod.name, how)
        finally:
            self._wake(cluster.key)

    async def _tell(self, cluster: ElixirCluster, pod: Pod, how: str) -> None:
        dialler = await self._diallers.dialler(cluster, [pod])
        connection = await self._connect(dialler, cluster, pod)
        try:
            self._permit()
            await connection.call(calls.depart(how), TELL_SECONDS)
            if drain := cluster.spec.shutdown.drain:
                call = calls.drain(drain.module, drain.function, drain.arguments)
                await connection.call(call, drain.timeout_seconds)
        finally:
            connection.close()

    async def _connect(self, dialler: Dialler, cluster: ElixirCluster, pod: Pod) -> Connection:
        """With the cookie that it has: in the middle of a rotation that may be either."""
        said = Membership.of(cluster, [pod])
        access = await self._credentials.access(cluster, said.secret, named_by_host=said.named_by_host)
        *others, last = access.cookies
        for cookie in others:
            try:
                return await dialler.connect(member_of(cluster, pod), cookie, TELL_SECONDS)
            except MeshError:
                continue
        return await dialler.connect(member_of(cluster, pod), last, TELL_SECONDS)
