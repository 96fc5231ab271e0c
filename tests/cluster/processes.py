"""The processes of one cluster: starting them as daemons, finding them all again, ending them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from .layout import HOLDER, Layout

MARK = "ELIXIRCLUSTER_RUN"

T = TypeVar("T")


def start(layout: Layout, name: str, argv: Sequence[str | Path], keep: Sequence[int] = (), holder: str = HOLDER) -> int:
    """Start a daemon that outlives us, inside the holder's namespaces; return its pid.

    The file descriptors in `keep` are handed on to it.
    """
    return _daemon(layout, name, [*enter(layout, holder=holder), *map(str, argv)], keep)


def start_holder(layout: Layout, setup: str, holder: str = HOLDER) -> int:
    """Start the process that keeps a network and a mount namespace alive: the control plane's, or a machine's."""
    script = f"set -e\n{setup}\necho ready\nexec sleep infinity"
    unshare = ["unshare", "--net", "--mount", "--propagation", "private", "--"]
    log = layout.logs / f"{holder}.log"
    log.write_text("")  # it may have been started before
    pid = _daemon(layout, holder, [*unshare, "sh", "-c", script])
    wait_for(lambda: log.read_text().endswith("ready\n") or not alive(pid), 10, f"the namespaces of {holder}")
    if not alive(pid):
        raise RuntimeError(f"cannot make the namespaces of {holder}: {log.read_text().strip()}")
    return pid


def enter(layout: Layout, mounts: bool = True, holder: str = HOLDER) -> list[str]:
    """The argv prefix that runs a program in a holder's network (and mount) namespace."""
    pid = pid_of(layout, holder)
    if pid is None:
        raise RuntimeError(f"cluster {layout.name} is not up, or {holder} in it")
    # `ip netns exec` would remount /sys, and the kubelet then finds no cgroups.
    prefix = ["nsenter", f"--net=/proc/{pid}/ns/net"]
    return [*prefix, *([f"--mount=/proc/{pid}/ns/mnt"] if mounts else []), "--"]


def _daemon(layout: Layout, name: str, argv: Sequence[str], keep: Sequence[int] = ()) -> int:
    """Double fork through setsid, so that no process of ours is ever our zombie."""
    pid_file, log = layout.pid_files / name, layout.logs / f"{name}.log"
    pid_file.unlink(missing_ok=True)
    script = 'echo $$ >"$0.new" && mv "$0.new" "$0" && log=$1 && shift && exec "$@" >>"$log" 2>&1 </dev/null'
    environment = {k: v for k, v in os.environ.items() if k not in ("KUBECONFIG", "NOTIFY_SOCKET")}
    subprocess.run(
        ["setsid", "--fork", "sh", "-c", script, pid_file, log, *argv],
        env=environment | {MARK: str(layout.run)},
        cwd=layout.run,
        pass_fds=keep,
        check=True,
    )
    wait_for(pid_file.exists, 5, f"{name} to start")
    return int(pid_file.read_text())


def pids(layout: Layout) -> dict[str, int]:
    """The components that run now, by name."""
    names = sorted(file.name for file in layout.pid_files.glob("*") if file.suffix != ".new")
    found = ((name, pid_of(layout, name)) for name in names)
    return {name: pid for name, pid in found if pid is not None}


def pid_of(layout: Layout, name: str) -> int | None:
    """The pid of a component, if it is alive and really is ours: pids are used again."""
    try:
        pid = int((layout.pid_files / name).read_text())
    except (OSError, ValueError):
        return None
    return pid if alive(pid) and _is_marked(pid, layout) else None


def stop(layout: Layout, name: str) -> None:
    """End one component at once; everything here can be killed without loss."""
    if pid := pid_of(layout, name):
        kill([pid])


def kill(victims: Iterable[int]) -> None:
    """Kill and wait until they are gone (or zombies of somebody else)."""
    remaining = set(victims)
    for pid in remaining:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(map(alive, remaining)), 10, f"processes {sorted(remaining)} to end")


