"""The machines of a kind cluster: containers of Docker, by its command line."""

from __future__ import annotations

from dataclasses import dataclass

from .commands import run

CLUSTER_LABEL = "io.x-k8s.kind.cluster"
ROLE_LABEL = "io.x-k8s.kind.role"
NETWORK = "kind"
COLUMNS = ("{{.Names}}", "{{.State}}", f'{{{{.Label "{ROLE_LABEL}"}}}}', "{{.Networks}}")

CURES = {"created": "start", "exited": "start", "dead": "start", "paused": "unpause"}
# What Docker gave it, and what kind's entrypoint wrote into Kubernetes' files when the container started.
ADDRESSES = {"IPv4": ("IPAddress", "/kind/old-ipv4"), "IPv6": ("GlobalIPv6Address", "/kind/old-ipv6")}


@dataclass(frozen=True)
class Container:
    """A machine, as `docker ps` shows it."""

    name: str
    state: str
    role: str
    networks: frozenset[str]

    @property
    def is_connected(self) -> bool:
        return NETWORK in self.networks

    @property
    def is_well(self) -> bool:
        return self.state == "running" and self.is_connected

    @property
    def told(self) -> str:
        return self.state if self.is_connected else f"{self.state}, cut off from the network"


def machines_of(cluster: str) -> list[Container]:
    """Also those that do not run; the control plane first, because the others need it."""
    label = f"label={CLUSTER_LABEL}={cluster}"
    listing = docker("ps", "--all", "--filter", label, "--format", "\t".join(COLUMNS))
    rows = (line.split("\t") for line in listing.splitlines())
    found = [
        Container(name, state, role, frozenset(filter(None, networks.split(","))))
        for name, state, role, networks in rows
    ]
    return sorted(found, key=lambda container: (container.role, container.name))


@dataclass(frozen=True)
class Outage:
    """What can happen to one machine of several: it is cut off, hangs, or loses its power; and it comes back."""

    machine: Container
    ip_family: str

    def cut(self) -> None:
        docker("network", "disconnect", NETWORK, self.machine.name)

    def kill(self) -> None:
        docker("kill", self.machine.name)

    def freeze(self) -> None:
        docker("pause", self.machine.name)

    def back(self) -> None:
        """End whatever happened to it: plug it in, let it go on, switch it on."""
        name, cure, was_cut = self.machine.name, CURES.get(self.machine.state), not self.machine.is_connected
        if was_cut:
            docker("network", "connect", NETWORK, name)
        if cure:
            docker(cure, name)
        if was_cut and cure != "start" and self._has_moved():
            # Kubernetes on it learns of another address only when it starts.
            docker("restart", name)

    def _has_moved(self) -> bool:
        field, remembered = ADDRESSES[self.ip_family]
        path = f"{{{{.NetworkSettings.Networks.{NETWORK}.{field}}}}}"
        now = docker("inspect", "--format", path, self.machine.name)
        return now.strip() != docker("exec", self.machine.name, "cat", remembered).strip()


def docker(*arguments: str) -> str:
    return run("docker", *arguments)
