"""One node as the prober knows it: the connection to it, what is being asked, and what it said last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from elixircluster.mesh import calls
from elixircluster.mesh.boot import Boot
from elixircluster.mesh.connection import Connection, Identity, Progress, Target, dial
from elixircluster.mesh.failure import Failed, Failure, MeshError, Step
from elixircluster.mesh.member import Answer
from elixircluster.mesh.tls import Tls

LATE_SHARE = 0.5
"""Of a look's time for a node that answered the look before: the next look waits on, and only then is it silent."""
STEADY_SECONDS = 5.0
"""How long a connection must have held for its end to be news: else a node that hangs up would keep us busy."""
PATIENCE_SECONDS = 30.0
"""How long a node may take before we connect anew."""
STALL_SECONDS = 0.1
"""How late a timer may be before we blame ourselves and not the node."""
AGE_SECONDS = 60.0
"""After so long a node that does not tell is through with its boot: what starts then is the application's affair."""
HOLD_SECONDS = 30.0
"""How long we do not dial again after a failure that the node writes to its log."""


@dataclass(frozen=True)
class Facts:
    """What does not change while a node runs. `started` is on our event loop's clock."""

    otp_release: str
    elixir_version: str | None
    started: float


class Peer:
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
        self._grown: Boot | None = None
        self._answer: Answer | None = None
        self._silence: Failed | None = None
        self._task: asyncio.Task[Answer | Failed] | None = None
        self._failed: Failed | None = None
        self._hold_until = 0.0

    @property
    def port(self) -> int | None:
        """Where the node listens, once it let us in."""
        return self._connection.port if self._connection is not None else None

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
        found = self._same_silence(self._result(task) if done else self._pending(seconds))
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
            self._connection = self._facts = self._grown = None
            self.progress = Progress()
            try:
                self._connection = await self._dial()
            except MeshError as error:
                self._failed = error.failed
                if error.failed.failure.noted:
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
            uptime = self._loop.time() - facts.started
            boot, starting = await self._boot(connection, uptime)
        except MeshError as error:
            if error.failed.failure is Failure.TIMEOUT and self._connection is not None:
                self._connection.close()
            return self._judged(error.failed)
        versions = (facts.otp_release, facts.elixir_version)
        return Answer(sees, hidden, *versions, uptime, connection.creation, boot, starting)

    async def _boot(self, connection: Connection, uptime: float) -> tuple[Boot, tuple[str, ...]]:
        """How far its boot is, and what is being started; not asked any more once it cannot change."""
        if self._grown is not None:
            return self._grown, ()
        boot = await connection.call(calls.boot_status(), PATIENCE_SECONDS)
        starting: tuple[str, ...] = ()
        if boot is not Boot.BOOTED:
            starting = await connection.call(calls.starting_applications(), PATIENCE_SECONDS)
        if starting and boot is Boot.UNTOLD:
            boot = Boot.BOOTING
        if boot is Boot.BOOTED or (boot is Boot.UNTOLD and uptime > AGE_SECONDS):
            self._grown = boot
        return boot, starting

    def _judged(self, failed: Failed) -> Failed:
        # Where a node has listened, it is gone, and nobody has taken its name from it.
        gone = failed.failure is Failure.NOT_DISTRIBUTED and self._connected_at
        return replace(failed, failure=Failure.REFUSED) if gone else failed

    def _pending(self, seconds: float) -> Failed:
        step = self.progress.step
        # A node that does not speak TLS waits for the rest of what it takes for a name, and hangs up after 7 s.
        if step is Step.TLS and self._failed is not None and self._failed.step is Step.TLS:
            return self._failed
        return self.progress.late(seconds).failed

    def _same_silence(self, found: Answer | Failed) -> Answer | Failed:
        """Of a node that stays silent, what was said first: what we try meanwhile, and for how long, is no news."""
        silence = found if isinstance(found, Failed) and found.failure is Failure.TIMEOUT else None
        if silence and self._silence and silence.frozen == self._silence.frozen:
            silence = self._silence
        self._silence = silence
        return silence or found

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
    uptime = max(0.0, (int(clock) - int(start)) / max(1, int(unit)))
    return Facts(str(release), version, asyncio.get_running_loop().time() - uptime)


async def _elixir(connection: Connection) -> str | None:
    try:
        return await connection.call(calls.elixir_version(), PATIENCE_SECONDS)
    except MeshError as error:
        if error.failed.failure is Failure.RPC_REFUSED:
            return None
        raise
