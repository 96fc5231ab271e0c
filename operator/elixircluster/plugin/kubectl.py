"""The user's kubectl, with their context, their namespace and their rights."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import click

MISSING = "kubectl is not on PATH; install it, see https://kubernetes.io/docs/tasks/tools/"
PREFIX = re.compile(r"^(?:error|Error from server)(?: \((?P<reason>\w+)\))?: ")


class KubectlError(click.ClickException):
    """What kubectl said, in one line; `reason` is the API server's word for it, where it had one."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Kubectl:
    """How kubectl is called. None is what its configuration says."""

    namespace: str | None = None
    context: str | None = None
    kubeconfig: str | None = None

    def text(self, *arguments: str, given: str | None = None, seconds: float | None = None) -> str:
        """What it prints. Raises `KubectlError` where it fails or takes longer than `seconds`."""
        try:
            done = subprocess.run(  # noqa: S603 - a list of arguments, no shell
                self.command(*arguments), input=given, capture_output=True, text=True, timeout=seconds, check=False
            )
        except FileNotFoundError:
            raise KubectlError(MISSING) from None
        except subprocess.TimeoutExpired:
            raise KubectlError(f"kubectl {arguments[0]} took longer than {seconds:g} s") from None
        if done.returncode:
            raise failure(done.stderr, f"kubectl {arguments[0]} ended with {done.returncode}")
        return done.stdout

    def json(self, *arguments: str, seconds: float | None = None) -> Any:
        """The objects that it prints. Raises `KubectlError`."""
        return json.loads(self.text(*arguments, "-o", "json", seconds=seconds))

    def watch(self, *arguments: str) -> Iterator[Any]:
        """The object that `get` names, now and after each change, until it is deleted. Raises `KubectlError`."""
        while True:  # the API server ends a watch after a while
            with self.start("get", *arguments, "--watch", "--output-watch-events", "-o", "json") as process:
                try:
                    for line in process.stdout or ():
                        event = json.loads(line)
                        if event["type"] == "DELETED":
                            return
                        yield event["object"]
                finally:
                    process.terminate()
                if process.wait() > 0:
                    raise failure(process.stderr.read() if process.stderr else "", "kubectl get --watch ended")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Have it run beside us, its output in pipes. Raises `KubectlError`."""
        try:
            return subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
                self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        except FileNotFoundError:
            raise KubectlError(MISSING) from None

    def become(self, *arguments: str) -> NoReturn:
        """Go on as kubectl, with this terminal. Raises `KubectlError`."""
        try:
            os.execvp("kubectl", self.command(*arguments))  # noqa: S606, S607 - the user's own kubectl
        except FileNotFoundError:
            raise KubectlError(MISSING) from None

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        said = {"namespace": self.namespace, "context": self.context, "kubeconfig": self.kubeconfig}
        return ["kubectl", *(f"--{name}={value}" for name, value in said.items() if value), *arguments]


def failure(said: str, otherwise: str) -> KubectlError:
    """What kubectl said on standard error, in one line."""
    lines = [line for line in said.strip().splitlines() if line]
    if not lines:
        return KubectlError(otherwise)
    prefix = PREFIX.match(lines[-1])
    if prefix is None:
        return KubectlError(lines[-1])
    return KubectlError(lines[-1][prefix.end() :], prefix["reason"] or "")
