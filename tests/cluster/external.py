"""The external provider: a cluster that the user named, of which nothing is made or removed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .build import binary
from .layout import Layout
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

    def up(self, dns_ttl: int, ip_family: str = "IPv4") -> None:
        """Copy out the one context, so that nothing can reach another cluster by mistake."""
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
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(done.stdout)
        write_state(self.layout, {"provider": self.kind})

    def down(self) -> None:
        shutil.rmtree(self.layout.run, ignore_errors=True)

    def load(self, archives: Sequence[Path]) -> None:
        raise UnsupportedError("push the images to a registry of this cluster: archives cannot be loaded into it")

    def inside(self, argv: Sequence[str]) -> list[str]:
        return list(argv)

    def pids(self) -> dict[str, int]:
        return {}

    def log(self, component: str) -> Path:
        raise UnsupportedError(f"the log of {component} is with whoever runs this cluster")
