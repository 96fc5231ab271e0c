"""Whether the nodes look for each other, and where: the discovery library's settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import NOTHING, UNANSWERED, Verdict, failed, looked_into, skipped, some
from elixircluster.doctor.probe import Told

PREFIX = "Elixir.Cluster.Strategy."
QUERY = "DNS_CLUSTER_QUERY"


def discovery(facts: Facts) -> Verdict:
    """The nodes ask for this resource's nodes, by the names that they have."""
    asked = [line for member in facts.probed for line in _elsewhere(facts, member)]
    if asked:
        return failed("a node looks for other nodes than its peers", asked, _remedy(facts, asked))
    if facts.strategy in {"Static", "None"}:
        return looked_into(facts, facts.probed, f"strategy {facts.strategy} needs no library")
    answered = [member for member in facts.probed if member.said]
    if not answered:
        return skipped(UNANSWERED if facts.probed else NOTHING)
    found = sorted({library for member in answered for library in libraries(member)})
    if not found:
        return looked_into(facts, answered, "neither libcluster nor dns_cluster is in the release")
    if all(started(member) for member in answered):
        return looked_into(facts, answered, f"{some(found)} runs, and its settings lead to these nodes")
    told = f"its settings lead to these nodes; {some(found)} is in the release and does not run everywhere"
    return looked_into(facts, answered, told)


def _remedy(facts: Facts, asked: Sequence[str]) -> str:
    if any(QUERY in line for line in asked):
        # Not from spec.envFrom, which loses to what the operator sets.
        where = "spec.env, spec.release.command or the image's rel/env.sh.eex"
        return f"{QUERY} comes from {where}: remove it, the operator sets it"
    return (
        "the release's own configuration wins over the operator's: remove its libcluster topologies from "
        "config/runtime.exs, or read LIBCLUSTER_SERVICE and LIBCLUSTER_NODE_BASENAME there"
    )


def libraries(member: Member) -> Sequence[str]:
    """The discovery libraries of the release, by its folders and by what the node knows."""
    folders = list(map(str, member.told.get("libraries") or []))
    known = map(str, member.said.get("has") or [])
    return [*folders, *(name for name in known if not any(folder.startswith(name) for folder in folders))]


def started(member: Member) -> Sequence[str]:
    """Those that run."""
    return list(member.said.get("started") or [])


def _elsewhere(facts: Facts, member: Member) -> Iterator[str]:
    """Questions that cannot find the peers."""
    if not member.probe:
        return
    wanted = f"{facts.service}."
    query = member.probe.part("environment").get(QUERY)
    if facts.strategy == "DNS" and query is not None and not same_name(query, facts):
        yield f"{member.name}: {QUERY} is {query or 'empty'}, not {wanted}"
    for topology in member.probe.said.get("topologies") or []:
        judge = TOPOLOGIES.get(topology["strategy"].removeprefix(PREFIX))
        for fault in judge(topology["config"], facts, member) if judge else ():
            yield f"{member.name}: topology {topology['name']} {fault}"


def same_name(query: object, facts: Facts) -> bool:
    """Whether a name leads to the headless Service, with or without the search list's help."""
    namespace = facts.resource["metadata"]["namespace"]
    service = f"{facts.name}-nodes"
    full = facts.service
    short = {service, f"{service}.{namespace}", f"{service}.{namespace}.svc", full}
    return str(query).rstrip(".") in short


def _base(member: Member) -> str:
    return member.node.partition("@")[0]


def _by_name(service_key: str, base_key: str) -> Callable[[Told, Facts, Member], Iterator[str]]:
    def judge(config: Told, facts: Facts, member: Member) -> Iterator[str]:
        if not same_name(config.get(service_key), facts):
            yield f"asks for {config.get(service_key)}, not {facts.service}."
        if config.get(base_key) != _base(member):
            yield f"names the nodes {config.get(base_key)}@…, and they are {_base(member)}@…"

    return judge


def _by_service(config: Told, facts: Facts, member: Member) -> Iterator[str]:
    yield from _by_name("service", "application_name")(config, facts, member)
    namespace = facts.resource["metadata"]["namespace"]
    if config.get("namespace") != namespace:
        yield f"asks in namespace {config.get('namespace')}, not {namespace}"


def _by_api(config: Told, facts: Facts, member: Member) -> Iterator[str]:
    namespace = facts.resource["metadata"]["namespace"]
    if config.get("kubernetes_namespace", namespace) != namespace:
        yield f"asks in namespace {config.get('kubernetes_namespace')}, not {namespace}"
    if config.get("kubernetes_node_basename") != _base(member):
        yield f"names the nodes {config.get('kubernetes_node_basename')}@…, and they are {_base(member)}@…"
    labels = member.pod["metadata"].get("labels") or {}
    pairs = [pair.partition("=") for pair in str(config.get("kubernetes_selector", "")).split(",")]
    if any(labels.get(key) != value for key, _, value in pairs):
        yield f"selects {config.get('kubernetes_selector')}, which the pods are not labelled"


def _by_hosts(config: Told, facts: Facts, member: Member) -> Iterator[str]:
    hosts = set(config.get("hosts") or ())
    missing = sorted(item.node for item in facts.members if item.node and item.node not in hosts | {member.node})
    if missing:
        yield f"does not name {some(missing)}"


TOPOLOGIES: Mapping[str, Callable[[Told, Facts, Member], Iterator[str]]] = {
    "Kubernetes.DNS": _by_name("service", "application_name"),
    "DNSPoll": _by_name("query", "node_basename"),
    "Kubernetes.DNSSRV": _by_service,
    "Kubernetes": _by_api,
    "Epmd": _by_hosts,
}
"""What a strategy of libcluster must be told; of others nothing is known."""
