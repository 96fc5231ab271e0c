"""A real Kubernetes for tests: `up()` gives one, wherever it comes from."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import audit
from .build import binary
from .console import say
from .fault import Faults
from .provider import Provider, choose, why_no_kind
from .served import wait_until_served
from .state import UnsupportedError

__all__ = ["Cluster", "KubectlError", "UnsupportedError", "binary", "get", "up"]


VERSION_VARIABLE = "ELIXIRCLUSTER_TEST_KUBERNETES"


class KubectlError(RuntimeError):
    """kubectl said no; the message is what it said."""


@dataclass(frozen=True)
class Cluster:
    """One Kubernetes that is up."""

    provider: Provider

    @property
    def name(self) -> str:
        return self.provider.layout.name

    @property
    def kubeconfig(self) -> Path:
        """For clients on this machine."""
        return self.provider.kubeconfig

    @property
    def kubeconfig_inside(self) -> Path:
        """For processes started with `run_inside`."""
        return self.provider.kubeconfig_inside

    @property
    def fault(self) -> Faults:
        return Faults(self.provider, self.kubectl)

    def kubectl(self, *arguments: str, input: str | None = None, check: bool = True) -> str:  # noqa: A002
        """Run kubectl and return what it printed."""
        command = [str(binary("kubectl")), "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, input=input, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def wait_until_served(self, crd: str, seconds: float = 60.0) -> None:
        """Wait for a CustomResourceDefinition."""
        wait_until_served(self.kubectl, crd, seconds)

    def load(self, *archives: str | Path, nodes: Sequence[str] | None = None) -> None:
        """Bring images of OCI or Docker archives in, to all nodes or to some; a pod needs IfNotPresent."""
        self.provider.load([Path(archive) for archive in archives], nodes)

    def audit(self, since: int | dt.datetime = 0) -> Iterator[dict[str, Any]]:
        """Records of the API server's audit log, from an `audit_position` or a time (with zone) on."""
        return audit.events(self._audit_log(), since)

    def audit_position(self) -> int:
        return audit.position(self._audit_log())

    def run_inside(self, argv: Sequence[str]) -> list[str]:
        """The argv that runs a program where pods and Services can be reached."""
        return self.provider.inside(argv)

    def pids(self) -> dict[str, int]:
        """The cluster's own processes by component, where they are ours to see."""
        return self.provider.pids()

    def down(self) -> None:
        self.provider.down()

    def _audit_log(self) -> Path:
        if self.provider.audit_log is None:
            raise UnsupportedError(f"there is no audit log to read on {self.provider.kind}")
        return self.provider.audit_log


def up(
    name: str = "test", dns_ttl: int = 30, ip_family: str = "IPv4", nodes: int = 1, kubernetes: str | None = None
) -> Cluster:
    """Bring the cluster up, or find that it is. Which `kubernetes` (1.34) may come from the environment, so that tests
    run on another than the newest."""
    provider = choose(name)
    if provider.kind == "embedded" and shutil.which("kind") and (why := why_no_kind()):
        say(f"no cluster of kind: {why}")
    provider.up(dns_ttl, ip_family, nodes, os.environ.get(VERSION_VARIABLE, "") if kubernetes is None else kubernetes)
    return Cluster(provider)


def get(name: str = "test") -> Cluster:
    """A cluster that somebody brought up, without looking whether it is well."""
    return Cluster(choose(name))
