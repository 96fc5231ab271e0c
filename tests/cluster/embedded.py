"""The embedded provider: real Kubernetes nodes in namespaces of their own, without Docker."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from . import components, images, namespaces, packages, pki, processes, settings
from .build import binary, newest_kubernetes
from .console import say
from .layout import API_PORT, HOLDER, MAX_NODES, SOURCES, Layout, Shape, in_url
from .machine import Machine, machines, named
from .outage import Outage
from .state import read_state, write_state

FORWARDER = "forwarder"
MACHINE_LIMITS = {"max_user_instances": 1024, "max_user_watches": 524288}


class Embedded:
    """See docs/testing-cluster.md for what is inside."""

    kind = "embedded"

    def __init__(self, name: str) -> None:
        self.layout = Layout(name)

    @property
    def kubeconfig(self) -> Path:
        return self.layout.kubeconfig

    @property
    def kubeconfig_inside(self) -> Path:
        return self.layout.user_config("admin")

    @property
    def audit_log(self) -> Path | None:
        return self.layout.audit_log

    def up(self, dns_ttl: int, ip_family: str = "IPv4", nodes: int = 1, kubernetes: str = "") -> None:
        """Bring the cluster up, or back to health, or find that it is."""
        if not 1 <= nodes <= MAX_NODES:
            raise ValueError(f"{nodes} nodes: an embedded cluster has 1 to {MAX_NODES}")
        if os.geteuid() != 0:
            raise PermissionError("the embedded cluster makes network namespaces and cgroups: run it as root")
        packages.ensure()
        # Built before the lock is taken: a build takes minutes.
        shape = Shape(ip_family, nodes, "" if kubernetes == newest_kubernetes() else kubernetes)
        for program in (shape.program, "coredns"):
            binary(program)
        with only_one(self.layout):
            if read_state(self.layout) and HOLDER in self.pids():
                if (there := self.layout.shape) != shape:
                    raise RuntimeError(f"cluster {self.layout.name} is up with {there.told}; take it down")
                self._revive()
                self._set_dns_ttl(dns_ttl)
                return
            self._clean()
            started = time.monotonic()
            try:
                self._create(dns_ttl, shape)
            except BaseException:
                # The logs stay until the next command, the processes do not.
                self._end()
                raise
            say(f"cluster {self.layout.name} is up after {time.monotonic() - started:.1f} s")

    def down(self) -> None:
        packages.extend_path()
        with only_one(self.layout):
            self._clean()

    def pids(self) -> dict[str, int]:
        return processes.pids(self.layout)

    def parts(self) -> dict[str, str]:
        return {component: str(pid) for component, pid in self.pids().items()}

    def log(self, component: str) -> Path:
        return self.layout.logs / f"{component}.log"

    def inside(self, argv: Sequence[str], holder: str = HOLDER) -> list[str]:
        return [*processes.enter(self.layout, mounts=False, holder=holder), *argv]

    def machine(self, name: str) -> Machine:
        return named(self.layout, name)

    def outage(self, name: str) -> Outage:
        """What can happen to a machine."""
        return Outage(self, self.machine(name))

    def load(self, archives: Sequence[Path], nodes: Sequence[str] | None = None) -> None:
        """Import OCI or Docker archives, side by side: unpacking is the slow part."""
        targets = machines(self.layout) if nodes is None else [self.machine(name) for name in nodes]
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(lambda pair: self._import(*pair), product(targets, archives)))

    def start(self, component: str) -> None:
        """Start a component that was stopped; wait for the two that others depend on."""
        components.start(self.layout, components.named(self.layout, component))
        if component == "apiserver":
            self._wait_for_component(component, lambda: self._get("/readyz"), 60)
        elif component == "coredns":
            self._wait_for_component(component, self._dns_is_ready, 30)

    def stop(self, component: str) -> None:
        processes.stop(self.layout, component)

    def boot(self, machine: Machine) -> None:
        """Switch on one machine of several, with the disk that it has."""
        self._furnish(machine)
        containerd, *others = components.of_machine(machine)
        components.start(self.layout, containerd)
        processes.wait_for(lambda: _answers(machine), 20, containerd.name)
        for component in others:
            components.start(self.layout, component)

    def _furnish(self, machine: Machine) -> None:
        processes.make_cgroups(machine.cgroup)
        if not machine.alone:
            router = self.pids()[HOLDER]
            processes.start_holder(self.layout, namespaces.one_of_several(machine, router), machine.holder)

    def _import(self, machine: Machine, file: Path) -> None:
        command = ["ctr", "--address", str(machine.containerd_socket), "--namespace", "k8s.io"]
        done = subprocess.run([*command, "images", "import", str(file)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"cannot load {file} on {machine.name}: {done.stderr.strip()}")

    def _create(self, dns_ttl: int, shape: Shape) -> None:
        layout = self.layout
        raise_limits()
        layout.run.mkdir(mode=0o700)
        layout.maker.write_text(self.kind)
        layout.write_shape(shape)
        for folder in (layout.pki, layout.logs, layout.pid_files, layout.volumes):
            folder.mkdir()
        settings.write_all(layout, dns_ttl)
        pki.create(layout)
        processes.start_holder(layout, namespaces.control_plane(layout))
        everyone = machines(layout)
        for machine in everyone:
            self._furnish(machine)
        for component in components.all_of(layout):
            if component.program in components.FOUNDATION:
                components.start(layout, component)
        port = self._start_forwarder(0)
        pki.write_kubeconfig(layout, "admin", layout.kubeconfig, f"127.0.0.1:{port}")
        for machine in everyone:
            processes.wait_for(partial(_answers, machine), 20, machine.component("containerd"))
        self.load([images.pause()])
        self._wait_for_component("apiserver", lambda: self._get("/readyz"), 60)
        for component in components.all_of(layout):
            components.start(layout, component)
        self._apply_base()
        for machine in everyone:
            self._wait_for_component(machine.component("kubelet"), partial(self._is_ready, machine), 60)
        self._wait_for_component("controllers", self._has_service_account, 30)
        self._wait_for_component("coredns", self._dns_is_ready, 30)
        write_state(layout, {"dns_ttl": dns_ttl, "port": port})

    def _revive(self) -> None:
        """Start what ended, or was stopped by a fault and forgotten; the data is all there."""
        for machine in machines(self.layout):
            if not machine.alone:
                self.outage(machine.name).back()
        running = self.pids()
        if FORWARDER not in running:
            self._start_forwarder(read_state(self.layout)["port"])
        for component in components.all_of(self.layout):
            if component.name not in running:
                say(f"starting {component.name} again")
                self.start(component.name)

    def _start_forwarder(self, port: int) -> int:
        with socket.create_server(("127.0.0.1", port), backlog=128) as listener:
            program = [sys.executable, str(SOURCES / "forwarder.py"), str(listener.fileno()), str(API_PORT)]
            processes.start(self.layout, FORWARDER, program, keep=[listener.fileno()])
            return int(listener.getsockname()[1])

    def _apply_base(self) -> None:
        command = [
            str(binary("kubectl")),
            "--kubeconfig",
            str(self.kubeconfig),
            "apply",
            "--server-side",
            "-f",
        ]
        subprocess.run([*command, str(self.layout.run / "base.yaml")], check=True, capture_output=True)

    def _set_dns_ttl(self, dns_ttl: int) -> None:
        state = read_state(self.layout)
        if state["dns_ttl"] != dns_ttl:
            settings.write_corefile(self.layout, dns_ttl)
            self.stop("coredns")
            self.start("coredns")
            write_state(self.layout, state | {"dns_ttl": dns_ttl})

    def _clean(self) -> None:
        """Leave nothing of the cluster, in whatever state it was left itself."""
        self._end()
        # A second look, because a process may have made a file while the first one went through.
        shutil.rmtree(self.layout.run, ignore_errors=True)
        if self.layout.run.exists():
            shutil.rmtree(self.layout.run)

    def _end(self) -> None:
        processes.kill_everything(self.layout)
        # The mounts and the network went with the last process of their namespaces.
        processes.remove_cgroups(self.layout.cgroup)

    def _wait_for_component(self, name: str, condition: Callable[[], object], seconds: float) -> None:
        def done_or_dead() -> bool:
            return bool(condition()) or processes.pid_of(self.layout, name) is None

        processes.wait_for(done_or_dead, seconds, f"{name} (see {self.log(name)})")
        if processes.pid_of(self.layout, name) is None:
            last = "\n".join(self.log(name).read_text().splitlines()[-10:])
            raise RuntimeError(f"{name} ended while the cluster came up:\n{last}")

    def _get(self, path: str) -> dict[str, Any] | None:
        """One GET as admin; None when there is no good answer yet."""
        config = yaml.safe_load(self.kubeconfig.read_text())
        context = ssl.create_default_context(cafile=str(self.layout.pki / "ca.crt"))
        context.load_cert_chain(self.layout.pki / "admin.crt", self.layout.pki / "admin.key")
        url = config["clusters"][0]["cluster"]["server"] + path
        with suppress(OSError), urllib.request.urlopen(url, context=context, timeout=5) as answer:
            body = answer.read()
            return json.loads(body) if body.startswith(b"{") else {"text": body.decode()}
        return None

    def _is_ready(self, machine: Machine) -> bool:
        node = self._get(f"/api/v1/nodes/{machine.name}") or {}
        conditions = node.get("status", {}).get("conditions", [])
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def _has_service_account(self) -> bool:
        return self._get("/api/v1/namespaces/default/serviceaccounts/default") is not None

    def _dns_is_ready(self) -> bool:
        host = in_url(self.layout.network.dns_node)
        probe = f"import urllib.request; urllib.request.urlopen('http://{host}:8181/ready', timeout=1)"
        done = subprocess.run(self.inside([sys.executable, "-c", probe]), capture_output=True, check=False)
        return done.returncode == 0


def _answers(machine: Machine) -> bool:
    """Whether the machine's containerd does."""
    with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
        client.connect(str(machine.containerd_socket))
        return True
    return False


def raise_limits() -> None:
    """A few clusters need more inotify instances than a machine gives a user; only ever upwards."""
    for name, wanted in MACHINE_LIMITS.items():
        file = Path("/proc/sys/fs/inotify") / name
        if int(file.read_text()) < wanted:
            with suppress(OSError):  # not ours to set in some containers; it may do as it is
                file.write_text(str(wanted))
                say(f"set fs.inotify.{name} to {wanted}")


@contextmanager
def only_one(layout: Layout) -> Iterator[None]:
    """One `up` or `down` of a cluster at a time; an abstract socket leaves no file and no stale lock."""
    with socket.socket(socket.AF_UNIX) as lock:
        processes.wait_for(lambda: _bind(lock, layout), 600, f"another command on cluster {layout.name}", 0.1)
        yield


def _bind(lock: socket.socket, layout: Layout) -> bool:
    try:
        lock.bind(f"\0{layout.full_name}")
    except OSError:
        return False
    return True
