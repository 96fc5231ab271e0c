"""Nodes that cannot hear each other: told, left alone while they are cut, and one mesh again once they are not."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest

from elixircluster.mesh.view import FORMING_SECONDS
from tests.cluster import UnsupportedError

from .release import Release
from .user import GOOD_IMAGE, Namespace, Object, comes_true

# What benchmarks/partitions.py measures is a few seconds; a busy machine may take a few times as long.
REPORTED_SECONDS = 15
HEALED_SECONDS = 30
TICK_SECONDS = 8
"""Of nodes that are to notice a cut themselves: within three quarters to five quarters of it."""
NO_LIBRARY_IMAGE = "docker.io/library/reef:1.0.0"
ISLANDS = "2 islands that do not hear each other"


@dataclass(frozen=True)
class Mesh:
    """The nodes of one resource, and the operator that looks at them."""

    namespace: Namespace
    name: str
    release: Release

    @property
    def status(self) -> Object:
        found: Object = self.namespace.get("elixircluster", self.name)["status"]
        return found

    @property
    def clustered(self) -> Object:
        return next(item for item in self.status["conditions"] if item["type"] == "Clustered")

    def says(self, reason: str) -> Callable[[], bool]:
        return lambda: self.clustered["reason"] == reason

    def pods(self, *places: int) -> list[str]:
        return [f"{self.name}-{place}" for place in places]

    def nodes(self, pods: Sequence[str]) -> set[str]:
        return {item["node"] for item in self.status["nodes"] if item["pod"] in pods}

    def cut(self, left: Sequence[str], right: Sequence[str]) -> None:
        sides = [[f"{self.namespace.name}/{pod}" for pod in side] for side in (left, right)]
        try:
            self.namespace.kubernetes.fault.partition(*sides)
        except UnsupportedError as unsupported:
            pytest.skip(str(unsupported))

    def repair(self) -> None:
        self.namespace.kubernetes.fault.heal()

    def dialled(self, left: Sequence[str], right: Sequence[str]) -> int:
        """How often the operator has had a node of one side dial one of the other."""
        log = self.release.namespace.kubectl("logs", self.release.leader(), "--tail=-1")
        pairs = re.findall(r"asked (\S+) to connect with ([^\s:\"]+)", log)
        sides = self.nodes(left), self.nodes(right)
        return sum(any({a, b} & side for side in sides) and not any({a, b} <= side for side in sides) for a, b in pairs)


@pytest.fixture(scope="module")
def meshes(operator, namespaces) -> Iterator[dict[str, Mesh]]:
    """Three of them, old enough that no node counts as just started, of which nothing is said yet.

    Brisk has no library: what is connected anew there, nobody but the operator has dialled.
    """
    brisk = {"distribution": {"netTickTimeSeconds": TICK_SECONDS}, "image": NO_LIBRARY_IMAGE, "runtime": "Erl"}
    shapes: dict[str, tuple[int, Object]] = {"three": (3, {}), "four": (4, {}), "brisk": (3, brisk)}
    namespace = namespaces("partitions")
    namespace.apply(*(resource(name, *shape) for name, shape in shapes.items()))
    found = {name: Mesh(namespace, name, operator) for name in shapes}
    for mesh in found.values():
        namespace.wait_until_ready(mesh.name)
        assert comes_true(mesh.says("FullMesh"), 60), mesh.clustered
    time.sleep(FORMING_SECONDS)
    yield found
    namespace.kubectl("delete", "elixirclusters", "--all", "--wait=false")


def resource(name: str, replicas: int, more: Object) -> Object:
    return {
        "apiVersion": "elixircluster.dev/v1alpha1",
        "kind": "ElixirCluster",
        "metadata": {"name": name},
        "spec": {
            "image": GOOD_IMAGE,
            "imagePullPolicy": "IfNotPresent",
            "release": {"name": "chat"},
            "replicas": replicas,
            "web": {"port": 4000},
            "discovery": {"strategy": "Static"},
            "mesh": {"intervalSeconds": 1},
            **more,
        },
    }


def took(check: Callable[[], object], seconds: float, what: str) -> None:
    started = time.monotonic()
    assert comes_true(check, seconds, pause=0.1), what
    print(f"\n{what}: {time.monotonic() - started:.1f} s")


@pytest.mark.parametrize(
    ("name", "left", "right", "reason", "said"),
    [
        ("three", (0,), (1,), "PartialMesh", "connected, but do not hear each other: three-0 and three-1"),
        ("three", (0, 1), (2,), "Partitioned", f"{ISLANDS}: three-0, three-1 | three-2"),
        ("four", (0, 1), (2, 3), "Partitioned", f"{ISLANDS}: four-0, four-1 | four-2, four-3"),
    ],
    ids=["one link", "two and one", "two and two"],
)
def test_a_cut_is_told_and_its_end_too_and_nothing_is_dialled_or_restarted(meshes, name, left, right, reason, said):
    mesh = meshes[name]
    assert comes_true(mesh.says("FullMesh"), 60), mesh.clustered
    before, sides = mesh.namespace.lives(mesh.name), (mesh.pods(*left), mesh.pods(*right))
    dialled = mesh.dialled(*sides)
    mesh.cut(*sides)
    try:
        took(mesh.says(reason), REPORTED_SECONDS, "reported")
        assert mesh.clustered["message"] == said
        if reason == "Partitioned":
            assert mesh.status["mesh"]["islands"] == list(sides)
        assert mesh.dialled(*sides) == dialled
    finally:
        mesh.repair()
    took(mesh.says("FullMesh"), HEALED_SECONDS, "healed")
    assert mesh.namespace.connected(mesh.name, mesh.status["replicas"])
    assert mesh.namespace.lives(mesh.name) == before


def test_nodes_that_gave_each_other_up_are_dialled_once_the_way_is_open_and_not_before(meshes):
    mesh = meshes["brisk"]
    assert comes_true(mesh.says("FullMesh"), 60), mesh.clustered
    before, sides = mesh.namespace.lives(mesh.name), (mesh.pods(0, 1), mesh.pods(2))
    mesh.cut(*sides)
    try:
        took(mesh.says("Partitioned"), REPORTED_SECONDS, "reported")
        # `global` may take the island of two apart as well, which is put together again.
        alone = "2 islands that do not see each other: brisk-0, brisk-1 | brisk-2"
        took(lambda: mesh.clustered["message"] == alone, 4 * TICK_SECONDS, "noticed by the nodes")
        time.sleep(TICK_SECONDS)
        assert mesh.clustered["message"] == alone
        assert mesh.dialled(*sides) == 0
    finally:
        mesh.repair()
    took(mesh.says("FullMesh"), HEALED_SECONDS, "healed")
    assert mesh.dialled(*sides) >= 1
    assert mesh.namespace.lives(mesh.name) == before
