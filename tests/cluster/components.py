"""The programs of an embedded cluster: how each is started, in which order."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from . import processes
from .build import binary
from .layout import API_PORT, NODE_NAME, REPOSITORY, Layout

_ETCD = "http://127.0.0.1:2379"
_FAST_CLIENT = ["--kube-api-qps", "300", "--kube-api-burst", "600"]


def etcd(layout: Layout) -> list[str | Path]:
    return [
        binary("kube"),
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
        binary("kube"),
        "kube-apiserver",
        *("--etcd-servers", _ETCD),
        *("--service-cluster-ip-range", layout.network.services),
        *("--secure-port", str(API_PORT)),
        *("--advertise-address", layout.network.node),
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
        "--allow-privileged",
    ]


def controllers(layout: Layout) -> list[str | Path]:
    config = layout.user_config("controllers")
    return [
        binary("kube"),
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
    return [binary("kube"), "kube-scheduler", *_authenticated_by(layout.user_config("scheduler"))]


def _authenticated_by(config: Path) -> list[str | Path]:
    flags = ["--kubeconfig", "--authentication-kubeconfig", "--authorization-kubeconfig"]
    given = [part for flag in flags for part in (flag, config)]
    return [*given, "--leader-elect=false", "--bind-address", "127.0.0.1", *_FAST_CLIENT]


def containerd(layout: Layout) -> list[str | Path]:
    return ["containerd", "-c", layout.run / "containerd.toml"]


def kubelet(layout: Layout) -> list[str | Path]:
    return [
        binary("kube"),
        "kubelet",
        *("--config", layout.run / "kubelet.yaml"),
        *("--kubeconfig", layout.user_config("kubelet")),
        *("--hostname-override", NODE_NAME),
        *("--node-ip", layout.network.node),
        *("--root-dir", layout.run / "kubelet"),
        *("--cert-dir", layout.run / "kubelet"),
    ]


def proxy(layout: Layout) -> list[str | Path]:
    return [binary("kube"), "kube-proxy", "--config", layout.run / "proxy.yaml"]


def coredns(layout: Layout) -> list[str | Path]:
    return [binary("coredns"), "-conf", layout.run / "Corefile"]


def enforcer(layout: Layout) -> list[str | Path]:
    return [*_ours("enforcer"), layout.user_config("enforcer"), layout.network.family]


def storage(layout: Layout) -> list[str | Path]:
    return [*_ours("storage"), layout.user_config("storage"), layout.volumes]


def _ours(module: str) -> list[str | Path]:
    return ["env", f"PYTHONPATH={REPOSITORY}", sys.executable, "-m", f"tests.cluster.{module}"]


Command = Callable[[Layout], list[str | Path]]

# In the order of their start. The first three need nobody, the others the API server.
FOUNDATION: dict[str, Command] = {"etcd": etcd, "apiserver": apiserver, "containerd": containerd}
REST: dict[str, Command] = {
    "kubelet": kubelet,
    "controllers": controllers,
    "scheduler": scheduler,
    "proxy": proxy,
    "coredns": coredns,
    "enforcer": enforcer,
    "storage": storage,
}
COMPONENTS = FOUNDATION | REST


def start(layout: Layout, name: str) -> int:
    """Start a component unless it runs already."""
    running = processes.pid_of(layout, name)
    return running or processes.start(layout, name, COMPONENTS[name](layout))
