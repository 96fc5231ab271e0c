"""Real BEAM nodes as processes of this machine, each with an address of its own and no epmd."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elixircluster.mesh.member import Member

COOKIE = "a-cookie-for-tests"
START_SECONDS = 30.0
READY = b"node is up"


def free_port() -> int:
    """A port that no one listens on now, on any address."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Node:
    """A running node. `number` makes its address, 127.0.0.number; without a port it registers with epmd.

    `erlang`: the folder of its programs, where they are not those of PATH.
    """

    alive: str
    number: int
    port: int
    log: Path
    cookie: str = COOKIE
    flags: Sequence[str] = ()
    erlang: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.{self.number}"

    @property
    def name(self) -> str:
        return f"{self.alive}@{self.address}"

    @property
    def member(self) -> Member:
        return Member(f"pod-{self.alive}", self.name, self.address, self.port or None)

    def start(self, evaluate: str = "ok", variables: Mapping[str, str] | None = None) -> Node:
        """Start it, with more variables; returns when it listens and has done `evaluate`."""
        interface = "{" + self.address.replace(".", ",") + "}"
        command = ["erl", "-noinput", "-name", self.name, "-start_epmd", "false"]
        command += ["-erl_epmd_port", str(self.port)] if self.port else []
        command += ["-kernel", "inet_dist_use_interface", interface, "+S", "1:1", "+sbwt", "none", *self.flags]
        command += ["-eval", f'{evaluate}, io:put_chars("{READY.decode()}\\n")']
        environment = {**os.environ, "ERL_CRASH_DUMP": "/dev/null", "ERL_FLAGS": f"-setcookie {self.cookie}"}
        environment |= variables or {}
        if self.erlang:
            environment["PATH"] = f"{self.erlang}:{environment['PATH']}"
        # Erlang wants a home for its own cookie file.
        environment.setdefault("HOME", tempfile.gettempdir())
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while READY not in self.log.read_bytes()[before:]:
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace")[-2000:]
                self.kill()
                raise RuntimeError(f"{self.name} did not start: {said}")
            time.sleep(0.02)
        return self

    def freeze(self) -> None:
        """Stop every thread of it; returns when all have stopped."""
        self._signal(signal.SIGSTOP)
        deadline = time.monotonic() + START_SECONDS
        while self._runs():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} does not stop")
            time.sleep(0.005)

    def _runs(self) -> bool:
        assert self.process is not None
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/stat")
        return any(stat.read_text().rpartition(") ")[2][0] != "T" for stat in threads)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None:
            self._signal(signal.SIGKILL)
            self.process.wait(10)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


@contextlib.contextmanager
def nodes(
    count: int,
    first: int,
    logs: Path,
    *,
    flags: Sequence[str] = (),
    prefix: str = "n",
    erlang: Path | None = None,
) -> Iterator[list[Node]]:
    """So many nodes on 127.0.0.`first` and the following addresses, not yet connected with each other."""
    port = free_port()
    made = [
        Node(f"{prefix}{number}", first + number, port, logs / f"{prefix}{number}.log", flags=flags, erlang=erlang)
        for number in range(count)
    ]
    try:
        for node in made:
            node.start()
        yield made
    finally:
        for node in made:
            node.kill()
