"""How nodes are named and find each other: one row a strategy.

A strategy fixes the host part of the node names, because libraries build the names that they dial from what
discovery tells them: dns_cluster and libcluster's Kubernetes.DNS dial addresses, Kubernetes.DNSSRV dials hosts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from elixircluster.api.resource import ElixirCluster
from elixircluster.render.names import headless_host, names, pod_name, selector, selector_text

TOPOLOGY = "elixircluster"
DEFAULT_DOMAIN = "cluster.local"
DEFAULT_POLLING_SECONDS = 5

# How long a starting node waits for others that are not there. It dials all of them first, and those that start
# later dial it, so nothing is lost by waiting little.
SYNC_TIMEOUT_MILLISECONDS = 1000

Term = str | int | list["Atom"]


class Atom(str):
    """An Erlang atom; any other text is a binary."""

    __slots__ = ()


class Topology(NamedTuple):
    """A strategy of libcluster and its options."""

    module: str
    options: Mapping[str, Term]


@dataclass(frozen=True)
class Strategy:
    """A row: how nodes are named, what libcluster is told, and what else the strategy needs."""

    naming: Literal["address", "host"]
    topology: Callable[[ElixirCluster], Topology | None]
    environment: Callable[[ElixirCluster], Mapping[str, str]] = lambda _: {}
    asks_api: bool = False
    connects_at_start: bool = False


def query(cluster: ElixirCluster) -> str:
    """The headless Service. With the trailing dot no search domain is tried: one query a poll, not four."""
    return f"{headless_host(cluster)}."


def polling(cluster: ElixirCluster) -> Mapping[str, Term]:
    """In milliseconds."""
    return {"polling_interval": (cluster.spec.discovery.polling_interval_seconds or DEFAULT_POLLING_SECONDS) * 1000}


def _dns(cluster: ElixirCluster) -> Topology:
    if cluster.spec.distribution.ip_family == "IPv6":
        # Kubernetes.DNS asks for IPv4 addresses only.
        options = {"query": query(cluster), "node_basename": cluster.base_name, **polling(cluster)}
        return Topology("Cluster.Strategy.DNSPoll", options)
    options = {"service": query(cluster), "application_name": cluster.base_name, **polling(cluster)}
    return Topology("Cluster.Strategy.Kubernetes.DNS", options)


def _dnssrv(cluster: ElixirCluster) -> Topology:
    options = {
        "service": names(cluster).headless,
        "application_name": cluster.base_name,
        "namespace": cluster.namespace,
        **polling(cluster),
    }
    return Topology("Cluster.Strategy.Kubernetes.DNSSRV", options)


def _api(cluster: ElixirCluster) -> Topology:
    options = {
        "mode": Atom("ip"),
        # Pods and not endpoints: nodes are found before they are ready.
        "kubernetes_ip_lookup_mode": Atom("pods"),
        "kubernetes_node_basename": cluster.base_name,
        "kubernetes_selector": selector_text(selector(cluster)),
        "kubernetes_namespace": cluster.namespace,
        **polling(cluster),
    }
    return Topology("Cluster.Strategy.Kubernetes", options)


def _static(cluster: ElixirCluster) -> Topology:
    return Topology(
        "Cluster.Strategy.Epmd", {"hosts": list(every_node(cluster)), "timeout": polling(cluster)["polling_interval"]}
    )


def _domain(cluster: ElixirCluster) -> Mapping[str, str]:
    # libcluster appends CLUSTER_DOMAIN as it stands, and its own default ends with a dot.
    domain = cluster.spec.discovery.cluster_domain
    return {} if domain == DEFAULT_DOMAIN else {"CLUSTER_DOMAIN": f"{domain}."}


STRATEGIES: Mapping[str, Strategy] = {
    "DNS": Strategy("address", _dns, lambda cluster: {"DNS_CLUSTER_QUERY": query(cluster)}),
    "DNSSRV": Strategy("host", _dnssrv, _domain),
    "API": Strategy("address", _api, _domain, asks_api=True),
    "Static": Strategy("host", _static, connects_at_start=True),
    "None": Strategy("address", lambda _: None),
}

HOSTS: Mapping[str, Callable[[ElixirCluster], str]] = {
    "address": lambda _: "$(POD_IP)",
    "host": lambda cluster: f"$(POD_NAME).{headless_host(cluster)}",
}


def strategy(cluster: ElixirCluster) -> Strategy:
    """The row of the resource's strategy."""
    return STRATEGIES[cluster.spec.discovery.strategy]


def node_name(cluster: ElixirCluster) -> str:
    """The name of a node, with `$(POD_IP)` or `$(POD_NAME)` for the kubelet to expand."""
    return f"{cluster.base_name}@{HOSTS[strategy(cluster).naming](cluster)}"


def every_node(cluster: ElixirCluster) -> Iterator[Atom]:
    """The names of all nodes, where the name follows from the ordinal."""
    for ordinal in range(cluster.spec.replicas):
        yield Atom(f"{cluster.base_name}@{pod_name(cluster, ordinal)}.{headless_host(cluster)}")


def environment(cluster: ElixirCluster) -> dict[str, str]:
    """Variables for the discovery libraries, and for a `runtime.exs` that sets them up itself.

    The LIBCLUSTER_KUBERNETES_ names are Gigalixir's, so that an application moves without an edit.
    """
    row = strategy(cluster)
    topology = row.topology(cluster)
    if topology is None:
        return {}
    return {
        **row.environment(cluster),
        "LIBCLUSTER_STRATEGY": topology.module,
        "LIBCLUSTER_SERVICE": names(cluster).headless,
        "LIBCLUSTER_NAMESPACE": cluster.namespace,
        "LIBCLUSTER_NODE_BASENAME": cluster.base_name,
        "LIBCLUSTER_POLLING_INTERVAL": str(polling(cluster)["polling_interval"]),
        "LIBCLUSTER_KUBERNETES_SELECTOR": selector_text(selector(cluster)),
        "LIBCLUSTER_KUBERNETES_NODE_BASENAME": cluster.base_name,
    }


def config_file(cluster: ElixirCluster) -> str:
    """The file that `-config` merges over the release's sys.config: libcluster's topologies as an Erlang term.

    Strings are binaries, because libcluster interpolates them into Elixir strings. With Static the kernel connects
    nodes at their start; those names are here and not in a flag, so that scaling changes no pod.
    """
    row = strategy(cluster)
    applications = []
    if row.connects_at_start:
        peers = term(list(every_node(cluster)))
        applications.append(
            f"{{kernel,[{{sync_nodes_optional,{peers}}},{{sync_nodes_timeout,{SYNC_TIMEOUT_MILLISECONDS}}}]}}"
        )
    topology = row.topology(cluster)
    if topology:
        config = ",".join(f"{{{key},{term(value)}}}" for key, value in topology.options.items())
        settings = f"[{{strategy,'Elixir.{topology.module}'}},{{config,[{config}]}}]"
        applications.append(f"{{libcluster,[{{topologies,[{{{TOPOLOGY},{settings}}}]}}]}}")
    return f"[{','.join(applications)}].\n"


def term(value: Term) -> str:
    """A value in Erlang's syntax."""
    if isinstance(value, list):
        return f"[{','.join(term(item) for item in value)}]"
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\")
    if isinstance(value, Atom):
        return "'" + escaped.replace("'", "\\'") + "'"
    return '<<"' + escaped.replace('"', '\\"') + '"/utf8>>'
