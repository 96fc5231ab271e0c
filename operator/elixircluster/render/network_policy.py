"""Who may reach the distribution. Every other port stays as it was without a policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from elixircluster.api.distribution import EPMD_PORT
from elixircluster.api.resource import GROUP, ElixirCluster
from elixircluster.render.names import members

LAST_PORT = 65535
OPERATOR = {f"{GROUP}/operator": "true"}
"""On the operator's pods, whatever its release is called."""

Json = Any


def policy(cluster: ElixirCluster, operator_namespace: str) -> dict[str, Json]:
    """What the NetworkPolicy's template needs beside the spec."""
    guarded = guarded_ports(cluster)
    return {
        "distribution_from": [
            {"podSelector": {"matchLabels": members(cluster)}},
            {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": operator_namespace}},
                "podSelector": {"matchLabels": OPERATOR},
            },
            *cluster.spec.network_policy.distribution_from,
        ],
        "distribution_ports": [{"protocol": "TCP", "port": port} for port in guarded],
        # A policy closes what it does not mention: probes, metrics and web are everybody's, as before.
        "other_ports": [*gaps(guarded), {"protocol": "UDP"}, {"protocol": "SCTP"}],
    }


def guarded_ports(cluster: ElixirCluster) -> list[int]:
    """The ports by which a node, or its name, can be reached."""
    distribution = cluster.spec.distribution
    return sorted({distribution.port, *([EPMD_PORT] if distribution.epmd == "Enabled" else [])})


def gaps(ports: Iterable[int]) -> Iterator[dict[str, Json]]:
    """The ranges of TCP ports between these."""
    start = 1
    for port in [*ports, LAST_PORT + 1]:
        if start < port:
            yield {"protocol": "TCP", "port": start, "endPort": port - 1}
        start = port + 1
