"""Three machines with a BEAM cluster of three nodes on them, and the operator beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.cluster import Cluster
from tests.e2e.release import Release
from tests.e2e.user import GOOD_IMAGE, Namespace, Object, comes_true, is_ready

NAME = "chat"
NODES = 3
OPERATORS = 2
RESOURCE: Object = {
    "apiVersion": "elixircluster.dev/v1alpha1",
    "kind": "ElixirCluster",
    "metadata": {"name": NAME},
    "spec": {"image": GOOD_IMAGE, "imagePullPolicy": "IfNotPresent", "replicas": NODES, "web": {"port": 4000}},
}


@dataclass(frozen=True)
class Stage:
    """What the stories play on."""

    kubernetes: Cluster
    release: Release
    namespace: Namespace

    def machines(self) -> list[str]:
        """The Nodes that take pods."""
        nodes = json.loads(self.kubernetes.kubectl("get", "nodes", "-o", "json"))["items"]
        return [node["metadata"]["name"] for node in nodes if not tainted(node, "control-plane")]

    def node(self, machine: str) -> Object:
        found: Object = json.loads(self.kubernetes.kubectl("get", "node", machine, "-o", "json"))
        return found

    def is_up(self, machine: str) -> bool:
        """As Kubernetes sees it."""
        node = self.node(machine)
        return is_ready(node) and not tainted(node, "unreachable")

    def leader_machine(self) -> str:
        """The machine on which the operator's leader is."""
        leader = self.release.wait_for_leader()
        return next(machine_of(pod) for pod in self.release.pods() if pod["metadata"]["name"] == leader)

    def on(self, machine: str) -> list[str]:
        """The members on a machine."""
        return [pod["metadata"]["name"] for pod in self.namespace.pods(NAME) if machine_of(pod) == machine]

    def elsewhere(self, machine: str) -> list[str]:
        return [pod["metadata"]["name"] for pod in self.namespace.pods(NAME) if machine_of(pod) != machine]

    def served_by(self) -> set[str]:
        """The pods that the client Service leads to."""
        slices = self.namespace.items("endpointslices", "-l", f"kubernetes.io/service-name={NAME}")
        endpoints = [endpoint for item in slices for endpoint in item.get("endpoints") or []]
        return {endpoint["targetRef"]["name"] for endpoint in endpoints if endpoint["conditions"].get("ready")}

    def ready_members(self) -> int:
        return sum(map(is_ready, self.namespace.pods(NAME)))

    def clustered(self) -> Object:
        return self.namespace.condition(NAME, "Clustered")

    def is_whole(self) -> bool:
        """As Kubernetes and the operator tell it."""
        return self.ready_members() == NODES and self.tells_whole()

    def tells_whole(self) -> bool:
        """Whether the operator says that every node is there, and sees every other."""
        resource = self.namespace.get("elixircluster", NAME)
        conditions = {item["type"]: item for item in resource["status"].get("conditions") or []}
        ready = conditions.get("Ready", {})
        current = ready.get("observedGeneration") == resource["metadata"]["generation"]
        whole = ready.get("status") == "True" and conditions["Clustered"]["reason"] == "FullMesh"
        return bool(current and whole)

    def wait_until_whole(self, seconds: float = 120) -> None:
        assert comes_true(self.is_whole, seconds, pause=0.5), self.namespace.get("elixircluster", NAME)["status"][
            "conditions"
        ]
        assert self.namespace.connected(NAME, NODES)

    def spread(self) -> None:
        """Nothing but a replacement moves a pod: what came together during a story is parted again."""
        while crowd := next((members for members in map(self.on, self.machines()) if len(members) > 1), None):
            self.namespace.kubectl("delete", "pod", crowd[-1])
            self.wait_until_whole()
        while len(set(map(machine_of, self.release.pods()))) < OPERATORS:
            self.release.namespace.kubectl("delete", "pod", self.release.pods()[0]["metadata"]["name"])
            self.release.namespace.kubectl("rollout", "status", f"deployment/{self.release.name}", "--timeout=120s")


@dataclass
class Watch:
    """A stopwatch: how long after its start something became true."""

    start: float

    @classmethod
    def started(cls) -> Watch:
        return cls(time.monotonic())

    def until(self, check: Callable[[], object], seconds: float, what: str) -> float:
        assert comes_true(check, seconds, pause=0.5), f"never within {seconds:.0f} s: {what}"
        return self.seconds

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start


def machine_of(pod: Object) -> str:
    return str(pod["spec"].get("nodeName") or "")


def tainted(node: Object, word: str) -> bool:
    return any(
        taint["key"] == f"node-role.kubernetes.io/{word}" or taint["key"] == f"node.kubernetes.io/{word}"
        for taint in node["spec"].get("taints") or []
    )
