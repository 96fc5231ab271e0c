"""Other people's command lines: what they print, and what they say when they fail."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

Word = str | Path


def run(*command: Word) -> str:
    """What it printed, or an error with what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as missing:
        raise _not_there(command) from missing
    if done.returncode:
        raise _failed(command, done.stderr)
    return done.stdout


def run_aloud(*command: Word, hear: Callable[[str], None]) -> None:
    """The same of one that takes minutes; each line is heard as soon as it is said."""
    said = []
    try:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError as missing:
        raise _not_there(command) from missing
    with process:
        for line in process.stderr or ():
            said.append(line)
            hear(line)
    if process.returncode:
        raise _failed(command, "".join(said))


def _not_there(command: Sequence[Word]) -> RuntimeError:
    return RuntimeError(f"{command[0]} is not on PATH")


def _failed(command: Sequence[Word], said: str) -> RuntimeError:
    return RuntimeError(f"{' '.join(map(str, command))}: {said.strip()}")
