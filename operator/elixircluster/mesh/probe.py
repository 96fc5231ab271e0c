"""The prober: asks every node of a cluster whom it sees and hears, over connections that stay open.

Nobody waits for a node that does not answer. What was begun with it goes on in the background, so that a node that
wakes up is seen by the next look, and a frozen one never has more than one connection of ours waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from elixircluster.mesh import calls, epmd, links
from elixircluster.mesh.calls import Call
from elixircluster.mesh.connection import Connection, Identity, Progress, Target, dial
from elixircluster.mesh.failure import Failed, Failure, MeshError, Step
from elixircluster.mesh.member import Answer, Answers, Member
from elixircluster.mesh.tls import Tls
from elixircluster.mesh.view import Link

T = TypeVar("T")

LOOK_SECONDS = 1.0
"""How long a look waits for a node."""
LATE_SHARE = 0.5
"""Of it for a node that answered the look before: the next look waits on, and only then is it silent."""
HEAR_SECONDS = 0.7
"""How long one node waits for another's answer. TCP repeats a lost packet after 0.2 s."""
REACH_SECONDS = 0.5
"""How long one node tries to reach another's port."""
MARGIN_SECONDS = 0.5
"""How much longer we wait than the node does."""
STEADY_SECONDS = 5.0
"""How long a connection must have held for its end to be news: else a node that hangs up would keep us busy."""
PATIENCE_SECONDS = 30.0
"""How long a node may take before we connect anew."""
DIALS_AT_ONCE = 64
"""More would make ours the processor that everybody waits for."""
STALL_SECONDS = 0.1
"""How late a timer may be before we blame ourselves and not the node."""
HOLD_SECONDS = 30.0
"""How long we do not dial again after a failure that the node writes to its log."""
LOGGED = frozenset({Failure.WRONG_COOKIE, Failure.TLS_FAILED, Failure.PROTOCOL})


@dataclass(frozen=True)
class Facts:
    """What does not change while a node runs. `started` is on our event loop's clock."""

    otp_release: str
    elixir_version: str | None
    started: float


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
        self._peers: dict[Target, _Peer] = {}
        self._listens = 0
        self._unheard: frozenset[Link] = frozenset()

    async def look(self, members: Sequence[Member]) -> dict[str, Answer | Failed]:
        """What each member's node says now, by its name. Never raises `MeshError`.

        Connections to nodes that are no members any more are closed, so looks at one cluster come one after another.
        A node gets `look_seconds`, not counting how long it waits for its turn to be dialled. Of a node that was
        prompt before and is late now, `late` for once, it is what it said before.
        """
        targets = [Target(member.node, member.address, member.port) for member in members]
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
        """Whether a node gets a TCP connection to where another listens, or to its epmd. None where it does not say."""
        try:
            call = calls.reach(target.address, target.port or epmd.PORT, REACH_SECONDS)
            return await self.call(source, call, REACH_SECONDS + MARGIN_SECONDS)
        except (MeshError, ValueError):
            return None

    async def call(self, member: Member, call: Call[T], seconds: float = LOOK_SECONDS) -> T:
        """The value of one function at the member's node. Raises `MeshError`."""
        peer = self._peer(Target(member.node, member.address, member.port))
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

    async def _look(self, peer: _Peer, known: set[str]) -> Answer | Failed:
        if peer.at_hand:
            return await peer.look(known, self._seconds)
        async with self._turns:
            return await peer.look(known, self._seconds)

    def _peer(self, target: Target) -> _Peer:
        if target not in self._peers:
            self._peers[target] = _Peer(target, self._cookie, self._identity, self._tls, self._on_news)
        return self._peers[target]

    def _keep(self, targets: Iterable[Target]) -> None:
        for target in self._peers.keys() - set(targets):
            self._peers.pop(target).close()


