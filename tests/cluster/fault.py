"""Faults of machines, pods and the network, and their cure."""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import processes
from .embedded import Embedded
from .machine import machines
from .provider import Outage, Provider
from .state import UnsupportedError

TABLE = "elixircluster_fault"
# Direct traffic between two pods crosses the bridge; what goes through a Service is routed.
FAMILIES = ("bridge", "inet")

Pods = str | Sequence[str]


class Faults:
    """What can go wrong, by name. A pod is NAME, NAMESPACE/NAME or, for the network, an address."""

    def __init__(self, provider: Provider, kubectl: Callable[..., str]) -> None:
        self._provider = provider
        self._kubectl = kubectl

    def partition(self, left: Pods, right: Pods) -> None:
        """Cut every pod on the left from every pod on the right, both ways; cuts add up."""
        pairs = [(a, b) for a in self._addresses(left) for b in self._addresses(right)]
        self._nft("\n".join(_cuts(pairs)))

    def heal(self) -> None:
        """Undo every partition."""
        self._nft("\n".join(f"add table {family} {TABLE}\ndelete table {family} {TABLE}" for family in FAMILIES))

    def freeze(self, pod: str) -> None:
        """Stop every process of the pod as a hanging machine would; the kubelet still sees it run."""
        self._signal(pod, signal.SIGSTOP)

    def thaw(self, pod: str) -> None:
        self._signal(pod, signal.SIGCONT)

    def machine_cut(self, name: str) -> None:
        """Pull the cable of a machine (`node1`): what runs there goes on, cut off from everybody else."""
        self._outage(name).cut()

    def machine_kill(self, name: str) -> None:
        """Take a machine's power away."""
        self._outage(name).kill()

    def machine_freeze(self, name: str) -> None:
        """Stop every process of a machine: its kubelet, its containerd and all its pods."""
        self._outage(name).freeze()

    def machine_back(self, name: str) -> None:
        """End a machine's outage, whichever it was; it may be some seconds until its Node is Ready."""
        self._outage(name).back()

    def dns_stop(self) -> None:
        self._embedded.stop("coredns")

    def dns_start(self) -> None:
        self._embedded.start("coredns")

    def api_stop(self) -> None:
        """Kill the API server; etcd, kubelet and pods go on."""
        self._embedded.stop("apiserver")

    def api_start(self) -> None:
        """Start the API server and wait until it is ready."""
        self._embedded.start("apiserver")

    @property
    def _embedded(self) -> Embedded:
        if not isinstance(self._provider, Embedded):
            raise UnsupportedError("only the embedded cluster has faults of pods, DNS and the API server")
        return self._provider

    def _outage(self, name: str) -> Outage:
        return self._provider.outage(name)

    def _addresses(self, pods: Pods) -> Iterator[str]:
        for pod in [pods] if isinstance(pods, str) else pods:
            try:
                yield str(ipaddress.ip_address(pod))
            except ValueError:
                yield self._pod(pod)["status"]["podIP"]

    def _pod(self, pod: str) -> dict[str, Any]:
        namespace, _, name = pod.rpartition("/")
        answer = self._kubectl("get", "pod", name, "-n", namespace or "default", "-o", "json")
        found: dict[str, Any] = json.loads(answer)
        return found

    def _nft(self, script: str) -> None:
        """Everywhere: two pods on one machine meet on its bridge only."""
        running = self._embedded.pids()
        for holder in sorted({machine.holder for machine in machines(self._embedded.layout)} & running.keys()):
            subprocess.run(self._embedded.inside(["nft", "-f", "-"], holder), input=script, text=True, check=True)

    def _signal(self, pod: str, number: int) -> None:
        found = pod_pids(self._embedded, self._pod(pod)["metadata"]["uid"])
        if not found:
            raise LookupError(f"pod {pod} has no process")
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def pod_pids(provider: Embedded, uid: str) -> set[int]:
    """The processes of a pod's containers, as this machine numbers them, without the sandbox's."""
    pids = set(processes.cgroup_pids(provider.layout.cgroup, f"/pod{uid}"))
    return {pid for pid in pids if _command(pid) != "pause"}


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _cuts(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    for family in FAMILIES:
        yield f"add table {family} {TABLE}"
        yield f"add chain {family} {TABLE} forward {{ type filter hook forward priority -300; }}"
        for a, b in pairs:
            word = "ip6" if ":" in a else "ip"
            yield f"add rule {family} {TABLE} forward {word} saddr {a} {word} daddr {b} drop"
            yield f"add rule {family} {TABLE} forward {word} saddr {b} {word} daddr {a} drop"
