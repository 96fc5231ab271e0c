"""A lost machine is told as that, stage by stage as Kubernetes gets to know of it, with what a person can do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster import binary
from tests.e2e.user import NEW_IMAGE, comes_true

from .conftest import CAMPAIGN
from .stage import NODES, RESOURCE, Stage, machine_of

NAME = "told"
PEERS_NOTICE, KUBERNETES_NOTICES, PATIENCE = 45, 120, 330
# Five minutes are Kubernetes' own, and nobody's time here.
SOON = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 15}
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


class Told:
    """What is told of a resource, one of whose nodes is lost."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage, self.name = stage, name
        leader = stage.leader_machine()
        self.gone, self.machine = next(
            (pod["metadata"]["name"], machine_of(pod)) for pod in self.pods() if machine_of(pod) != leader
        )
        self.rest = [pod["metadata"]["name"] for pod in self.pods() if machine_of(pod) != self.machine]

    def pods(self) -> list[Any]:
        return self.stage.namespace.pods(self.name)

    def pod(self) -> Any:
        """The one on the lost machine, which ends without an end."""
        return self.stage.namespace.get("pod", self.gone)

    def condition(self, name: str) -> Any:
        return self.stage.namespace.condition(self.name, name)

    def says(self, name: str, reason: str, seconds: float) -> str:
        """The message of a condition, once that has this reason."""
        assert comes_true(lambda: self.condition(name).get("reason") == reason, seconds), self.condition(name)
        return str(self.condition(name)["message"])

    def entry(self) -> Any:
        nodes = self.stage.namespace.get("elixircluster", self.name)["status"]["nodes"]
        return next(node for node in nodes if node["pod"] == self.gone)

    def events(self) -> dict[str, int]:
        """How often each Event of machines was told."""
        # There was another resource of this name before.
        uid = self.stage.namespace.get("elixircluster", self.name)["metadata"]["uid"]
        found = self.stage.namespace.items("events", "--field-selector", f"involvedObject.uid={uid}")
        return {item["reason"]: item["count"] for item in found if item["reason"].startswith("Machine")}

    def measured(self) -> dict[str, float]:
        text = self.stage.release.metrics(self.stage.release.wait_for_leader())
        mine = rf'^elixircluster_(\w+)\{{name="{self.name}",namespace="{self.stage.namespace.name}"\}} (\S+)$'
        return {name: float(value) for name, value in re.findall(mine, text, re.M)}

    def doctor(self) -> Any:
        where = ("--namespace", self.stage.namespace.name, "-o", "json")
        path = f"{binary('kubectl').parent}:{os.environ['PATH']}"
        environment = {**os.environ, "KUBECONFIG": str(self.stage.kubernetes.kubeconfig), "PATH": path}
        command = [sys.executable, "-m", "elixircluster", "plugin", "doctor", self.name, *where]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
        return json.loads(done.stdout)


@pytest.fixture
def told(whole: Stage) -> Iterator[Told]:
    """Nodes on each machine, which Kubernetes gives up sooner than by default."""
    spec = {
        **RESOURCE["spec"],
        "release": {"name": "chat"},
        "scheduling": {"tolerations": [SOON]},
        "mesh": {"intervalSeconds": 5},
    }
    whole.namespace.apply({**RESOURCE, "metadata": {"name": NAME}, "spec": spec})
    assert comes_true(lambda: whole.namespace.condition(NAME, "Clustered").get("reason") == "FullMesh", 120)
    yield Told(whole, NAME)
    whole.namespace.kubectl("delete", "elixircluster", NAME)
    assert comes_true(lambda: not whole.namespace.pods(NAME), 120)


def test_a_lost_machine_is_told_in_every_stage_until_it_is_given_up(told):
    silence = f"{told.gone}: the machine {told.machine} does not answer (since "
    lives, kubernetes = told.stage.namespace.lives(NAME), told.stage.kubernetes
    kubernetes.fault.machine_kill(told.machine)
    try:
        # Nobody knows but the peers and the operator.
        message = told.says("Clustered", "Unreachable", PEERS_NOTICE)
        assert f"{told.gone} on the machine {told.machine}, of which no node answers: " in message

        # Kubernetes does not hear of it.
        message = told.says("Ready", "MachineLost", KUBERNETES_NOTICES)
        assert message.startswith(silence)
        assert f"kubectl taint node {told.machine} {OUT_OF_SERVICE}=nodeshutdown:NoExecute" in message
        assert told.says("Clustered", "MachineLost", 15).startswith(silence)
        assert (told.entry()["machine"], told.entry()["ready"]) == (told.machine, False)
        assert told.entry()["lostSince"]
        assert told.condition("Stalled")["status"] == "False"

        # It has the pod deleted, which nobody there hears; and a change takes nobody else.
        assert comes_true(lambda: "deletionTimestamp" in told.pod()["metadata"], 60)
        told.stage.namespace.patch(NAME, image=NEW_IMAGE)
        assert comes_true(lambda: "no other node is taken before" in told.condition("Ready")["message"], 30)
        assert told.condition("Ready")["message"].startswith(silence)
        assert told.says("Clustered", "MachineLost", 15).startswith(silence)
        assert told.events() == {"MachineLost": 1}
        measured = told.measured()
        assert (measured["nodes_wanted"], measured["nodes_ready"], measured["nodes_lost"]) == (NODES, NODES - 1, 1)
        assert (measured["links"], measured["links_expected"]) == (1, 3)
        after = told.stage.namespace.lives(NAME)
        assert {pod: after[pod] for pod in told.rest} == {pod: lives[pod] for pod in told.rest}
        found = told.doctor()
        assert found["causes"] == ["machines"], found
        assert told.machine in found["verdict"]
        if CAMPAIGN:
            assert told.says("Stalled", "MachineLost", PATIENCE).startswith(silence)

        # A person says that it is off.
        told.stage.namespace.patch(NAME, image=RESOURCE["spec"]["image"])
        kubernetes.kubectl("taint", "node", told.machine, f"{OUT_OF_SERVICE}=nodeshutdown:NoExecute")
        told.says("Ready", "UpToDate", 180)
        told.says("Clustered", "FullMesh", 90)
        assert told.entry()["machine"] != told.machine
        assert told.events() == {"MachineLost": 1, "MachineLeft": 1}
    finally:
        kubernetes.fault.machine_back(told.machine)
        assert comes_true(lambda: told.stage.is_up(told.machine), 180)
        kubernetes.kubectl("taint", "node", told.machine, f"{OUT_OF_SERVICE}-", check=False)


def test_a_machine_that_was_cut_off_is_told_to_be_back(told):
    told.stage.kubernetes.fault.machine_cut(told.machine)
    try:
        told.says("Ready", "MachineLost", KUBERNETES_NOTICES)
    finally:
        told.stage.kubernetes.fault.machine_back(told.machine)
    told.says("Ready", "UpToDate", 180)
    told.says("Clustered", "FullMesh", 90)
    assert "lostSince" not in told.entry()
    assert told.events()["MachineLost"] == 1
    assert sum(told.events().values()) == 2
