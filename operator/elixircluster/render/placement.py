"""Where pods run: by default apart from each other, over Kubernetes nodes and over zones."""

from __future__ import annotations

from typing import Any

from elixircluster.api.resource import ElixirCluster
from elixircluster.render.names import selector

Json = Any

HOST = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"


def spread(cluster: ElixirCluster) -> list[Json]:
    """Over Kubernetes nodes where possible, so that one of them takes one member.

    Zones are no second constraint: with it the scheduler would score no node that has no zone, and where none has
    one, nothing would be spread at all.
    """
    said = cluster.spec.scheduling.topology_spread_constraints
    if said is not None:
        return said
    return [
        {
            "maxSkew": 1,
            "topologyKey": HOST,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector(cluster)},
        }
    ]


def affinity(cluster: ElixirCluster) -> dict[str, Json]:
    """The user's, and away from zones that have members: a preference counts for nothing where there are no zones."""
    scheduling = cluster.spec.scheduling
    said = scheduling.affinity or {}
    if scheduling.topology_spread_constraints is not None or "podAntiAffinity" in said:
        return said
    term = {"topologyKey": ZONE, "labelSelector": {"matchLabels": selector(cluster)}}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {**said, "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
