"""The kind provider: Kubernetes in Docker, from kind-config.yaml at the root of the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .build import binary
from .commands import run, run_aloud
from .console import say
from .containers import Container, Outage, machines_of
from .layout import REPOSITORY, Layout
from .readiness import Heard, ask, not_ready
from .state import UnsupportedError, read_state, write_state

IMAGE_VARIABLE = "KIND_NODE_IMAGE"
READY_SECONDS = 180.0
LOOK_EVERY = 0.5
STEP_MARKS = " •.\n"


class Kind:
    """One kind cluster, whose name starts with elixircluster-."""

    kind = "kind"

    def __init__(self, name: str, environment: Mapping[str, str] = os.environ) -> None:
        self.layout = Layout(name)
        self._image = environment.get(IMAGE_VARIABLE, "")

    @property
    def kubeconfig(self) -> Path:
        return self.layout.kubeconfig

    @property
    def kubeconfig_inside(self) -> Path:
        return self.layout.kubeconfig

    @property
    def audit_log(self) -> Path | None:
        return None

    def up(self, dns_ttl: int, ip_family: str = "IPv4", nodes: int = 1, kubernetes: str = "") -> None:
        """Bring the cluster up, or back to health, or find that it is; machines for pods are `nodes` at least."""
        if kubernetes:
            raise UnsupportedError(f"kind takes another Kubernetes from a node image: {IMAGE_VARIABLE} names one")
        found, state = machines_of(self.layout.full_name), read_state(self.layout)
        revived = False
        if state and {machine.name for machine in found} == set(state["machines"]):
            self._refuse_another(state, ip_family, nodes)
            revived = self._revive(found, ip_family)
        else:
            state = self._create(ip_family, nodes)
        self._wait_until_ready(state["machines"], revived)
        if state.get("dns_ttl") != dns_ttl:
            self._set_dns_ttl(dns_ttl)
        write_state(self.layout, state | {"dns_ttl": dns_ttl})

    def down(self) -> None:
        self._kind("delete", "cluster", "--kubeconfig", str(self.kubeconfig))
        shutil.rmtree(self.layout.run, ignore_errors=True)

    def load(self, archives: Sequence[Path], nodes: Sequence[str] | None = None) -> None:
        chosen = [] if nodes is None else ["--nodes", ",".join(nodes)]
        self._kind("load", "image-archive", *map(str, archives), *chosen)

    def inside(self, argv: Sequence[str]) -> list[str]:
        return list(argv)

    def pids(self) -> dict[str, int]:
        return {}

    def parts(self) -> dict[str, str]:
        """Its machines, and how each of them is."""
        found = machines_of(self.layout.full_name)
        well = [machine.name for machine in found if machine.is_well]
        try:
            trouble = not_ready(well, ask(self.kubeconfig), {}) if well else {}
        except RuntimeError as error:
            trouble = dict.fromkeys(well, f"but Kubernetes does not answer: {error}")
        ready = dict.fromkeys(well, "Ready") | trouble
        return {machine.name: ", ".join(filter(None, [machine.told, ready.get(machine.name)])) for machine in found}

    def log(self, component: str) -> Path:
        """The logs of one node, exported: kind's components are containers there."""
        folder = self.layout.run / "logs"
        self._kind("export", "logs", str(folder))
        found = sorted(folder.rglob(f"*{component}*.log"))
        if not found:
            raise UnsupportedError(f"no log of {component} in {folder}")
        return found[0]

    def outage(self, name: str) -> Outage:
        """What can happen to a machine (`elixircluster-test-worker`)."""
        found = {machine.name: machine for machine in machines_of(self.layout.full_name)}
        if name not in found:
            raise LookupError(f"machine {name!r}: cluster {self.layout.name} has {', '.join(found) or 'none'}")
        return Outage(found[name], read_state(self.layout).get("ip_family", "IPv4"))

    def _refuse_another(self, state: Mapping[str, Any], ip_family: str, nodes: int) -> None:
        differs = {
            "another address family": state["ip_family"] != ip_family,
            "another node image": self._image not in ("", state["image"]),
            f"fewer than {nodes} machines for pods": _takes_pods(state["machines"]) < nodes,
        }
        if found := [what for what, holds in differs.items() if holds]:
            raise RuntimeError(f"cluster {self.layout.name} is up with {' and '.join(found)}; take it down")

    def _revive(self, machines: Iterable[Container], ip_family: str) -> bool:
        """Whether anything had to be started, or was stopped by a fault and forgotten."""
        unwell = [machine for machine in machines if not machine.is_well]
        for machine in unwell:
            say(f"bringing {machine.name} back, which is {machine.told}")
            Outage(machine, ip_family).back()
        return bool(unwell)

    def _create(self, ip_family: str, nodes: int) -> dict[str, Any]:
        self.down()
        self.layout.run.mkdir(mode=0o700)
        self.layout.maker.write_text(self.kind)
        file = self.layout.run / "kind-config.yaml"
        file.write_text(yaml.safe_dump(configuration(ip_family, nodes)))
        image = ["--image", self._image] if self._image else []
        where = ["--config", str(file), "--kubeconfig", str(self.kubeconfig)]
        say(f"kind creates {self.layout.full_name}; what is not at hand is pulled by Docker")
        create = ["create", "cluster", *where, "--wait", "120s", *image]
        run_aloud("kind", *create, "--name", self.layout.full_name, hear=_say_steps)
        machines = [machine.name for machine in machines_of(self.layout.full_name)]
        return {"ip_family": ip_family, "image": self._image, "machines": machines}

    def _wait_until_ready(self, machines: Sequence[str], revived: bool) -> None:
        """Where something had stood still, until each has been heard of again."""
        deadline = time.monotonic() + READY_SECONDS
        earlier: dict[str, Heard] = {}
        while trouble := self._trouble(machines, earlier, revived):
            if time.monotonic() > deadline:
                told = "; ".join(f"{name} {what}" for name, what in trouble.items())
                raise RuntimeError(f"cluster {self.layout.name} is not well after {READY_SECONDS:.0f} s: {told}")
            time.sleep(LOOK_EVERY)

    def _trouble(self, machines: Sequence[str], earlier: dict[str, Heard], revived: bool) -> dict[str, str]:
        try:
            now = ask(self.kubeconfig)
        except RuntimeError as error:
            return {"Kubernetes": f"does not answer: {error}"}
        if revived and not earlier:
            earlier |= now
        return not_ready(machines, now, earlier)

    def _set_dns_ttl(self, dns_ttl: int) -> None:
        """Edit the Corefile that kubeadm wrote. CoreDNS reloads it by itself, but only after a while."""
        here = ["--namespace", "kube-system"]
        old = self._kubectl("get", "configmap", "coredns", "--output", "jsonpath={.data.Corefile}", *here)
        new = re.sub(r"\b(ttl|cache) \d+", rf"\1 {dns_ttl}", old)
        if new != old:
            patch = json.dumps({"data": {"Corefile": new}})
            self._kubectl("patch", "configmap", "coredns", "--type", "merge", "--patch", patch, *here)
            self._kubectl("rollout", "restart", "deployment", "coredns", *here)
            self._kubectl("rollout", "status", "deployment", "coredns", "--timeout=60s", *here)

    def _kubectl(self, *arguments: str) -> str:
        return run(binary("kubectl"), "--kubeconfig", self.kubeconfig, *arguments)

    def _kind(self, *arguments: str) -> None:
        run("kind", *arguments, "--name", self.layout.full_name)


def configuration(ip_family: str, nodes: int) -> dict[str, Any]:
    """kind-config.yaml, with as many workers as are asked for."""
    config: dict[str, Any] = yaml.safe_load((REPOSITORY / "kind-config.yaml").read_text())
    workers = [node for node in config["nodes"] if node["role"] == "worker"]
    config["nodes"] += [{"role": "worker"} for _ in range(nodes - len(workers))]
    return config | {"networking": {"ipFamily": ip_family.lower()}}


def clusters() -> list[str]:
    """Every kind cluster of this machine, ours and others."""
    return run("kind", "get", "clusters").split()


def _takes_pods(machines: Sequence[str]) -> int:
    """How many do: a control plane that has workers takes none."""
    return max(1, len(machines) - 1)


def _say_steps(line: str) -> None:
    """What kind begins with, such as an image that has to be there; not what it is done with."""
    if line.startswith(" •"):
        say(f"kind: {line.strip(STEP_MARKS)}")
