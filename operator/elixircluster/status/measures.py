"""What Kubernetes says of a resource's nodes, in numbers for Prometheus: of every resource, asked or not."""

from __future__ import annotations

from collections.abc import Sequence

from elixircluster.api.resource import Key
from elixircluster.observed.pod import Pod
from elixircluster.telemetry.metrics import nodes_lost, nodes_ready, nodes_wanted

GAUGES = (nodes_wanted, nodes_ready, nodes_lost)


def measure(key: Key, wanted: int, pods: Sequence[Pod]) -> None:
    """Tell how many nodes are wanted, ready, and lost with their machines."""
    counts = (wanted, sum(pod.up for pod in pods), sum(bool(pod.lost) for pod in pods))
    for gauge, count in zip(GAUGES, counts, strict=True):
        gauge.labels(*key).set(count)


def forget(key: Key) -> None:
    """The resource is gone."""
    for gauge in GAUGES:
        gauge.remove(*key)
