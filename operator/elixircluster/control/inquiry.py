"""Which cookie each node takes, and giving it another.

Everything is done through connections of our own, beside those over which the mesh is looked at. A node that lets a
new connection in with a cookie has that cookie; nobody is asked for its value.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from elixircluster.api.resource import ElixirCluster
from elixircluster.control.credentials import NotAskableError
from elixircluster.control.meshes import Dial, Meshes, member_of
from elixircluster.control.rollout import Pod
from elixircluster.control.rotation import Cookie, Node
from elixircluster.errors import Retry
from elixircluster.mesh import calls
from elixircluster.mesh.connection import Connection
from elixircluster.mesh.failure import Failed, Failure, MeshError
from elixircluster.mesh.member import Member

ASK_SECONDS = 5.0
"""How long a node may take to let us in, or to take a cookie."""
NOBODY_THERE = frozenset({Failure.REFUSED, Failure.NOT_ALIVE})

Cookies = Mapping[str, Cookie]
"""What each value is, of all that a node may have."""


@dataclass(frozen=True)
class Asked:
    """A node, and the connection over which it let us in."""

    node: Node
    member: Member | None = None
    connection: Connection | None = field(default=None, repr=False)

    async def give(self, cookie: str) -> None:
        """Set the node's own cookie. Whether it took it is seen when it is asked again."""
        if self.connection is None or self.member is None:
            return
        try:
            await self.connection.call(calls.set_cookie(self.member.node, cookie), ASK_SECONDS)
        except MeshError:
            return

    def close(self) -> None:
        """End the connection."""
        if self.connection is not None:
            self.connection.close()


class Inquiry:
    """The nodes of one resource, asked again and again in one go."""

    def __init__(self, cluster: ElixirCluster, meshes: Meshes) -> None:
        self._cluster = cluster
        self._meshes = meshes
        self._dial: Dial | None = None
        self._given: dict[str, str] = {}

    async def ask(self, pods: Sequence[Pod], cookies: Cookies, changed: str) -> list[Asked]:
        """Which of the cookies each node takes; `changed` is when their Secret was written last, in RFC 3339.

        Raises `Retry` where there is no certificate to ask with.
        """
        if self._cluster.spec.mesh.probe == "Disabled":
            return [Asked(Node(pod.name)) for pod in pods]
        if self._dial is None:
            try:
                self._dial = await self._meshes.dialler(self._cluster)
            except NotAskableError:
                raise Retry("WaitingForCertificate", after=1.0) from None
        dial = self._dial
        return await asyncio.gather(*(self._ask(dial, pod, cookies, changed) for pod in pods))

    async def give(self, asked: Sequence[Asked], cookie: str) -> None:
        """Set it on these nodes, all at once: two nodes of which one is set do not find each other again."""
        await asyncio.gather(*(item.give(cookie) for item in asked))
        self._given |= {item.node.pod: cookie for item in asked}

    async def _ask(self, dial: Dial, pod: Pod, cookies: Cookies, changed: str) -> Asked:
        member = member_of(self._cluster, pod)
        node = Node(pod.name, why=pod.message, outdated=pod.created < changed, leaving=member.leaving)
        if not pod.address:
            return Asked(replace(node, running=False))
        # A node writes of every wrong cookie in its log, so the likely one comes first.
        given = self._given.get(pod.name)
        failed = Failed(Failure.WRONG_COOKIE, "")
        for cookie in sorted(cookies, key=lambda value: (value != given, cookies[value].value)):
            try:
                connection = await dial(member, cookie, ASK_SECONDS)
            except MeshError as error:
                failed = error.failed
                if failed.failure is not Failure.WRONG_COOKIE:
                    break
            else:
                return Asked(replace(node, holds=cookies[cookie]), member, connection)
        running = pod.ready or failed.failure not in NOBODY_THERE
        return Asked(replace(node, why=failed.message, refuses=failed.failure is Failure.WRONG_COOKIE, running=running))