def kill_everything(layout: Layout) -> int:
    """Kill daemons, shims, containers and whoever entered the namespaces; return how many there were."""
    killed: set[int] = set()
    # A shim may be starting a container while we look, so look until there is nobody left.
    while found := set(members(layout)):
        kill(found)
        killed |= found
    return len(killed)


def members(layout: Layout) -> Iterator[int]:
    """Every process that belongs to the cluster, by mark, by namespace or by cgroup."""
    marked = [pid for pid in _all_pids() if _is_marked(pid, layout)]
    # `sudo -E`, or a shell that somebody opened from a marked one, must not end its own ancestors.
    spared = set(_ancestors(os.getpid()))
    found = set(marked) | set(cgroup_pids(layout.cgroup)) | _in_namespaces_of(marked)
    return (pid for pid in found - spared if alive(pid))


def inhabitants(layout: Layout, holder: str, cgroup: str) -> set[int]:
    """Every process in a holder's namespaces or in the cgroup of its pods, the holder among them."""
    pid = pid_of(layout, holder)
    found = set(cgroup_pids(cgroup)) | _in_namespaces_of([pid] if pid else [])
    return {pid for pid in found - {os.getpid()} if alive(pid)}


def _in_namespaces_of(pids: Iterable[int]) -> set[int]:
    """Who shares a namespace with one of `pids` that is not the machine's own."""
    own = {_namespace(pid, kind) for pid in (os.getpid(), 1) for kind in ("net", "mnt")}
    spaces = {_namespace(pid, kind) for pid in pids for kind in ("net", "mnt")} - own - {None}
    return {pid for pid in _all_pids() if spaces & {_namespace(pid, "net"), _namespace(pid, "mnt")}}


def cgroups(path: str) -> list[Path]:
    """A cgroup in each hierarchy (version 1), or the only one (version 2)."""
    root, below = Path("/sys/fs/cgroup"), path.lstrip("/")
    return [p for p in [root / below, *root.glob(f"*/{below}")] if p.is_dir()]


def make_cgroups(path: str) -> None:
    """The kubelet wants the root of its cgroups to be there, in every hierarchy."""
    root, below = Path("/sys/fs/cgroup"), path.lstrip("/")
    if (root / "cgroup.controllers").exists():
        (root / below).mkdir(parents=True, exist_ok=True)
        for above in reversed((root / below).relative_to(root).parents):
            _hand_down(root / above)
        return
    for hierarchy in root.iterdir():
        if (hierarchy / "cgroup.procs").exists() and not hierarchy.is_symlink():
            (hierarchy / below).mkdir(parents=True, exist_ok=True)


def _hand_down(cgroup: Path) -> None:
    for controller in (cgroup / "cgroup.controllers").read_text().split():
        with suppress(OSError):  # some cannot be handed down; the kubelet names those that it misses
            (cgroup / "cgroup.subtree_control").write_text(f"+{controller}")


def remove_cgroups(path: str) -> None:
    for cgroup in cgroups(path):
        wait_for(lambda: _removed(cgroup), 10, f"the processes of {cgroup} to be reaped")  # noqa: B023


def _removed(cgroup: Path) -> bool:
    with suppress(OSError):
        for folder, _, _ in os.walk(cgroup, topdown=False):
            os.rmdir(folder)
    return not cgroup.exists()


def cgroup_pids(path: str, below: str = "") -> Iterator[int]:
    """The processes in a cgroup and in those below it whose path contains `below`."""
    for cgroup in cgroups(path):
        # os.walk, not a glob: folders disappear while we look.
        for folder, _, _ in os.walk(cgroup):
            if below in folder:
                with suppress(OSError):
                    yield from map(int, Path(folder, "cgroup.procs").read_text().split())


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def wait_for(condition: Callable[[], T], seconds: float, what: str, step: float = 0.02) -> T:
    """Poll until `condition()` is true and return its value; say what was missing when it never is."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(step)
    return value


def _is_marked(pid: int, layout: Layout) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{MARK}={layout.run}".encode() in environment.split(b"\0")


def _namespace(pid: int, kind: str) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return None


def _all_pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _ancestors(pid: int) -> Iterator[int]:
    while pid > 0:
        yield pid
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return
