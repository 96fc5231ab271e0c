"""One machine of an embedded cluster: its names, its files and its addresses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .layout import HOLDER, Layout

ZONES = "abc"


@dataclass(frozen=True)
class Machine:
    """A Kubernetes Node. Alone it shares namespaces with the control plane; one of several has its own."""

    layout: Layout
    number: int

    @property
    def name(self) -> str:
        return f"node{self.number}"

    @property
    def alone(self) -> bool:
        return self.layout.shape.nodes == 1

    def component(self, name: str) -> str:
        """What a program of this machine is called among all of the cluster's."""
        return name if self.alone else f"{name}-{self.name}"

    @property
    def holder(self) -> str:
        """The process that keeps the machine's namespaces alive."""
        return self.component(HOLDER)

    @property
    def user(self) -> str:
        """Who its kubelet is to the API server."""
        return self.component("kubelet")

    @property
    def labels(self) -> dict[str, str]:
        return {} if self.alone else {"topology.kubernetes.io/zone": f"zone-{ZONES[self.number % len(ZONES)]}"}

    @property
    def run(self) -> Path:
        """Its disk: what is here survives a power cut."""
        return self.layout.run / self.name

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd.sock"

    @property
    def cgroup(self) -> str:
        return f"{self.layout.cgroup}/{self.name}"

    @property
    def address(self) -> str:
        network = self.layout.network
        return network.control_plane if self.alone else network.machine(self.number)

    @property
    def pods(self) -> str:
        """The addresses of its pods."""
        return self.layout.network.pods_of(self.number)


def machines(layout: Layout) -> list[Machine]:
    return [Machine(layout, number) for number in range(layout.shape.nodes)]


def named(layout: Layout, name: str) -> Machine:
    found = {machine.name: machine for machine in machines(layout)}
    if name not in found:
        raise LookupError(f"machine {name!r}: cluster {layout.name} has {', '.join(found)}")
    return found[name]
