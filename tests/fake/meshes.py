"""In the place of the meshes: what an operator sees of the nodes when it looks, some time after something changed.

Nodes that take connections are all connected, whether they have booted or not. Nobody is dialled, and no link is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from elixircluster.api.resource import ElixirCluster, Key
from elixircluster.mesh.boot import Boot
from elixircluster.mesh.connection import Connection
from elixircluster.mesh.failure import Failed, Failure, MeshError, Step
from elixircluster.mesh.member import Answer, Member
from elixircluster.mesh.view import MeshView, view
from elixircluster.meshes.members import Membership
from elixircluster.meshes.mesh import summary
from elixircluster.observed.pod import Pod
from elixircluster.observed.store import Store
from tests.fake.kubelet import UNHEARD, Kubelets

LONG = 3600.0


class Dialler:
    """Nobody is let in by another cookie than that of the Secret, nor by that."""

    async def connect(self, _member: Member, _cookie: str, _seconds: float) -> Connection:
        raise MeshError(Failure.WRONG_COOKIE, "the node has another cookie", Step.HANDSHAKE)


class Farewells:
    """Nodes hear it some time later, where they answer. What each was told last the kubelets know."""

    def __init__(self, kubelets: Kubelets, store: Store, lag: Callable[[], float], wake: Callable[[Key], None]) -> None:
        self._kubelets = kubelets
        self._store = store
        self._lag = lag
        self._wake = wake
        self._said: dict[tuple[str, str], bool] = {}

    @property
    def quiet(self) -> bool:
        """Whether nobody is being told anything."""
        return all(self._said.values())

    def said(self, key: Key) -> frozenset[tuple[str, str]]:
        lives = {pod.life for pod in self._store.pods(key)}
        return frozenset(told for told, done in self._said.items() if done and told[0] in lives)

    def say(self, cluster: ElixirCluster, pod: Pod, how: str) -> None:
        if (pod.life, how) not in self._said:
            self._said[pod.life, how] = False
            asyncio.get_running_loop().call_later(self._lag(), self._tell, cluster.key, pod, how)

    def _tell(self, key: Key, pod: Pod, how: str) -> None:
        self._said[pod.life, how] = True
        heard = UNHEARD if pod.machine in self._kubelets.silent else how
        self._kubelets.told.setdefault(pod.uid, []).append(heard)
        self._wake(key)


class Meshes:
    """Of one operator, as `meshes.Meshes`. `lag` is the seconds until a look; `wake` is for what looks otherwise."""

    def __init__(self, kubelets: Kubelets, store: Store, lag: Callable[[], float], wake: Callable[[Key], None]) -> None:
        self._kubelets = kubelets
        self._store = store
        self._lag = lag
        self._wake = wake
        self._told: dict[Key, ElixirCluster] = {}
        self._looked: dict[Key, tuple[Pod, ...]] = {}
        self._seen: dict[Key, MeshView] = {}
        self._due: set[Key] = set()
        self.farewells = Farewells(kubelets, store, lag, wake)
        kubelets.hear_nodes.append(self._hear)

    @property
    def quiet(self) -> bool:
        """Whether no look is due."""
        return not self._due and self.farewells.quiet

    def close(self) -> None:
        """The operator is gone."""
        self._kubelets.hear_nodes.remove(self._hear)
        self._told.clear()

    def tell(self, cluster: ElixirCluster, _ready: Collection[str], _removing: Collection[str]) -> None:
        """What every reconcile knows."""
        before, self._told[cluster.key] = self._told.get(cluster.key), cluster
        other = before is None or (before.uid, before.generation) != (cluster.uid, cluster.generation)
        if before and before.uid != cluster.uid:
            self._seen.pop(cluster.key, None)
        if other or self._looked.get(cluster.key) != tuple(self._store.pods(cluster.key)):
            self._soon(cluster.key)

    def seen(self, key: Key) -> tuple[MeshView | None, str]:
        """As it was at the last look."""
        told, identity = self._told.get(key), self._store.identity(key)
        return (self._seen.get(key) if told and identity and told.uid == identity[0] else None), ""

    def given_up(self, _key: Key) -> tuple[()]:
        return ()

    def refused(self, _key: Key) -> bool:
        return False

    def use_cookie(self, _key: Key, _cookie: str) -> None:
        """Nobody dials."""

    async def dialler(self, _cluster: ElixirCluster, _pods: Sequence[Pod]) -> Dialler:
        return Dialler()

    def _hear(self) -> None:
        for key in self._told:
            self._soon(key)

    def _soon(self, key: Key) -> None:
        if key not in self._due:
            self._due.add(key)
            asyncio.get_running_loop().call_later(self._lag(), self._look, key)

    def _look(self, key: Key) -> None:
        self._due.discard(key)
        cluster = self._told.get(key)
        if cluster is None:
            return
        pods = tuple(self._store.pods(key)) if self._store.identity(key) else ()
        membership = Membership.of(cluster, pods)
        there = {member.node for member in membership.members if self._answers(membership.pods[member.pod])}
        answers = {
            member.node: self._answer(membership.pods[member.pod], member.node, there) for member in membership.members
        }
        before, seen = self._seen.get(key), view(membership.members, answers, cluster.spec.replicas)
        self._looked[key] = pods
        if not membership.members or cluster.spec.mesh.probe == "Disabled":
            if self._seen.pop(key, None):
                self._wake(key)
        elif before is None or summary(before) != summary(seen):
            self._seen[key] = seen
            self._wake(key)

    def _answers(self, pod: Pod) -> bool:
        return pod.ready and pod.machine not in self._kubelets.silent

    def _answer(self, pod: Pod, node: str, there: Collection[str]) -> Answer | Failed:
        if not self._answers(pod):
            return Failed(Failure.NOT_ALIVE, pod.message)
        others = frozenset(there) - {node}
        if pod.uid in self._kubelets.booted:
            return Answer(others, uptime_seconds=LONG)
        return Answer(others, boot=Boot.BOOTING, starting=("app",))
