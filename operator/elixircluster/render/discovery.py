"""How nodes are named and find each other: one row a strategy.

A strategy fixes the host part of the node names, because libraries build the names that they dial from what
discovery tells them: dns_cluster and libcluster's Kubernetes.DNS dial addresses, Kubernetes.DNSSRV dials hosts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from elixircluster.api.resource import ElixirCluster
from elixircluster.render.names import headless_host, names

TOPOLOGY = "elixircluster"
DEFAULT_DOMAIN = "cluster.local"

Options = Mapping[str, str | int]


@dataclass(frozen=True)
class Strategy:
    """A row: how nodes are named, and what libcluster is told."""

    host: Callable[[ElixirCluster], str]
    module: str
    options: Callable[[ElixirCluster], Options]
    environment: Callable[[ElixirCluster], Mapping[str, str]]


def _address(_: ElixirCluster) -> str:
    return "$(POD_IP)"


def _pod_host(cluster: ElixirCluster) -> str:
    return f"$(POD_NAME).{headless_host(cluster)}"


def _query(cluster: ElixirCluster) -> str:
    # With the trailing dot no search domain is tried: one query a poll, not four.
    return f"{headless_host(cluster)}."


def _domain(cluster: ElixirCluster) -> Mapping[str, str]:
    # libcluster appends CLUSTER_DOMAIN as it stands, and its own default ends with a dot.
    domain = cluster.spec.discovery.cluster_domain
    return {} if domain == DEFAULT_DOMAIN else {"CLUSTER_DOMAIN": f"{domain}."}


STRATEGIES: Mapping[str, Strategy] = {
    "DNS": Strategy(
        host=_address,
        module="Elixir.Cluster.Strategy.Kubernetes.DNS",
        options=lambda cluster: {"service": _query(cluster), "application_name": cluster.base_name},
        environment=lambda cluster: {"DNS_CLUSTER_QUERY": _query(cluster)},
    ),
    "DNSSRV": Strategy(
        host=_pod_host,
        module="Elixir.Cluster.Strategy.Kubernetes.DNSSRV",
        options=lambda cluster: {
            "service": names(cluster).headless,
            "application_name": cluster.base_name,
            "namespace": cluster.namespace,
        },
        environment=_domain,
    ),
}


def strategy(cluster: ElixirCluster) -> Strategy:
    """The row of the resource's strategy."""
    return STRATEGIES[cluster.spec.discovery.strategy]


def node_name(cluster: ElixirCluster) -> str:
    """The name of a node, with `$(POD_IP)` or `$(POD_NAME)` for the kubelet to expand."""
    return f"{cluster.base_name}@{strategy(cluster).host(cluster)}"


def environment(cluster: ElixirCluster) -> dict[str, str]:
    """Variables for the discovery libraries, and for a `runtime.exs` that sets them up itself."""
    row = strategy(cluster)
    return {
        **row.environment(cluster),
        "LIBCLUSTER_STRATEGY": row.module.removeprefix("Elixir."),
        "LIBCLUSTER_SERVICE": names(cluster).headless,
        "LIBCLUSTER_NAMESPACE": cluster.namespace,
        "LIBCLUSTER_NODE_BASENAME": cluster.base_name,
        "LIBCLUSTER_POLLING_INTERVAL": str(polling_interval(cluster)),
    }


def polling_interval(cluster: ElixirCluster) -> int:
    """In milliseconds."""
    return cluster.spec.discovery.polling_interval_seconds * 1000


def libcluster_config(cluster: ElixirCluster) -> str:
    """The file that `-config` merges over the release's sys.config: libcluster's topologies as an Erlang term.

    Strings are binaries, because libcluster interpolates them into Elixir strings.
    """
    row = strategy(cluster)
    options = {**row.options(cluster), "polling_interval": polling_interval(cluster)}
    config = ",".join(f"{{{key},{_term(value)}}}" for key, value in options.items())
    topology = f"[{{strategy,'{row.module}'}},{{config,[{config}]}}]"
    return f"[{{libcluster,[{{topologies,[{{{TOPOLOGY},{topology}}}]}}]}}].\n"


def _term(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'<<"{escaped}"/utf8>>'
