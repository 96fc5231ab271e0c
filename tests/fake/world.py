"""A Kubernetes with its controllers, the operators in it, and what users and the world do to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from elixircluster.kube.api import Kind
from elixircluster.kube.kinds import CLUSTERS, EVENTS, LEASES, OWNED, PODS
from tests.fake import clock
from tests.fake.collector import Collector
from tests.fake.jobs import Jobs
from tests.fake.kubelet import Kubelets
from tests.fake.machines import Machines
from tests.fake.operator import Operator
from tests.fake.oracles import Judge
from tests.fake.server import Change, Ref, Server, Snapshot, controller
from tests.fake.statefulset import StatefulSets

Body = dict[str, Any]

USER = "kubectl"
PACES: dict[str, tuple[float, ...]] = {
    "instant": (0.0,),
    "brisk": (0.0, 0.01, 0.05, 0.2),
    "wild": (0.0, 0.0, 0.01, 0.1, 0.7, 3.0, 9.0),
}
"""How long things take: a request's way, an event's, a controller's step."""
QUIET_SECONDS = 10.0
PATIENCE_ROUNDS = 150


class World:
    """Everything, at one moment of virtual time."""

    def __init__(self, seed: int = 0, pace: str = "instant", *, probed: bool = False) -> None:
        self.seed, self.pace = seed, PACES[pace]
        self.server = Server(self.now)
        self.probe = "Enabled" if probed else "Disabled"
        self.statefulsets = StatefulSets(self.server, self.delays("statefulsets"))
        self.kubelets = Kubelets(self.server, self.delays("kubelets"))
        self.jobs = Jobs(self.server, self.delays("jobs"))
        self.judge = Judge(self.server, self.kubelets.booted, self.kubelets.told)
        self.machines = Machines(self.server, self.kubelets)
        self.collector = Collector(self.server, self.delays("collector"))
        self.operators: list[Operator] = []
        self.backups: list[tuple[float, Snapshot]] = []
        """And when each was made."""
        self.changed = 0
        self.errors = 0.0
        self.server.listeners.append(self._hear)

    def now(self) -> str:
        """In RFC 3339."""
        return clock.timestamp(asyncio.get_running_loop().time())

    def random(self, stream: str) -> Random:
        """Chance of its own for each part, so that a history without one step is the same in all others."""
        return Random(f"{self.seed}/{stream}")

    def delays(self, stream: str, pace: Sequence[float] = ()) -> Callable[[], float]:
        """Seconds, drawn anew each time."""
        random = self.random(stream)
        return lambda: random.choice(pace or self.pace)

    def start(self, *, elects: bool = False) -> Operator:
        """One more operator."""
        operator = Operator(self, f"operator-{len(self.operators)}", elects=elects)
        operator.api.faults.rate = self.errors
        self.operators.append(operator)
        operator.start()
        return operator

    @property
    def running(self) -> list[Operator]:
        """The operators that were not stopped."""
        return [operator for operator in self.operators if operator.running]

    def set_errors(self, rate: float) -> None:
        """How many of all requests go wrong from now on."""
        self.errors = rate
        for operator in self.running:
            operator.api.faults.rate = rate

    def restore(self, backup: Snapshot) -> None:
        """etcd as it was; every watch breaks, and every controller looks at everything."""
        self.server.restore(backup)
        for operator in self.running:
            operator.break_watches(0.5)
        for part in (self.statefulsets, self.jobs, self.kubelets, self.collector):
            part.wake_all()

    async def settle(self, rounds: int = PATIENCE_ROUNDS) -> bool:
        """Wait until nothing happens any more. False where that does not come in so many rounds."""
        quiet = 0
        for _ in range(rounds):
            before = self._activity()
            await asyncio.sleep(QUIET_SECONDS)
            leads = any(operator.leading for operator in self.running)
            idle = leads and all(operator.idle for operator in self.running)
            quiet = quiet + 1 if idle and before == self._activity() else 0
            if quiet == 3:
                return True
        return False

    def _activity(self) -> int:
        """What was changed by anybody, and what operators tried to change."""
        return self.changed + sum(len(operator.writes) for operator in self.operators)

    def _hear(self, change: Change) -> None:
        if change.type and change.ref.kind not in {LEASES.kind, EVENTS.kind}:
            self.changed += 1

    # What users do.

    def resource(self, name: str) -> Body | None:
        """The resource of this name."""
        return self.server.get(Ref(CLUSTERS.kind, name))

    def create(self, name: str, **spec: Any) -> None:
        """A user makes a resource, if there is none of this name."""
        if self.resource(name) is None:
            body = {
                "apiVersion": CLUSTERS.api_version,
                "kind": CLUSTERS.kind,
                "metadata": {"name": name},
                "spec": {"image": "chat:1", "replicas": 3, "mesh": {"probe": self.probe}, **spec},
            }
            self.server.create(USER, CLUSTERS, body)

    def change(self, name: str, **spec: Any) -> None:
        """A user changes a resource, if it is there."""
        if self.resource(name) is not None:
            self.server.merge(USER, CLUSTERS, name, {"spec": spec})

    def remove(self, name: str) -> None:
        """A user deletes a resource, if it is there."""
        if self.resource(name) is not None:
            self.server.delete(USER, CLUSTERS, name)

    def children(self, name: str) -> list[Body]:
        """What belongs to the resource, but for its pods."""
        cluster = self.resource(name)
        uid = cluster["metadata"]["uid"] if cluster else ""
        return [
            body
            for body in self.server.objects.values()
            if body["kind"] in OWNED and (owner := controller(body)) is not None and owner["uid"] == uid
        ]

    def child(self, name: str, kind: str) -> Body | None:
        """The first child of a kind."""
        return next((body for body in self.children(name) if body["kind"] == kind), None)

    def pods(self, name: str) -> list[Body]:
        """All pods that are named as members of the resource."""
        return [pod for pod in self.server.listed(PODS.kind) if pod["metadata"]["name"].rpartition("-")[0] == name]


def kind_of(body: Body) -> Kind:
    """The kind of an object, with its plural."""
    return {row.kind.kind: row.kind for row in OWNED.values()}.get(body["kind"], PODS)