class _Peer:
    """One node: the connection to it, and what is being asked."""

    def __init__(
        self, target: Target, cookie: str, identity: Identity, tls: Tls | None, on_news: Callable[[], None]
    ) -> None:
        self.progress = Progress()
        self.late = False
        self._on_news = on_news
        self._target = target
        self._cookie = cookie
        self._identity = identity
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._connection: Connection | None = None
        self._dialling = asyncio.Lock()
        self._connected_at = 0.0
        self._facts: Facts | None = None
        self._answer: Answer | None = None
        self._task: asyncio.Task[Answer | Failed] | None = None
        self._failed: Failed | None = None
        self._hold_until = 0.0

    @property
    def at_hand(self) -> bool:
        """Whether a look needs no new connection."""
        return self._task is not None or self._open is not None

    async def look(self, known: set[str], seconds: float) -> Answer | Failed:
        """Wait so long for what the node says, in this look or to an earlier one that still waits."""
        prompt = self._task is None and self._answer is not None
        task = self._task = self._task or self._loop.create_task(self._ask(known))
        done = await self._wait(task, seconds * LATE_SHARE if prompt else seconds)
        self.late = prompt and not done
        if self.late and self._answer is not None:
            task.add_done_callback(lambda _: self._on_news())
            return self._answer
        found = self._result(task) if done else self._pending(seconds)
        self._answer = found if isinstance(found, Answer) else None
        return found

    async def _wait(self, task: asyncio.Task[Answer | Failed], seconds: float) -> bool:
        started = self._loop.time()
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done and self._loop.time() - started > seconds + STALL_SECONDS:
            # It was our own event loop that stood still; what the node said waits to be read.
            done, _ = await asyncio.wait({task}, timeout=seconds)
        return bool(done)

    def _result(self, task: asyncio.Task[Answer | Failed]) -> Answer | Failed:
        if self._task is task:
            self._task = None
        return self._gone() if task.cancelled() else task.result()

    async def connection(self) -> Connection:
        """The open connection, made if there is none. Raises `MeshError`."""
        async with self._dialling:
            if self._open is not None:
                return self._open
            if self._failed is not None and self._loop.time() < self._hold_until:
                raise MeshError(self._failed.failure, self._failed.message, self._failed.step)
            self._connection = self._facts = None
            self.progress = Progress()
            try:
                self._connection = await self._dial()
            except MeshError as error:
                self._failed = error.failed
                if error.failed.failure in LOGGED:
                    self._hold_until = self._loop.time() + HOLD_SECONDS
                raise
            self._failed = None
            self.progress.step = Step.CALL
            self._connected_at = self._loop.time()
            self._connection.on_lost = self._lost
            return self._connection

    def use_cookie(self, cookie: str) -> None:
        """Dial with this one the next time, and do not wait any more where another was refused."""
        self._cookie = cookie
        if self._failed is not None and self._failed.failure is Failure.WRONG_COOKIE:
            self._hold_until = 0.0

    def close(self) -> asyncio.Task[Answer | Failed] | None:
        """End the connection. Returns the task that may take a moment to end."""
        if self._task is not None:
            self._task.cancel()
        if self._connection is not None:
            self._connection.on_lost = None
            self._connection.close()
        return self._task

    def _lost(self) -> None:
        if self._answer is not None and self._loop.time() - self._connected_at > STEADY_SECONDS:
            self._on_news()

    @property
    def _open(self) -> Connection | None:
        return self._connection if self._connection is not None and self._connection.lost is None else None

    async def _dial(self) -> Connection:
        return await dial(
            self._target,
            self._cookie,
            self._identity,
            seconds=PATIENCE_SECONDS,
            tls=self._tls,
            progress=self.progress,
        )

    async def _ask(self, known: set[str]) -> Answer | Failed:
        try:
            connection = await self.connection()
            us = self._identity.name
            sees = await connection.call(calls.nodes("connected", us), PATIENCE_SECONDS)
            hidden: frozenset[str] = frozenset()
            if not sees <= known:
                # Members need no second question; whoever is none may be a console or another operator.
                hidden = await connection.call(calls.nodes("hidden", us), PATIENCE_SECONDS)
            facts = self._facts = self._facts or await _facts(connection)
        except MeshError as error:
            if error.failed.failure is Failure.TIMEOUT and self._connection is not None:
                self._connection.close()
            return self._judged(error.failed)
        uptime = self._loop.time() - facts.started
        return Answer(sees, hidden, facts.otp_release, facts.elixir_version, uptime)

    def _judged(self, failed: Failed) -> Failed:
        # Where a node has listened, it is gone, and nobody has taken its name from it.
        gone = failed.failure is Failure.NOT_DISTRIBUTED and self._connected_at
        return replace(failed, failure=Failure.REFUSED) if gone else failed

    def _pending(self, seconds: float) -> Failed:
        step = self.progress.step
        # A node that does not speak TLS waits for the rest of what it takes for a name, and hangs up after 7 s.
        if step is Step.TLS and self._failed is not None and self._failed.failure is Failure.TLS_FAILED:
            return self._failed
        return self.progress.late(seconds).failed

    def _gone(self) -> Failed:
        return Failed(Failure.NOT_ALIVE, "it is no member any more", self.progress.step)


async def _facts(connection: Connection) -> Facts:
    asked = (calls.otp_release(), calls.start_time(), calls.clock(), calls.clock_unit())
    elixir = asyncio.ensure_future(_elixir(connection))
    try:
        release, start, clock, unit = await asyncio.gather(*(connection.call(item, PATIENCE_SECONDS) for item in asked))
        version = await elixir
    finally:
        elixir.cancel()
    uptime = (int(clock) - int(start)) / max(1, int(unit))
    return Facts(str(release), version, asyncio.get_running_loop().time() - uptime)


async def _elixir(connection: Connection) -> str | None:
    try:
        return await connection.call(calls.elixir_version(), PATIENCE_SECONDS)
    except MeshError as error:
        if error.failed.failure is Failure.RPC_REFUSED:
            return None
        raise
