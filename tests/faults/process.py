"""A real operator process, started, killed, frozen and measured."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """What a process has used until now."""

    at: float
    cpu_seconds: float
    rss_mb: float
    peak_mb: float

    def cores_since(self, before: Usage) -> float:
        """Of how many cores it had the whole time since then."""
        return (self.cpu_seconds - before.cpu_seconds) / (self.at - before.at)


class Operator:
    """One operator. Restarts keep `pod_uid`, as the containers of one pod do."""

    def __init__(
        self,
        kubeconfig: Path,
        log: Path,
        *,
        lease: str = "elixircluster",
        pod: str = "operator-0",
        enter: Callable[[Sequence[str]], list[str]] = list,
        arguments: Sequence[str] = (),
    ) -> None:
        self.log = log
        self._enter = enter
        self._lease = lease
        self._arguments = arguments
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "PYTHONPATH": str(ROOT / "operator"),
            "POD_NAME": pod,
            "POD_UID": f"{pod}-{os.urandom(8).hex()}",
        }
        self._process: asyncio.subprocess.Process | None = None
        self._offset = 0
        self.starts = 0

    @property
    def pid(self) -> int:
        assert self._process, "not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process, whatever it needs to be of use."""
        self._offset = self.log.stat().st_size if self.log.exists() else 0
        self.starts += 1
        ports = [str(free_port()), str(free_port())]
        argv = [sys.executable, "-m", "elixircluster", "run", "--log-format", "text", "--lease-name", self._lease]
        argv += ["--metrics-port", ports[0], "--health-port", ports[1], *self._arguments]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._enter(argv), env=self._environment, stdout=log, stderr=log, cwd=ROOT
            )

    async def leads(self, seconds: float = 60) -> None:
        """Wait until it has the lease and has seen the world."""
        await until(self.is_leading, seconds, "the operator to lead")

    def is_leading(self) -> bool:
        return self.running and " resources\n" in self.said()

    def said(self) -> str:
        """Its log since its last start."""
        with self.log.open("rb") as log:
            log.seek(self._offset)
            return log.read().decode(errors="replace")

    def signal(self, number: int) -> None:
        if self.running:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def wait(self) -> int:
        assert self._process, "not started"
        return await self._process.wait()

    async def kill(self) -> None:
        """SIGKILL: no time for anything."""
        self.signal(signal.SIGKILL)
        await self.wait()

    async def stop(self, seconds: float = 20) -> int:
        """SIGTERM: a clean end."""
        if not self.running:
            return await self.wait()
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.wait(), seconds)
        except TimeoutError:
            await self.kill()
            raise

    def usage(self) -> Usage:
        stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return Usage(time.monotonic(), (int(stat[11]) + int(stat[12])) / TICKS, *memory_mb(self.pid))


def memory_mb(pid: int | str) -> tuple[float, float]:
    """What a process has resident now, and the most until now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    resident, most = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return resident, most


# After the first time, a kubelet waits ever longer before it starts a container again.
RESTART_DELAYS = (0, 10, 20, 40, 80, 160, 300)


async def supervise(operator: Operator) -> None:
    """Start the operator again whenever it ends, as a kubelet does, until cancelled."""
    for delay in itertools.chain(RESTART_DELAYS, itertools.repeat(RESTART_DELAYS[-1])):
        await operator.wait()
        await asyncio.sleep(delay)
        await operator.start()


@asynccontextmanager
async def supervised(operator: Operator) -> AsyncIterator[Operator]:
    """An operator that leads, under supervision; ended afterwards."""
    await operator.start()
    supervisor = asyncio.create_task(supervise(operator))
    try:
        await operator.leads()
        yield operator
    finally:
        supervisor.cancel()
        with suppress(asyncio.CancelledError):
            await supervisor
        await operator.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(
    condition: Callable[[], bool | Awaitable[bool]], seconds: float, what: str, step: float = 0.02
) -> float:
    """Poll until the condition holds. Returns how long that took, in seconds."""
    started = time.monotonic()
    while True:
        answer = condition()
        if answer if isinstance(answer, bool) else await answer:
            return time.monotonic() - started
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"waited {seconds:.0f} s in vain for {what}")
        await asyncio.sleep(step)
