"""What gives us a Kubernetes, and which of the three it is to be."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from .embedded import Embedded
from .external import External
from .kind import Kind
from .layout import Layout
from .state import read_state

CONTEXT_VARIABLE = "ELIXIRCLUSTER_TEST_CONTEXT"


class Provider(Protocol):
    """One Kubernetes by name; every method can be called again after a crash."""

    kind: str
    layout: Layout

    @property
    def kubeconfig(self) -> Path:
        """For clients on this machine."""

    @property
    def kubeconfig_inside(self) -> Path:
        """For processes started with `inside`."""

    @property
    def audit_log(self) -> Path | None:
        """The API server's audit log, where there is one that we can read."""

    def up(self, dns_ttl: int, ip_family: str = "IPv4") -> None: ...

    def down(self) -> None: ...

    def load(self, archives: Sequence[Path]) -> None: ...

    def inside(self, argv: Sequence[str]) -> list[str]: ...

    def pids(self) -> dict[str, int]: ...

    def log(self, component: str) -> Path: ...


def choose(name: str, environment: Mapping[str, str] = os.environ) -> Provider:
    """The cluster that the user named, else the one that is there, else kind, else the embedded one."""
    context = environment.get(CONTEXT_VARIABLE)
    if context and (kubeconfig := environment.get("KUBECONFIG")):
        return External(name, kubeconfig, context)
    layout = Layout(name)
    made_by = read_state(layout).get("provider") or ("kind" if _has_kind() else "embedded")
    return Kind(name) if made_by == "kind" else Embedded(name)


def _has_kind() -> bool:
    if not (shutil.which("kind") and shutil.which("docker")):
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
