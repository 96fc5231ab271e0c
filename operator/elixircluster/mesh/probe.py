"""The prober: asks every node of a cluster whom it sees, over connections that stay open.

Nobody waits for a node that does not answer. What was begun with it goes on in the background, so that a node that
wakes up is seen by the next look, and a frozen one never has more than one connection of ours waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from elixircluster.mesh import calls
from elixircluster.mesh.calls import Call
from elixircluster.mesh.connection import Connection, Identity, Progress, Target, dial
from elixircluster.mesh.failure import Failed, Failure, MeshError, Step
from elixircluster.mesh.member import Answer, Member
from elixircluster.mesh.tls import Tls

T = TypeVar("T")

LOOK_SECONDS = 1.0
"""How long a look waits for a node."""
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
    """

    def __init__(
        self,
        cookie: str,
        identity: Identity,
        *,
        tls: Tls | None = None,
        look_seconds: float = LOOK_SECONDS,
        turns: asyncio.Semaphore | None = None,
    ) -> None:
        self._cookie = cookie
        self._identity = identity
        self._tls = tls
        self._seconds = look_seconds
        self._turns = turns or asyncio.Semaphore(DIALS_AT_ONCE)
        self._peers: dict[Target, _Peer] = {}

    async def look(self, members: Sequence[Member]) -> dict[str, Answer | Failed]:
        """What each member's node says now, by its name. Never raises `MeshError`.

        Connections to nodes that are no members any more are closed, so looks at one cluster come one after another.
        A node gets `look_seconds`, not counting how long it waits for its turn to be dialled.
        """
        targets = [Target(member.node, member.address, member.port) for member in members]
        self._keep(targets)
        known = {target.node for target in targets} | {self._identity.name}
        found = await asyncio.gather(*(self._look(self._peer(target), known) for target in targets))
        return dict(zip((target.node for target in targets), found, strict=True))

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
            self._peers[target] = _Peer(target, self._cookie, self._identity, self._tls)
        return self._peers[target]

    def _keep(self, targets: Iterable[Target]) -> None:
        for target in self._peers.keys() - set(targets):
            self._peers.pop(target).close()


class _Peer:
    """One node: the connection to it, and what is being asked."""

    def __init__(self, target: Target, cookie: str, identity: Identity, tls: Tls | None) -> None:
        self.progress = Progress()
        self._target = target
        self._cookie = cookie
        self._identity = identity
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._connection: Connection | None = None
        self._dialling = asyncio.Lock()
        self._facts: Facts | None = None
        self._task: asyncio.Task[Answer | Failed] | None = None
        self._failed: Failed | None = None
        self._hold_until = 0.0

    @property
    def at_hand(self) -> bool:
        """Whether a look needs no new connection."""
        return self._task is not None or self._open is not None

    async def look(self, known: set[str], seconds: float) -> Answer | Failed:
        """Wait so long for what the node says, in this look or to an earlier one that still waits."""
        if self._task is None:
            self._task = self._loop.create_task(self._ask(known))
        task = self._task
        started = self._loop.time()
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done and self._loop.time() - started > seconds + STALL_SECONDS:
            # It was our own event loop that stood still; what the node said waits to be read.
            done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            return self._pending(seconds)
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
            self._connection.close()
        return self._task

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
            sees = await connection.call(calls.nodes("connected"), PATIENCE_SECONDS)
            # Members need no second question; whoever is none may be a console or another operator.
            hidden = frozenset() if sees <= known else await connection.call(calls.nodes("hidden"), PATIENCE_SECONDS)
            facts = self._facts = self._facts or await _facts(connection)
        except MeshError as error:
            if error.failed.failure is Failure.TIMEOUT and self._connection is not None:
                self._connection.close()
            return error.failed
        us = {self._identity.name}
        uptime = self._loop.time() - facts.started
        return Answer(sees - us, hidden - us, facts.otp_release, facts.elixir_version, uptime)

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
