"""Where one embedded cluster lives: its run folder, its names and its addresses."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path

PREFIX = "elixircluster-"
# UNIX socket paths end at 108 bytes, so this cannot be below somebody's deep TMPDIR.
RUN_ROOT = Path("/tmp")
CGROUP_ROOT = Path("/sys/fs/cgroup")
REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).resolve().parent

HOLDER = "holder"
API_PORT = 6443
MAX_PODS = 500
MAX_NODES = 16

PAUSE_IMAGE = "localhost/pause:1"
STORAGE_PROVISIONER = "elixircluster.dev/test-local"

ADDRESSES_PER_MACHINE = 1024


@dataclass(frozen=True)
class Network:
    """The addresses of a cluster, all of one family; `word` is what nftables calls it."""

    family: str
    word: str
    control_plane: str
    dns_node: str
    pods: str
    services: str
    api_service: str
    dns_service: str
    everything: str
    any_address: str  # with `::` a server listens on 127.0.0.1, too
    forwarding: str
    filtered_bridge: str

    @property
    def host_bits(self) -> int:
        return ip_address(self.control_plane).max_prefixlen

    def machine(self, number: int) -> str:
        """The address of a machine that is not the control plane's."""
        return str(ip_address(self.control_plane) + 1 + number)

    def pods_of(self, number: int) -> str:
        """The addresses of one machine's pods."""
        every, size = ip_network(self.pods), ADDRESSES_PER_MACHINE
        return f"{every[number * size]}/{self.host_bits - (size - 1).bit_length()}"


NETWORKS = {
    network.family: network
    for network in (
        Network(
            family="IPv4",
            word="ip",
            control_plane="10.201.0.1",
            dns_node="10.201.0.53",
            pods="10.202.0.0/16",
            services="10.203.0.0/24",
            api_service="10.203.0.1",
            dns_service="10.203.0.10",
            everything="0.0.0.0/0",
            any_address="0.0.0.0",
            forwarding="net.ipv4.ip_forward",
            filtered_bridge="net.bridge.bridge-nf-call-iptables",
        ),
        Network(
            family="IPv6",
            word="ip6",
            control_plane="fd00:201::1",
            dns_node="fd00:201::53",
            pods="fd00:202::/112",
            services="fd00:203::/120",
            api_service="fd00:203::1",
            dns_service="fd00:203::10",
            everything="::/0",
            any_address="::",
            forwarding="net.ipv6.conf.all.forwarding",
            filtered_bridge="net.bridge.bridge-nf-call-ip6tables",
        ),
    )
}


@dataclass(frozen=True)
class Shape:
    """What stays as it is for as long as a cluster lives."""

    ip_family: str = "IPv4"
    nodes: int = 1
    kubernetes: str = ""
    """Its minor version (1.34), where that is not the newest."""

    @property
    def program(self) -> str:
        """What Kubernetes is built as."""
        return f"kube-{self.kubernetes}" if self.kubernetes else "kube"

    @property
    def told(self) -> str:
        machines = f"{self.nodes} node{'s' if self.nodes > 1 else ''}"
        return f"{self.ip_family}, {machines} and Kubernetes {self.kubernetes or 'as it is built by default'}"


_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")


@dataclass(frozen=True)
class Layout:
    """The files and names of the cluster called `name`; nothing of it lies anywhere else."""

    name: str

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise ValueError(f"cluster name {self.name!r}: use up to 20 of a-z, 0-9 and -, as in 'dev-2'")

    @property
    def full_name(self) -> str:
        return PREFIX + self.name

    @property
    def run(self) -> Path:
        return RUN_ROOT / self.full_name

    @property
    def pki(self) -> Path:
        return self.run / "pki"

    @property
    def logs(self) -> Path:
        return self.run / "log"

    @property
    def pid_files(self) -> Path:
        return self.run / "pid"

    @property
    def volumes(self) -> Path:
        return self.run / "volumes"

    @property
    def audit_log(self) -> Path:
        return self.run / "audit.log"

    @property
    def kubeconfig(self) -> Path:
        """For a client on this machine, outside of the cluster's network namespace."""
        return self.run / "kubeconfig"

    @property
    def maker(self) -> Path:
        """Written first by `up`: the provider whose cluster this is, finished or not."""
        return self.run / "maker"

    @property
    def state(self) -> Path:
        """Written last by `up`: a cluster without it was never finished."""
        return self.run / "state.json"

    @property
    def cgroup(self) -> str:
        return "/" + self.full_name

    @property
    def shape(self) -> Shape:
        """What `up` was asked for."""
        return Shape(**json.loads(self._shape.read_text())) if self._shape.exists() else Shape()

    def write_shape(self, shape: Shape) -> None:
        """The first thing that `up` does."""
        self._shape.write_text(json.dumps(asdict(shape)))

    @property
    def _shape(self) -> Path:
        return self.run / "shape.json"

    @property
    def network(self) -> Network:
        """The cluster's addresses."""
        return NETWORKS[self.shape.ip_family]

    def user_config(self, user: str) -> Path:
        """The kubeconfig of one program inside of the namespace."""
        return self.pki / f"{user}.conf"


def in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def known_names() -> list[str]:
    """Every cluster that left a run folder or a cgroup, finished or not."""
    root = CGROUP_ROOT
    folders = [run for run in RUN_ROOT.glob(PREFIX + "*") if _is_run_folder(run)]
    cgroups = [path for path in (*root.glob(PREFIX + "*"), *root.glob(f"*/{PREFIX}*")) if path.is_dir()]
    names = {path.name.removeprefix(PREFIX) for path in (*folders, *cgroups)}
    return sorted(filter(is_name, names))


def is_name(name: str) -> bool:
    """Whether a cluster can be called so."""
    return _NAME.fullmatch(name) is not None


def _is_run_folder(path: Path) -> bool:
    """Somebody else's folder may have such a name too, and `down --all` removes what is found here."""
    return any((path / content).exists() for content in ("maker", "pki", "kubeconfig", "state.json"))
