"""The external provider: a cluster that the user named, of which nothing is made or removed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from .build import binary
from .layout import Layout
from .readiness import ask, not_ready
from .state import UnsupportedError, write_state


class External:
    """KUBECONFIG and ELIXIRCLUSTER_TEST_CONTEXT name it together; one alone names nothing."""

    kind = "external"

    def __init__(self, name: str, kubeconfig: str, context: str) -> None:
        self.layout = Layout(name)
        self._source = kubeconfig
        self._context = context

    @property
    def kubeconfig(self) -> Path:
        return self.layout.kubeconfig

    @property
    def kubeconfig_inside(self) -> Path:
        return self.layout.kubeconfig

    @property
    def audit_log(self) -> Path | None:
        return None

    def up(self, dns_ttl: int, ip_family: str = "IPv4", nodes: int = 1, kubernetes: str = "") -> None:
        """Copy out the one context, so that nothing can reach another cluster by mistake."""
        if kubernetes:
            raise UnsupportedError(f"this cluster has the Kubernetes that it has: {kubernetes} cannot be chosen")
        arguments = ["config", "view", "--minify", "--flatten", "--raw", "--context", self._context]
        done = subprocess.run(
            [binary("kubectl"), *arguments],
            env=os.environ | {"KUBECONFIG": self._source},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"context {self._context!r} of {self._source}: {done.stderr.strip()}")
        self.layout.run.mkdir(mode=0o700, exist_ok=True)
        self.layout.maker.write_text(self.kind)
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(done.stdout)
        write_state(self.layout, {"context": self._context})

    def down(self) -> None:
        shutil.rmtree(self.layout.run, ignore_errors=True)

    def load(self, archives: Sequence[Path], nodes: Sequence[str] | None = None) -> None:
        raise UnsupportedError("push the images to a registry of this cluster: archives cannot be loaded into it")

    def inside(self, argv: Sequence[str]) -> list[str]:
        return list(argv)

    def outage(self, name: str) -> NoReturn:
        raise UnsupportedError(f"{name} is not ours to break")

    def pids(self) -> dict[str, int]:
        return {}

    def parts(self) -> dict[str, str]:
        seen = ask(self.kubeconfig)
        trouble = not_ready(seen, seen, {})
        return {name: trouble.get(name, "Ready") for name in seen}

    def log(self, component: str) -> Path:
        raise UnsupportedError(f"the log of {component} is with whoever runs this cluster")
