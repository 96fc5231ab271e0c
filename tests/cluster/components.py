"""The programs of an embedded cluster: how each is started, in which order."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import processes
from .build import binary
from .layout import API_PORT, HOLDER, REPOSITORY, Layout
from .machine import Machine, machines

_ETCD = "http://127.0.0.1:2379"
_FAST_CLIENT = ["--kube-api-qps", "300", "--kube-api-burst", "600"]


def etcd(layout: Layout) -> list[str | Path]:
    return [
        binary(layout.shape.program),
        "etcd",
        *("--data-dir", layout.run / "etcd"),
        *("--listen-client-urls", _ETCD),
        *("--advertise-client-urls", _ETCD),
        *("--listen-peer-urls", "http://127.0.0.1:2380"),
        *("--log-level", "warn"),
        "--unsafe-no-fsync",
    ]


def apiserver(layout: Layout) -> list[str | Path]:
    pki = layout.pki
    return [
        binary(layout.shape.program),
        "kube-apiserver",
        *("--etcd-servers", _ETCD),
        *("--service-cluster-ip-range", layout.network.services),
        *("--secure-port", str(API_PORT)),
        *("--advertise-address", layout.network.control_plane),
        *("--bind-address", layout.network.any_address),
        *("--client-ca-file", pki / "ca.crt"),
        *("--tls-cert-file", pki / "apiserver.crt"),
        *("--tls-private-key-file", pki / "apiserver.key"),
        *("--service-account-key-file", pki / "sa.key"),
        *("--service-account-signing-key-file", pki / "sa.key"),
        *("--service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
        *("--authorization-mode", "Node,RBAC"),
        *("--enable-admission-plugins", "NodeRestriction"),
        *("--kubelet-client-certificate", pki / "admin.crt"),
        *("--kubelet-client-key", pki / "admin.key"),
        *("--kubelet-preferred-address-types", "InternalIP"),
        *("--requestheader-client-ca-file", pki / "ca.crt"),
        *("--requestheader-allowed-names", "front-proxy"),
        *("--requestheader-username-headers", "X-Remote-User"),
        *("--requestheader-group-headers", "X-Remote-Group"),
        *("--requestheader-extra-headers-prefix", "X-Remote-Extra-"),
        *("--proxy-client-cert-file", pki / "front-proxy.crt"),
        *("--proxy-client-key-file", pki / "front-proxy.key"),
        *("--audit-policy-file", layout.run / "audit-policy.yaml"),
        *("--audit-log-path", layout.audit_log),
        *("--audit-log-maxsize", "10000"),  # megabytes: in a new file the positions of the old one mean nothing
        "--allow-privileged",
    ]


def controllers(layout: Layout) -> list[str | Path]:
    config = layout.user_config("controllers")
    return [
        binary(layout.shape.program),
        "kube-controller-manager",
        *_authenticated_by(config),
        *("--service-account-private-key-file", layout.pki / "sa.key"),
        *("--root-ca-file", layout.pki / "ca.crt"),
        *("--cluster-signing-cert-file", layout.pki / "ca.crt"),
        *("--cluster-signing-key-file", layout.pki / "ca.key"),
        *("--cluster-cidr", layout.network.pods),
        "--use-service-account-credentials",
        "--allocate-node-cidrs=false",
    ]


def scheduler(layout: Layout) -> list[str | Path]:
    return [binary(layout.shape.program), "kube-scheduler", *_authenticated_by(layout.user_config("scheduler"))]


def _authenticated_by(config: Path) -> list[str | Path]:
    flags = ["--kubeconfig", "--authentication-kubeconfig", "--authorization-kubeconfig"]
    given = [part for flag in flags for part in (flag, config)]
    return [*given, "--leader-elect=false", "--bind-address", "127.0.0.1", *_FAST_CLIENT]


def containerd(machine: Machine) -> list[str | Path]:
    return ["containerd", "-c", machine.run / "containerd.toml"]


def kubelet(machine: Machine) -> list[str | Path]:
    return [
        binary(machine.layout.shape.program),
        "kubelet",
        *("--config", machine.run / "kubelet.yaml"),
        *("--kubeconfig", machine.layout.user_config(machine.user)),
        *("--hostname-override", machine.name),
        *("--node-ip", machine.address),
        *("--node-labels", ",".join(f"{key}={value}" for key, value in machine.labels.items())),
        *("--root-dir", machine.run / "kubelet"),
        *("--cert-dir", machine.run / "kubelet"),
    ]


def proxy(layout: Layout, folder: Path) -> list[str | Path]:
    return [binary(layout.shape.program), "kube-proxy", "--config", folder / "proxy.yaml"]


def coredns(layout: Layout) -> list[str | Path]:
    return [binary("coredns"), "-conf", layout.run / "Corefile"]


def enforcer(layout: Layout) -> list[str | Path]:
    return [*_ours("enforcer"), layout.user_config("enforcer"), layout.network.family]


def storage(layout: Layout) -> list[str | Path]:
    return [*_ours("storage"), layout.user_config("storage"), layout.volumes]


def _ours(module: str) -> list[str | Path]:
    return ["env", f"PYTHONPATH={REPOSITORY}", sys.executable, "-m", f"tests.cluster.{module}"]


@dataclass(frozen=True)
class Component:
    """One program, and in whose namespaces it runs."""

    name: str
    holder: str
    command: Callable[[], list[str | Path]]

    @property
    def program(self) -> str:
        """Its name without the machine's."""
        return self.name.partition("-")[0]


# In the order of their start. The first three need nobody, the others the API server.
FOUNDATION = ("etcd", "apiserver", "containerd")
ORDER = (*FOUNDATION, "kubelet", "controllers", "scheduler", "proxy", "coredns", "enforcer", "storage")

CONTROL_PLANE: dict[str, Callable[[Layout], list[str | Path]]] = {
    "etcd": etcd,
    "apiserver": apiserver,
    "controllers": controllers,
    "scheduler": scheduler,
    "coredns": coredns,
    "storage": storage,
}
ON_MACHINES: dict[str, Callable[[Machine], list[str | Path]]] = {
    "containerd": containerd,
    "kubelet": kubelet,
    "proxy": lambda machine: proxy(machine.layout, machine.run),
    "enforcer": lambda machine: enforcer(machine.layout),
}


def all_of(layout: Layout) -> list[Component]:
    """Every program of the cluster, in the order of their start."""
    found = [Component(name, HOLDER, partial(command, layout)) for name, command in CONTROL_PLANE.items()]
    if layout.shape.nodes > 1:
        # Without it nothing beside the machines would reach a Service.
        found.append(Component("proxy", HOLDER, partial(proxy, layout, layout.run)))
    found += [component for machine in machines(layout) for component in of_machine(machine)]
    return sorted(found, key=lambda component: ORDER.index(component.program))


def of_machine(machine: Machine) -> list[Component]:
    return [
        Component(machine.component(name), machine.holder, partial(command, machine))
        for name, command in ON_MACHINES.items()
    ]


def named(layout: Layout, name: str) -> Component:
    return next(component for component in all_of(layout) if component.name == name)


def start(layout: Layout, component: Component) -> int:
    """Start a component unless it runs already."""
    running = processes.pid_of(layout, component.name)
    return running or processes.start(layout, component.name, component.command(), holder=component.holder)
