"""What a mesh looks like, in numbers for Prometheus."""

from __future__ import annotations

from elixircluster.api.resource import Key
from elixircluster.mesh.view import MeshView
from elixircluster.telemetry.metrics import booting, islands, links, links_expected, nodes


def measure(key: Key, seen: MeshView) -> None:
    """Tell what one mesh looks like."""
    nodes.labels(*key).set(len(seen.sees))
    booting.labels(*key).set(len(seen.booting))
    links.labels(*key).set(seen.links)
    links_expected.labels(*key).set(seen.expected_links)
    islands.labels(*key).set(len(seen.islands))


def forget(key: Key) -> None:
    """The mesh is not looked at any more."""
    for gauge in (nodes, booting, links, links_expected, islands):
        gauge.remove(*key)
