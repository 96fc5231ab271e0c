"""Another OTP for nodes that run: one after the other, under load, and never two clusters."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPException

import pytest

from tests.e2e.load import Asker
from tests.e2e.user import comes_true, together
from tests.images import BOOKWORM, IMAGES, SUITES, TRIXIE, Suite, named

from .cells import elixircluster
from .conftest import CAMPAIGN, ensure_available
from .lab import Nodes, Views

REPLICAS = 5 if CAMPAIGN else 3
STEPS = [(BOOKWORM, TRIXIE), SUITES] if CAMPAIGN else [(BOOKWORM, TRIXIE)]
EVERY_SECONDS = 0.3


def image(suite: Suite) -> str:
    return IMAGES[named("chat", suite)].reference


@dataclass
class Watch:
    """Whom every node sees, looked at again and again while it is entered."""

    nodes: Nodes
    views: list[Views] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        pods = [f"{self.nodes.name}-{ordinal}" for ordinal in range(REPLICAS)]
        while not self._over.wait(EVERY_SECONDS):
            answers = together(*(lambda pod=pod: self._listed(pod) for pod in pods))
            self.views.append({node: set(others) for node, *others in filter(None, answers)})

    def _listed(self, pod: str) -> list[str]:
        """A node and whom it sees; nobody where it does not answer."""
        try:
            return list(json.loads(self.nodes.get(pod, "nodes", seconds=1)))
        except (OSError, HTTPException, json.JSONDecodeError):
            return []

    def splits(self) -> list[Views]:
        """Views in which two nodes that had found the others were in different clusters.

        A node belongs to the mesh from the first time that it sees somebody: before, it is still starting.
        """
        found: list[Views] = []
        joined: set[str] = set()
        for seen in self.views:
            joined |= {node for node, others in seen.items() if others}
            here = joined & set(seen)
            if here and here - reached(min(here), seen):
                found.append(seen)
        return found


def reached(start: str, views: Views) -> set[str]:
    """The nodes to which links lead from one, whichever end sees them."""
    island, rest = {start}, [start]
    while rest:
        node = rest.pop()
        near = views.get(node, set()) | {other for other, seen in views.items() if node in seen}
        rest += near - island
        island |= near
    return island


@pytest.mark.parametrize("steps", STEPS, ids=lambda steps: "-".join(str(suite.otp) for suite in steps))
def test_otp_is_upgraded_under_load_in_one_mesh_and_no_request_is_lost(steps, namespace):
    for suite in steps:
        ensure_available(named("chat", suite))
    nodes, asker = Nodes(namespace, "upgraded"), Asker(namespace, "asker-0")
    namespace.apply(
        elixircluster("upgraded", "chat", image=image(steps[0]), replicas=REPLICAS),
        elixircluster("asker", "chat", replicas=1),
    )
    together(*(lambda name=name: namespace.wait_until_ready(name, 300) for name in ("upgraded", "asker")))
    assert nodes.connected(REPLICAS)
    asker.start("upgraded")
    with Watch(nodes) as watch:
        for suite in steps[1:]:
            before, started = namespace.lives("upgraded"), time.monotonic()
            namespace.patch("upgraded", image=image(suite))
            namespace.wait_until_ready("upgraded", 60 * REPLICAS)
            print(f"\nOTP {suite.otp} on {REPLICAS} nodes after {time.monotonic() - started:.0f} s")
            assert nodes.connected(REPLICAS)
            assert not set(before.values()) & set(namespace.lives("upgraded").values())
            assert comes_true(lambda suite=suite: nodes.otp_releases() == {str(suite.otp)}, 30)
    asked, lost = asker.told()
    print(f"{lost} of {asked} requests were lost; the mesh was looked at {len(watch.views)} times")
    assert watch.splits() == []
    assert len(watch.views) > 10 * len(steps)
    assert (asked > 1000, lost) == (True, 0)
