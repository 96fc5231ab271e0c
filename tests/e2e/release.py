"""The operator as its chart installs it."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
from dataclasses import dataclass

from tests.cluster import Cluster, binary

from .user import ROOT, Namespace, Object, comes_true

CHART = ROOT / "deploy" / "helm" / "elixircluster"
REPOSITORY = "docker.io/library/elixircluster"


class HelmError(RuntimeError):
    """Helm said no; the message is what it said."""


@dataclass(frozen=True)
class Release:
    """One release of the chart, called `name` as everything of it."""

    kubernetes: Cluster
    namespace: Namespace
    name: str = "elixircluster"

    @property
    def user(self) -> str:
        """As the audit log calls it."""
        return f"system:serviceaccount:{self.namespace.name}:{self.name}"

    def install(self, values: Object | None = None) -> None:
        """Install or upgrade, with all rights; what else is not said is as in values.yaml.

        A CustomResourceDefinition that is there already becomes the release's.
        """
        ours = {
            "fullnameOverride": self.name,
            "image": {"repository": REPOSITORY, "tag": "dev"},
            "rbac": {"apiDiscovery": True, "certManager": True},
        }
        self._helm(
            *("upgrade", "--install", self.name, str(CHART), "--take-ownership", "--wait", "--timeout", "180s"),
            *("--values", "-"),
            values={**ours, **(values or {})},
        )

    def test(self) -> str:
        """What `helm test` says; it fails where the operator is not at work."""
        return self._helm("test", self.name, "--timeout", "120s")

    def uninstall(self) -> None:
        self._helm("uninstall", self.name, "--wait")

    def scale(self, replicas: int) -> None:
        self.namespace.kubectl("scale", f"deployment/{self.name}", f"--replicas={replicas}")

    def pods(self) -> list[Object]:
        return [
            pod
            for pod in self.namespace.items("pods", "-l", f"app.kubernetes.io/instance={self.name}")
            if "deletionTimestamp" not in pod["metadata"]
        ]

    def leader(self) -> str:
        """The pod that holds the Lease; empty while none does."""
        lease = self.namespace.get("lease", "elixircluster")
        return str(lease["spec"].get("holderIdentity") or "").partition("_")[0]

    def wait_for_leader(self) -> str:
        """The pod that leads, once one does."""

        def leads() -> bool:
            return self.leader() in {pod["metadata"]["name"] for pod in self.pods()}

        assert comes_true(leads, 30), "nobody leads"
        return self.leader()

    def first_start(self) -> dt.datetime:
        """When the first of its processes was started: how long a busy machine takes to do so is not its doing."""
        states = [pod["status"]["containerStatuses"][0]["state"] for pod in self.pods()]
        return min(dt.datetime.fromisoformat(state["running"]["startedAt"]) for state in states if "running" in state)

    def is_away(self) -> bool:
        return not self.namespace.items("pods", "-l", f"app.kubernetes.io/instance={self.name}")

    def metrics(self, pod: str) -> str:
        path = f"/api/v1/namespaces/{self.namespace.name}/pods/{pod}:8080/proxy/metrics"
        return self.kubernetes.kubectl("get", "--raw", path)

    def has_looked_at(self, resources: int) -> bool:
        """Whether the leader has reconciled that often."""
        leader = self.leader()
        if not leader or leader not in {pod["metadata"]["name"] for pod in self.pods()}:
            return False
        counts = re.findall(r"^controller_runtime_reconcile_total\{.*\} (\S+)$", self.metrics(leader), re.M)
        return sum(map(float, counts)) >= resources

    def wait_for_a_look_at_everything(self) -> None:
        resources = len(json.loads(self.kubernetes.kubectl("get", "elixirclusters", "-A", "-o", "json"))["items"])
        assert comes_true(lambda: self.has_looked_at(resources), 30), "the operator has not looked at every resource"

    def _helm(self, *arguments: str, values: Object | None = None) -> str:
        command = [str(binary("helm")), "--kubeconfig", str(self.kubernetes.kubeconfig)]
        command += ["--namespace", self.namespace.name, *arguments]
        done = subprocess.run(command, input=json.dumps(values or {}), capture_output=True, text=True, check=False)
        if done.returncode:
            raise HelmError(f"helm {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout
