"""A shell of somebody who has `kubectl elixir`."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster import binary

from .screen import Screen
from .user import ROOT, Namespace

PROGRAMS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]


@dataclass
class Shell:
    """A shell with the plugin in it, and all that it was told."""

    namespace: Namespace
    environment: dict[str, str]
    told: list[str] = field(default_factory=list)

    def run(self, *arguments: str, status: int = 0) -> str:
        """`kubectl elixir …`; what it printed."""
        command = ["kubectl", "elixir", *arguments, "--namespace", self.namespace.name]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=180)
        self.told += [done.stdout, done.stderr]
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if status == 0 else done.stderr

    @contextmanager
    def screen(self, *arguments: str):
        command = ["kubectl", "elixir", *arguments, "--namespace", self.namespace.name]
        screen = Screen(command, {**self.environment, "TERM": "xterm-256color"})
        try:
            yield screen
        finally:
            screen.close()
            self.told.append(screen.text)


def opened(namespace: Namespace, folder: Path) -> Shell:
    """A shell in a namespace; `folder` becomes the first of its PATH."""
    (folder / "kubectl").symlink_to(binary("kubectl"))
    for program in ("kubectl-elixir", "kubectl_complete-elixir"):
        module, _, function = PROGRAMS[program].partition(":")
        (folder / program).write_text(f"#!{sys.executable}\nfrom {module} import {function}\n{function}()\n")
        (folder / program).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "operator"),
        "KUBECONFIG": str(namespace.kubernetes.kubeconfig),
    }
    return Shell(namespace, environment)
