"""Which cookie each node takes, and giving it another.

Everything is done through connections of our own, beside those over which the mesh is looked at. A node that lets a
new connection in with a cookie has that cookie; nobody is asked for its value.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from elixircluster.api.resource import ElixirCluster
from elixircluster.cookie.decision import Cookie, Node, Presence
from elixircluster.errors import Retry
from elixircluster.mesh import calls
from elixircluster.mesh.connection import Connection
from elixircluster.mesh.failure import Failed, Failure, MeshError
from elixircluster.mesh.member import Member
from elixircluster.meshes.credentials import NotAskableError
from elixircluster.meshes.dialler import Dialler
from elixircluster.meshes.members import member_of
from elixircluster.meshes.meshes import Meshes
from elixircluster.observed.pod import Pod

ASK_SECONDS = 5.0
"""How long a node may take to let us in, or to take a cookie."""

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
        self._dialler: Dialler | None = None
        self._given: dict[str, str] = {}

    async def ask(self, pods: Sequence[Pod], cookies: Cookies, changed: str) -> list[Asked]:
        """Which of the cookies each node takes; `changed` is when their Secret was written last, in RFC 3339.

        Raises `Retry` where there is nothing to ask with.
        """
        if self._cluster.spec.mesh.probe == "Disabled":
            return [Asked(Node(pod.name)) for pod in pods]
        try:
            dialler = self._dialler = self._dialler or await self._meshes.dialler(self._cluster, pods)
        except NotAskableError as error:
            raise Retry(error.reason, error.message, after=1.0) from None
        return await asyncio.gather(*(self._ask(dialler, pod, cookies, changed) for pod in pods))

    async def give(self, asked: Sequence[Asked], cookie: str) -> None:
        """Set it on these nodes, all at once: two nodes of which one is set do not find each other again."""
        await asyncio.gather(*(item.give(cookie) for item in asked))
        self._given |= {item.node.pod: cookie for item in asked}

    async def _ask(self, dialler: Dialler, pod: Pod, cookies: Cookies, changed: str) -> Asked:
        member = member_of(self._cluster, pod)
        # Who was told to end never goes on with the earlier cookie, though on a lost machine nobody has heard it.
        leaving = member.leaving or pod.terminating
        lost = pod.machine if pod.lost else ""
        node = Node(pod.name, why=pod.message, outdated=pod.created < changed, leaving=leaving, lost=lost)
        if not (pod.address and pod.running):
            return Asked(replace(node, presence=Presence.ABSENT))
        # A node writes of every wrong cookie in its log, so the likely one comes first.
        given = self._given.get(pod.name)
        failed = Failed(Failure.WRONG_COOKIE, "")
        for cookie in sorted(cookies, key=lambda value: (value != given, cookies[value].value)):
            try:
                connection = await dialler.connect(member, cookie, ASK_SECONDS)
            except MeshError as error:
                failed = error.failed
                if failed.failure is not Failure.WRONG_COOKIE:
                    break
            else:
                return Asked(replace(node, holds=cookies[cookie]), member, connection)
        return Asked(unasked(node, pod, failed))


def unasked(node: Node, pod: Pod, failed: Failed) -> Node:
    """What is known of a node that did not let us in. One that serves is there, whatever else it does."""
    starting = not pod.ready and failed.failure.nobody_there
    return replace(
        node,
        why=node.why if node.lost else failed.message,
        refuses=failed.failure is Failure.WRONG_COOKIE,
        presence=Presence.STARTING if starting else Presence.UP,
    )
