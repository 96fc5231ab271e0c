"""All nodes die at once; DNS is away for a minute."""

from __future__ import annotations

import time

import pytest

from tests.cluster import UnsupportedError
from tests.e2e.user import together

from .cells import elixircluster
from .conftest import CAMPAIGN
from .lab import Nodes

AWAY_SECONDS = 60 if CAMPAIGN else 20


@pytest.mark.parametrize("strategy", ["DNS", "DNSSRV", "API", "Static"] if CAMPAIGN else ["Static"])
def test_nodes_that_all_die_at_once_find_each_other_again(strategy, namespace):
    nodes = Nodes(namespace, "killed")
    namespace.apply(elixircluster("killed", "chat", replicas=3, discovery={"strategy": strategy}))
    namespace.wait_until_ready("killed", 300)
    assert nodes.connected(3)
    before = namespace.lives("killed")
    namespace.kubectl("delete", "pods", "-l", "elixircluster.dev/cluster=killed", "--grace-period=0", "--force")
    started = time.monotonic()
    assert nodes.connected(3, 180), nodes.views()
    print(f"\n{strategy}: connected {time.monotonic() - started:.0f} s after all were killed")
    after = namespace.lives("killed")
    assert not set(before.values()) & set(after.values())
    assert [restarts for _, restarts in after.values()] == [0, 0, 0]


def test_no_link_is_lost_while_dns_is_away(namespace):
    clusters = [Nodes(namespace, name.lower()) for name in ("DNS", "Static")]
    for nodes, strategy in zip(clusters, ("DNS", "Static"), strict=True):
        discovery = {"strategy": strategy, "pollingIntervalSeconds": 1}
        namespace.apply(elixircluster(nodes.name, "chat", replicas=3, discovery=discovery))
    together(*(lambda nodes=nodes: namespace.wait_until_ready(nodes.name, 300) for nodes in clusters))
    assert all(nodes.connected(3) for nodes in clusters)
    fault = namespace.kubernetes.fault
    try:
        fault.dns_stop()
    except UnsupportedError as reason:
        pytest.skip(str(reason))
    try:
        until = time.monotonic() + AWAY_SECONDS
        while time.monotonic() < until:
            assert all(nodes.complete(3) for nodes in clusters)
            time.sleep(1)
    finally:
        fault.dns_start()
    assert all(nodes.connected(3) for nodes in clusters)
