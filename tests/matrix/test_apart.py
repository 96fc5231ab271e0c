"""Clusters of the same release never meet: neither by discovery nor by cookie."""

from __future__ import annotations

import time

from tests.e2e.user import together

from .cells import elixircluster
from .conftest import remove
from .lab import Nodes, links_between

WATCHED_SECONDS = 12
STRATEGIES = ("DNS", "API")


def test_resources_of_one_release_have_no_link_between_them(kubernetes, namespaces):
    here, there = (namespaces(kubernetes, side) for side in ("here", "there"))
    clusters = [Nodes(side, strategy.lower()) for side in (here, there) for strategy in STRATEGIES]
    for nodes, strategy in zip(clusters, STRATEGIES * 2, strict=True):
        # One release.name for all: their nodes have one base name.
        discovery = {"strategy": strategy, "pollingIntervalSeconds": 1}
        nodes.namespace.apply(elixircluster(nodes.name, "chat", replicas=2, discovery=discovery))
    together(*(lambda nodes=nodes: nodes.namespace.wait_until_ready(nodes.name, 300) for nodes in clusters))
    assert all(nodes.connected(2) for nodes in clusters)
    until = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < until:
        views = [nodes.views() for nodes in clusters]
        links = [links_between(a, b) for number, a in enumerate(views) for b in views[number + 1 :]]
        assert not any(links), links
        time.sleep(2)
    remove(here)
    remove(there)
