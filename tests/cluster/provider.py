"""What gives us a Kubernetes, and which of the three it is to be."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from . import layout
from .containers import docker
from .embedded import Embedded
from .external import External
from .kind import Kind, clusters
from .layout import PREFIX, Layout
from .processes import cgroups

CONTEXT_VARIABLE = "ELIXIRCLUSTER_TEST_CONTEXT"


class Outage(Protocol):
    """What can happen to one machine of several: it is cut off, hangs, or loses its power; and it comes back."""

    def cut(self) -> None: ...

    def kill(self) -> None: ...

    def freeze(self) -> None: ...

    def back(self) -> None: ...


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

    def up(self, dns_ttl: int, ip_family: str = "IPv4", nodes: int = 1, kubernetes: str = "") -> None: ...

    def down(self) -> None: ...

    def load(self, archives: Sequence[Path], nodes: Sequence[str] | None = None) -> None:
        """On all machines, or on those that are named."""

    def inside(self, argv: Sequence[str]) -> list[str]: ...

    def outage(self, name: str) -> Outage:
        """Of the machine that is called so."""

    def pids(self) -> dict[str, int]: ...

    def parts(self) -> dict[str, str]:
        """What it is made of, by name, and how each part is, for somebody to read."""

    def log(self, component: str) -> Path: ...


def choose(name: str, environment: Mapping[str, str] = os.environ) -> Provider:
    """The cluster that the user named, else the one that is there, else kind, else the embedded one."""
    context = environment.get(CONTEXT_VARIABLE)
    if context and (kubeconfig := environment.get("KUBECONFIG")):
        return External(name, kubeconfig, context)
    made_by = _maker(Layout(name)) or ("embedded" if why_no_kind() else "kind")
    return Kind(name, environment) if made_by == "kind" else Embedded(name)


def known_names() -> list[str]:
    """Every cluster that is here, finished or not; one of kind's outlives its files, which a reboot removes."""
    of_kind = [] if why_no_kind() else clusters()
    ours = [name.removeprefix(PREFIX) for name in of_kind if name.startswith(PREFIX)]
    return sorted({*layout.known_names(), *filter(layout.is_name, ours)})


def why_no_kind() -> str:
    """What is missing for a cluster of kind, or nothing."""
    for program in ("kind", "docker"):
        if shutil.which(program) is None:
            return f"{program} is not on PATH"
    try:
        docker("info", "--format", "{{.ServerVersion}}")
    except RuntimeError as error:
        return f"Docker does not answer: {error}"
    return ""


def _maker(of: Layout) -> str:
    """Whose cluster this is, where there is anything of it."""
    if of.maker.exists():
        return of.maker.read_text()
    # Files are gone after a reboot or a tidy hand; only one of the providers makes cgroups.
    return "embedded" if cgroups(of.cgroup) else ""
