"""The operating system's programs that the embedded cluster runs on."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .console import progress

# A file or a command, and the Debian package that has it.
NEEDED = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "ip": "iproute2",
    "nft": "nftables",
    "conntrack": "conntrack",
    "iptables": "iptables",
    "sysctl": "procps",
    "nsenter": "util-linux",
    "setsid": "util-linux",
    "busybox": "busybox-static",
    "cc": "gcc",
    "/usr/include/stdio.h": "libc6-dev",
}
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class MissingPackagesError(RuntimeError):
    """Something must be installed, and it is not for us to do."""


def extend_path() -> None:
    """A user's PATH often lacks the sbin folders, where half of these programs are."""
    os.environ["PATH"] = os.environ.get("PATH", "") + ":" + _SYSTEM_PATH


def missing(needed: Mapping[str, str] = NEEDED) -> list[str]:
    """The packages to install, without asking dpkg: other sources of the same programs are fine."""
    extend_path()
    return sorted({package for what, package in needed.items() if shutil.which(what) is None and not _exists(what)})


def _exists(what: str) -> bool:
    return what.startswith("/") and any(Path("/").glob(what.lstrip("/")))


def ensure(needed: Mapping[str, str] = NEEDED) -> None:
    """Install what is missing when that is possible here; say what to do when it is not."""
    if not (packages := missing(needed)):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise MissingPackagesError(f"these packages are needed: {' '.join(packages)}")
    with _one_at_a_time():
        packages = missing(needed)
        if packages:
            # Also where there are lists: mirrors keep no package that old ones name.
            _apt("reading package lists", "update")
            _apt(f"installing {' '.join(packages)}", "install", "-y", "--no-install-recommends", *packages)
    if still := missing(needed):
        raise MissingPackagesError(f"apt-get installed, but these are still missing: {' '.join(still)}")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    # Several clusters come up at once, and apt-get does not wait for who reads the lists.
    with (Path(tempfile.gettempdir()) / "elixircluster-packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _apt(title: str, *arguments: str) -> None:
    # RUNLEVEL=1 keeps Debian from starting the containerd service, which is not ours.
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", *arguments]
    with progress(title) as at:
        process = subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        lines: list[str] = []
        for line in process.stdout or ():
            lines.append(line)
            at(len(lines))
        if process.wait():
            raise MissingPackagesError(f"apt-get {arguments[0]} failed:\n{''.join(lines[-15:])}")
