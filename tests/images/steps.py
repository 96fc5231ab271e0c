"""Commands that take a while: run one at a time, shown while they run, quoted when they fail."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.console import Console

LINE_EVERY = 15.0
console = Console(stderr=True, highlight=False)


class StepError(RuntimeError):
    """A command failed; the message ends with the last that it said."""


class UnavailableError(RuntimeError):
    """A Debian that moves cannot be had today: nobody's fault, and no failure."""


def run(label: str, argv: Sequence[str | Path], **environment: str) -> None:
    """Run a command to its end. On a terminal a spinner turns; elsewhere a line comes every 15 s."""
    command = [str(word) for word in argv]
    with tempfile.TemporaryFile("w+") as log, _shown(label) as alive:
        # mix and apt must not ask; a closed stdin is an answer
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | environment
        )
        try:
            while _waits(process):
                alive()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        if process.returncode:
            raise StepError(f"{label} failed ({process.returncode}): {' '.join(command)}\n{_tail(log)}")


def output(argv: Sequence[str | Path], **environment: str) -> str | None:
    """What a quick command prints, or None if it fails or is not there."""
    try:
        done = subprocess.run(
            argv, env=os.environ | environment, capture_output=True, text=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _waits(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(0.5)
    except subprocess.TimeoutExpired:
        return True
    return False


def _tail(log: IO[str], lines: int = 40) -> str:
    log.seek(0)
    return "".join(log.readlines()[-lines:]).rstrip()


@contextmanager
def _shown(label: str) -> Iterator[Callable[[], None]]:
    """Yield a function to call now and then while the step runs."""
    started = time.monotonic()
    due = started + LINE_EVERY

    def seconds() -> str:
        return f"{time.monotonic() - started:.0f} s"

    def line() -> None:
        nonlocal due
        if time.monotonic() >= due:
            due += LINE_EVERY
            console.print(f"{label} … {seconds()}")

    if console.is_terminal:
        with console.status(label) as status:
            yield lambda: status.update(f"{label} … {seconds()}")
    else:
        yield line
    console.print(f"{label}: {seconds()}")
