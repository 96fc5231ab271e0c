"""Where one embedded cluster lives: its run folder, its names and its addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PREFIX = "elixircluster-"
# UNIX socket paths end at 108 bytes, so this cannot be below somebody's deep TMPDIR.
RUN_ROOT = Path("/tmp")
REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).resolve().parent

NODE_NAME = "node0"
NODE_IP = "10.201.0.1"
DNS_NODE_IP = "10.201.0.53"
POD_CIDR = "10.202.0.0/22"
SERVICE_CIDR = "10.203.0.0/24"
API_SERVICE_IP = "10.203.0.1"
DNS_SERVICE_IP = "10.203.0.10"
API_PORT = 6443
MAX_PODS = 500

PAUSE_IMAGE = "localhost/pause:1"
STORAGE_PROVISIONER = "elixircluster.dev/test-local"

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")


@dataclass(frozen=True)
class Layout:
    """The files and names of the cluster called `name`; nothing of it lies anywhere else."""

    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
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
    def containerd(self) -> Path:
        return self.run / "containerd"

    @property
    def containerd_socket(self) -> Path:
        return self.containerd / "containerd.sock"

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
    def state(self) -> Path:
        """Written last by `up`: a cluster without it was never finished."""
        return self.run / "state.json"

    @property
    def cgroup(self) -> str:
        return "/" + self.full_name

    def user_config(self, user: str) -> Path:
        """The kubeconfig of one program inside of the namespace."""
        return self.pki / f"{user}.conf"


def known_names() -> list[str]:
    """Every cluster that left a run folder or a cgroup, finished or not."""
    root = Path("/sys/fs/cgroup")
    folders = [run for run in RUN_ROOT.glob(PREFIX + "*") if _is_run_folder(run)]
    cgroups = [path for path in (*root.glob(PREFIX + "*"), *root.glob(f"*/{PREFIX}*")) if path.is_dir()]
    names = {path.name.removeprefix(PREFIX) for path in (*folders, *cgroups)}
    return sorted(name for name in names if _NAME.fullmatch(name))


def _is_run_folder(path: Path) -> bool:
    """Somebody else's folder may have such a name too, and `down --all` removes what is found here."""
    return any((path / content).exists() for content in ("pki", "kubeconfig", "state.json"))
