"""What the benchmarks share: a cluster, an operator in it, resources, and how a figure is reported."""

from __future__ import annotations

import asyncio
import copy
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from elixircluster.render.preview import preview
from tests.cluster import Cluster, binary
from tests.cluster.fault import Faults
from tests.cluster.served import wait_until_served
from tests.faults.client import Client
from tests.faults.process import ROOT, Operator, until

Body = dict[str, Any]

NOWHERE = {"nodeSelector": {"elixircluster.dev/benchmark": "nowhere"}}
LOGS = Path("/tmp")

# A /24 of ClusterIPs does not hold 500 Services; a ServiceCIDR adds some.
MORE_ADDRESSES = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "ServiceCIDR",
    "metadata": {"name": "benchmarks"},
    "spec": {"cidrs": ["10.204.0.0/16"]},
}


@dataclass
class Row:
    """One figure, what it should be, and whether it is."""

    what: str
    value: str
    target: str = ""
    met: bool | None = None


@dataclass
class Report:
    """What one benchmark found."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, what: str, value: str, target: str = "", met: bool | None = None) -> None:
        self.rows.append(Row(what, value, target, met))


@dataclass
class Bench:
    """A cluster with the CRD, seen from inside of its network."""

    cluster: Cluster

    @property
    def kubeconfig(self) -> Path:
        return self.cluster.kubeconfig_inside

    @property
    def fault(self) -> Faults:
        return Faults(self.cluster.provider, self.kubectl)

    def client(self) -> Client:
        return Client.of(self.kubeconfig)

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        command = [str(binary("kubectl")), "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def prepare(self) -> None:
        crd = str(ROOT / "crds" / "elixirclusters.yaml")
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", crd)
        self.kubectl("apply", "--server-side", "-f", "-", text=yaml.safe_dump(MORE_ADDRESSES))
        wait_until_served(self.kubectl, "elixirclusters.elixircluster.dev")

    @asynccontextmanager
    async def operator(self, client: Client) -> AsyncIterator[Operator]:
        """An operator that leads and has made its first resource: nothing is cold."""
        log = LOGS / f"elixircluster-{self.cluster.name}" / "operator.log"
        operator = Operator(self.kubeconfig, log, lease="benchmarks")
        await operator.start()
        try:
            await operator.leads()
            body = resource("warm", await client.namespace("warm-up"))
            await client.create(body)
            await until(has_children(client, body), 60, "the first children")
            yield operator
        finally:
            await operator.stop()

    @asynccontextmanager
    async def namespace(self, client: Client, name: str) -> AsyncIterator[str]:
        """An empty namespace, gone afterwards. Where nothing is measured later, it goes with the cluster instead."""
        await client.remove_namespace(name)
        await client.namespace(name)
        try:
            yield name
        finally:
            await client.remove_namespace(name)

    def writes(self, since: int) -> Iterator[Body]:
        """What the operator wrote, but for its lease, by the audit log."""
        for event in self.cluster.audit(since):
            if (
                event.get("userAgent", "").startswith("elixircluster")
                and event["verb"] in {"create", "update", "patch", "delete"}
                and event["objectRef"]["resource"] != "leases"
            ):
                yield event

    async def quiet(self, seconds: float = 5, within: float = 300) -> None:
        """Wait until the operator has written nothing for so long."""
        started = last = time.monotonic()
        position = self.cluster.audit_position()
        while time.monotonic() - last < seconds:
            await asyncio.sleep(0.5)
            now = self.cluster.audit_position()
            if any(True for _ in self.writes(position)):
                last = time.monotonic()
            position = now
            if time.monotonic() - started > within:
                raise TimeoutError("the operator goes on writing")


def resource(name: str, namespace: str, **spec: Any) -> Body:
    """An ElixirCluster with seven children whose pods no Kubernetes node takes."""
    return {
        "apiVersion": "elixircluster.dev/v1alpha1",
        "kind": "ElixirCluster",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "image": "docker.io/library/chat:1.0.0",
            "imagePullPolicy": "IfNotPresent",
            "replicas": 3,
            "web": {"port": 4000},
            "scheduling": NOWHERE,
            **spec,
        },
    }


def children(body: Body) -> list[Body]:
    """What `elixircluster render` says of the resource, the StatefulSet last.

    The label by which the operator knows its own is another, so that it looks away.
    """
    bodies = copy.deepcopy(preview(yaml.safe_dump(body), [], [], None))
    for item in bodies:
        item["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "bare-client"
        if item["kind"] == "Secret":
            item["stringData"] = {"cookie": "c" * 43}
    return sorted(bodies, key=lambda item: item["kind"] == "StatefulSet")


def has_children(client: Client, body: Body) -> Callable[[], Any]:
    wanted = preview(yaml.safe_dump(body), [], [], None)

    async def look() -> bool:
        found = [
            await client.get(item["kind"], item["metadata"]["namespace"], item["metadata"]["name"]) for item in wanted
        ]
        return all(found)

    return look


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    started = time.perf_counter()
    yield lambda: time.perf_counter() - started
