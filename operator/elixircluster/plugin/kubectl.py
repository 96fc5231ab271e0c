"""The user's kubectl, with their context, their namespace and their rights."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any, NoReturn

MISSING = "kubectl is not on PATH; install it, see https://kubernetes.io/docs/tasks/tools/"


class KubectlError(Exception):
    """What kubectl said, in one line."""


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
            raise KubectlError(_one_line(done.stderr) or f"kubectl {arguments[0]} ended with {done.returncode}")
        return done.stdout

    def json(self, *arguments: str, seconds: float | None = None) -> Any:
        """The objects that it prints. Raises `KubectlError`."""
        return json.loads(self.text(*arguments, "-o", "json", seconds=seconds))

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


def _one_line(said: str) -> str:
    lines = [line for line in said.strip().splitlines() if line]
    return lines[-1].removeprefix("error: ").removeprefix("Error from server ") if lines else ""
