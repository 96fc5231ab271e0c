"""The kind provider: Kubernetes in Docker, from kind-config.yaml at the root of the repository."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import yaml

from .build import binary
from .console import say
from .layout import REPOSITORY, Layout
from .state import UnsupportedError, read_state, write_state


class Kind:
    """One kind cluster, whose name starts with elixircluster-."""

    kind = "kind"

    def __init__(self, name: str) -> None:
        self.layout = Layout(name)

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
        if not self._is_finished():
            self.down()
            self.layout.run.mkdir(mode=0o700)
            say(f"kind creates {self.layout.full_name}")
            config = yaml.safe_load((REPOSITORY / "kind-config.yaml").read_text())
            config["networking"] = {"ipFamily": ip_family.lower()}
            file = self.layout.run / "kind-config.yaml"
            file.write_text(yaml.safe_dump(config))
            self._kind(
                "create",
                "cluster",
                "--config",
                str(file),
                "--kubeconfig",
                str(self.kubeconfig),
                "--wait",
                "120s",
            )
        self._set_dns_ttl(dns_ttl)
        write_state(self.layout, {"provider": self.kind, "dns_ttl": dns_ttl})

    def down(self) -> None:
        self._kind("delete", "cluster", "--kubeconfig", str(self.kubeconfig))
        shutil.rmtree(self.layout.run, ignore_errors=True)

    def load(self, archives: Sequence[Path]) -> None:
        for archive in archives:
            self._kind("load", "image-archive", str(archive))

    def inside(self, argv: Sequence[str]) -> list[str]:
        return list(argv)

    def pids(self) -> dict[str, int]:
        return {}

    def log(self, component: str) -> Path:
        """The logs of one node, exported: kind's components are containers there."""
        folder = self.layout.run / "logs"
        self._kind("export", "logs", str(folder))
        found = sorted(folder.rglob(f"*{component}*.log"))
        if not found:
            raise UnsupportedError(f"no log of {component} in {folder}")
        return found[0]

    def _is_finished(self) -> bool:
        listing = subprocess.run(["kind", "get", "clusters"], capture_output=True, text=True, check=False)
        return self.layout.full_name in listing.stdout.split() and bool(read_state(self.layout))

    def _kind(self, *arguments: str) -> None:
        command = ["kind", *arguments, "--name", self.layout.full_name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")

    def _set_dns_ttl(self, dns_ttl: int) -> None:
        """Edit the Corefile that kubeadm wrote; CoreDNS reloads it by itself."""
        kubectl = [str(binary("kubectl")), "--kubeconfig", str(self.kubeconfig), "--namespace", "kube-system"]
        command = [*kubectl, "get", "configmap", "coredns", "-o", "yaml"]
        old = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        new = re.sub(r"\b(ttl|cache) \d+", rf"\1 {dns_ttl}", old)
        if new != old:
            subprocess.run([*kubectl, "replace", "-f", "-"], input=new, text=True, check=True, capture_output=True)
            subprocess.run([*kubectl, "rollout", "restart", "deployment", "coredns"], check=True, capture_output=True)
