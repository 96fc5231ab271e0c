"""The prober: asks every node of a cluster whom it sees and hears, over connections that stay open.

Nobody waits for a node that does not answer. What was begun with it goes on in the background, so that a node that
wakes up is seen by the next look, and a frozen one never has more than one connection of ours waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from elixircluster.mesh import calls, epmd, links
from elixircluster.mesh.calls import Call
from elixircluster.mesh.connection import Identity, Target
from elixircluster.mesh.failure import Failed, MeshError
from elixircluster.mesh.graph import Link
from elixircluster.mesh.member import Answer, Answers, Member
from elixircluster.mesh.peer import PATIENCE_SECONDS, Peer
from elixircluster.mesh.tls import Tls

T = TypeVar("T")

LOOK_SECONDS = 1.0
"""How long a look waits for a node."""
HEAR_SECONDS = 0.7
"""How long one node waits for another's answer. TCP repeats a lost packet after 0.2 s."""
REACH_SECONDS = 0.5
"""How long one node tries to reach another's port."""
MARGIN_SECONDS = 0.5
"""How much longer we wait than the node does."""
DIALS_AT_ONCE = 64
"""More would make ours the processor that everybody waits for."""


class Prober:
    """All connections to the nodes of one cluster, which share a cookie. Use one for the life of the cluster.

    `turns` are for dialling; the probers of a process should share them, a semaphore of `DIALS_AT_ONCE`. Else an
    operator that starts with a thousand nodes is so busy with its own handshakes that it calls nodes frozen.
    `on_news` is called when another look is worth while: a connection broke, or a node woke up.
    """

    def __init__(
        self,
        cookie: str,
        identity: Identity,
        *,
        tls: Tls | None = None,
        look_seconds: float = LOOK_SECONDS,
        turns: asyncio.Semaphore | None = None,
        on_news: Callable[[], None] = lambda: None,
    ) -> None:
        self._cookie = cookie
        self._identity = identity
        self._tls = tls
        self._seconds = look_seconds
        self._turns = turns or asyncio.Semaphore(DIALS_AT_ONCE)
        self._on_news = on_news
        self._peers: dict[Target, Peer] = {}
        self._listens = 0
        self._unheard: frozenset[Link] = frozenset()

    async def look(self, members: Sequence[Member]) -> dict[str, Answer | Failed]:
        """What each member's node says now, by its name. Never raises `MeshError`.

        Connections to nodes that are no members any more are closed, so looks at one cluster come one after another.
        A node gets `look_seconds`, not counting how long it waits for its turn to be dialled. Of a node that was
        prompt before and is late now, `late` for once, it is what it said before.
        """
        targets = [Target.of(member) for member in members]
        self._keep(targets)
        known = {target.node for target in targets}
        found = await asyncio.gather(*(self._look(self._peer(target), known) for target in targets))
        return dict(zip((target.node for target in targets), found, strict=True))

    @property
    def late(self) -> frozenset[str]:
        """The nodes that have not answered the last look yet, and did answer the one before."""
        return frozenset(target.node for target, peer in self._peers.items() if peer.late)

    async def listen(self, members: Sequence[Member], answers: Answers) -> frozenset[Link]:
        """The links between these members that both ends believe in, and over which neither hears the other.

        To be asked after a look, with its answers. See `links` for which of them are checked.
        """
        late = self.late
        by_node = {member.node: member for member in members if not member.leaving and member.node not in late}
        held = {node: answer.sees for node in by_node if isinstance(answer := answers.get(node), Answer)}
        asked = links.turn(held, self._unheard, self._listens)
        self._listens += 1
        there = await self._hear(by_node, asked)
        back = await self._hear(by_node, links.backwards(there.no))
        self._unheard = links.settle(self._unheard, held, there, back)
        return self._unheard

    async def _hear(self, by_node: Mapping[str, Member], asked: links.Asked) -> links.Heard:
        found = await asyncio.gather(*(self._hear_from(by_node[node], others) for node, others in asked.items()))
        return links.Heard.of({node: (others, said) for (node, others), said in zip(asked.items(), found, strict=True)})

    async def _hear_from(self, member: Member, others: Sequence[str]) -> Sequence[bool]:
        """Nothing where the node itself does not answer: that says nothing of its links."""
        try:
            return await self.call(member, calls.hear(others, HEAR_SECONDS), HEAR_SECONDS + MARGIN_SECONDS)
        except MeshError:
            return ()

    async def reaches(self, source: Member, target: Member) -> bool | None:
        """Whether a node gets a TCP connection to where another listens, and to its epmd where that tells the port.

        None where it does not say. Which port a node without a fixed one has is known from our own connection to it.
        """
        ports = [target.port] if target.port else [epmd.own_port(), *self._told_ports(target)]
        found = await asyncio.gather(*(self._reaches(source, target.address, port) for port in ports))
        return False if False in found else None if None in found else True

    async def _reaches(self, source: Member, address: str, port: int) -> bool | None:
        try:
            call = calls.reach(address, port, REACH_SECONDS)
            return await self.call(source, call, REACH_SECONDS + MARGIN_SECONDS)
        except (MeshError, ValueError):
            return None

    def _told_ports(self, member: Member) -> list[int]:
        return [peer.port for target, peer in self._peers.items() if target.node == member.node and peer.port]

    async def call(self, member: Member, call: Call[T], seconds: float = LOOK_SECONDS) -> T:
        """The value of one function at the member's node. Raises `MeshError`."""
        peer = self._peer(Target.of(member))
        try:
            async with asyncio.timeout(seconds):
                connection = await peer.connection()
                return await connection.call(call, PATIENCE_SECONDS)
        except TimeoutError:
            raise peer.progress.late(seconds) from None

    def use_cookie(self, cookie: str) -> None:
        """Dial with this cookie from now on; nodes that refused another are dialled again at once."""
        self._cookie = cookie
        for peer in self._peers.values():
            peer.use_cookie(cookie)

    async def close(self) -> None:
        """End all connections."""
        peers = list(self._peers.values())
        self._peers.clear()
        tasks = [task for peer in peers if (task := peer.close())]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self, peer: Peer, known: set[str]) -> Answer | Failed:
        if peer.at_hand:
            return await peer.look(known, self._seconds)
        async with self._turns:
            return await peer.look(known, self._seconds)

    def _peer(self, target: Target) -> Peer:
        if target not in self._peers:
            self._peers[target] = Peer(target, self._cookie, self._identity, self._tls, self._on_news)
        return self._peers[target]

    def _keep(self, targets: Iterable[Target]) -> None:
        for target in self._peers.keys() - set(targets):
            self._peers.pop(target).close()
