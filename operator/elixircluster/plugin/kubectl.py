"""The user's kubectl, with their context, their namespace and their rights."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import click

from elixircluster.plugin.plain import plain, plain_value

MISSING = "kubectl is not on PATH; install it, see https://kubernetes.io/docs/tasks/tools/"
PREFIX = re.compile(r"^(?:error|Error from server)(?: \((?P<reason>\w+)\))?: ")
LOG_LINE = re.compile(r"^[IWEF]\d{4} ")
"""What kubectl says of its own work, at -v."""
PAUSE_SECONDS = 1.0
"""Before a watch that has ended is begun anew."""


class KubectlError(click.ClickException):
    """What kubectl said, in one line; `reason` is the API server's word for it, where it had one."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Kubectl:
    """How kubectl is called: with these options, by their long names; what is not given its configuration says."""

    options: Mapping[str, str | Sequence[str]] = field(default_factory=dict)

    def text(self, *arguments: str, given: str | None = None, seconds: float | None = None) -> str:
        """What it prints. Raises `KubectlError` where it fails or takes longer than `seconds`."""
        # Where it would ask for a name and a password nobody would see the question: it is to fail and say so.
        try:
            done = subprocess.run(  # noqa: S603 - a list of arguments, no shell
                self.command(*arguments), input=given or "", capture_output=True, timeout=seconds, check=False, **TEXT
            )
        except FileNotFoundError:
            raise KubectlError(MISSING) from None
        except subprocess.TimeoutExpired:
            raise KubectlError(f"kubectl {arguments[0]} took longer than {seconds:g} s") from None
        said = _without_log(done.stderr)
        if done.returncode:
            raise failure(said, f"kubectl {arguments[0]} ended with {done.returncode}")
        return str(done.stdout)

    def json(self, *arguments: str, seconds: float | None = None) -> Any:
        """The objects that it prints, their texts plain. Raises `KubectlError`."""
        return plain_value(json.loads(self.text(*arguments, "-o", "json", seconds=seconds)))

    def watch(self, *arguments: str, seconds: float | None = None) -> Iterator[Any]:
        """The object that `get` names, now and after each change, until it is deleted.

        Raises `KubectlError`, and `TimeoutError` after so many seconds.
        """
        deadline = time.monotonic() + seconds if seconds else None
        while True:  # the API server ends a watch after a while
            watch = self.start("get", *arguments, "--watch", "--output-watch-events", "-o", "json")
            with watch as process, _ended(process, deadline):
                for line in process.stdout or ():
                    event = json.loads(line)
                    if event["type"] == "DELETED":
                        return
                    if event["type"] != "ERROR":
                        yield plain_value(event["object"])
                if deadline and time.monotonic() >= deadline:
                    raise TimeoutError
                if process.wait() > 0:
                    raise failure(process.stderr.read() if process.stderr else "", "kubectl get --watch ended")
            time.sleep(PAUSE_SECONDS)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Have it run beside us, its output in a pipe, and what it complains of too. Raises `KubectlError`."""
        # At -v it says so much that nobody would read the pipe in time, and the user wants to see it.
        complaints = None if "v" in self.options else subprocess.PIPE
        try:
            return subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
                self.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, **TEXT
            )
        except FileNotFoundError:
            raise KubectlError(MISSING) from None

    def become(self, *arguments: str) -> NoReturn:
        """Go on as kubectl, with this terminal. Raises `KubectlError`."""
        command = self.command(*arguments)
        try:
            if os.name == "nt":
                # There exec starts another process and ends this one: the shell would take the terminal back.
                sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - as above
            os.execvp("kubectl", command)  # noqa: S606, S607 - the user's own kubectl
        except FileNotFoundError:
            raise KubectlError(MISSING) from None

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        said = [(name, [value] if isinstance(value, str) else value) for name, value in self.options.items()]
        return ["kubectl", *(f"--{name}={value}" for name, values in said for value in values), *arguments]


TEXT: Mapping[str, Any] = {"text": True, "encoding": "utf-8", "errors": "replace"}
"""How a subprocess is read: a pod may print what is no text."""


@contextmanager
def _ended(process: subprocess.Popen[str], deadline: float | None) -> Iterator[None]:
    """Whatever happens, the process is told to end: now, or where it lasts until then, at the deadline."""
    timer = threading.Timer(deadline - time.monotonic(), process.terminate) if deadline else None
    if timer:
        timer.start()
    try:
        yield
    finally:
        if timer:
            timer.cancel()
        process.terminate()


def _without_log(said: str) -> str:
    """What kubectl said, without what the user wants to see of its work, which is shown at once."""
    lines = said.splitlines()
    for line in lines:
        if LOG_LINE.match(line):
            click.echo(plain(line), err=True)
    return "\n".join(line for line in lines if not LOG_LINE.match(line))


def failure(said: str, otherwise: str) -> KubectlError:
    """What kubectl said on standard error, in one line."""
    lines = [plain(line) for line in said.strip().splitlines() if line]
    if not lines:
        return KubectlError(otherwise)
    prefix = PREFIX.match(lines[-1])
    if prefix is None:
        return KubectlError(lines[-1])
    return KubectlError(lines[-1][prefix.end() :], prefix["reason"] or "")
