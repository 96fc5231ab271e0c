"""Whether the nodes look for each other, and find: the discovery library's settings, and the mesh itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import Verdict, failed, passed, skipped, some
from elixircluster.doctor.probe import Told

PREFIX = "Elixir.Cluster.Strategy."


def discovery(facts: Facts) -> Verdict:
    """The nodes ask for this resource's nodes, by the names that they have."""
    asked = [line for member in facts.probed for line in _elsewhere(facts, member)]
    if asked:
        return failed(
            "a node looks for other nodes than its peers",
            asked,
            "the release's own configuration wins over the operator's: remove its libcluster topologies from "
            "config/runtime.exs, or read LIBCLUSTER_SERVICE and LIBCLUSTER_NODE_BASENAME there",
        )
    libraries = sorted({library for member in facts.probed for library in _libraries(member)})
    if facts.strategy in {"Static", "None"}:
        return passed(f"strategy {facts.strategy} needs no library") if facts.probed else skipped(NOTHING)
    if not any(member.probe and member.probe.said for member in facts.probed):
        return skipped("no node answers from beside it")
    if not libraries:
        return passed("its settings lead to these nodes; neither libcluster nor dns_cluster is in the release")
    if all(_started(member) for member in facts.probed):
        return passed(f"{some(libraries)} runs, and its settings lead to these nodes")
    return passed(f"its settings lead to these nodes; {some(libraries)} is in the release and does not run everywhere")


NOTHING = "no pod could be looked into"


def _libraries(member: Member) -> Sequence[str]:
    return list(member.probe.told.get("libraries") or []) if member.probe else []


def _started(member: Member) -> Sequence[str]:
    return list(member.probe.said.get("started") or []) if member.probe else []


def _elsewhere(facts: Facts, member: Member) -> Iterator[str]:
    """Questions that cannot find the peers."""
    if not member.probe:
        return
    wanted = f"{facts.service}."
    query = member.probe.part("environment").get("DNS_CLUSTER_QUERY")
    if facts.strategy == "DNS" and query is not None and not same_name(query, facts):
        yield f"{member.name}: DNS_CLUSTER_QUERY is {query or 'empty'}, not {wanted}"
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


def oneself(facts: Facts) -> Verdict:
    """Each node lets in one that has its own name's host, cookie, flags and certificate."""
    told = {member.name: member.probe.part("node") for member in facts.probed if member.probe}
    if not told:
        return skipped(NOTHING)
    refused = [name for name, answer in told.items() if answer.get("error") == "refused"]
    if refused:
        return failed(
            "a node refuses what it was started with itself",
            [f"{name} refuses a connection with its own cookie" for name in refused],
            "its cookie was changed while it ran (Node.set_cookie), or it hangs: "
            f"kubectl delete pod {' '.join(refused)}",
        )
    if any("said" not in answer for answer in told.values()):
        return skipped("not every node answered in time")
    return passed(f"each of {len(told)} nodes lets in one with its own cookie")


def mesh(facts: Facts) -> Verdict:
    """Every node sees every other: what is left to say where nothing else is wrong."""
    clustered = facts.conditions.get("Clustered", {})
    sees = {
        member.node: set(member.probe.said["visible"])
        for member in facts.probed
        if member.probe and isinstance(member.probe.said.get("visible"), list)
    }
    nodes = {member.node for member in facts.members if member.node}
    missing = [
        f"{node} does not see {some(sorted(nodes - seen - {node}))}"
        for node, seen in sees.items()
        if nodes - seen - {node}
    ]
    if not sees:
        return _by_operator(clustered)
    if not missing:
        return passed(f"each of {len(sees)} nodes sees all {len(nodes)}")
    if clustered.get("reason") == "Forming":
        return skipped(f"nodes still look for each other: {clustered['message']}")
    told = [f"the operator says: {clustered['message']}"] if clustered.get("message") else []
    return failed("the nodes do not see each other", [*missing, *told], _mesh_remedy(facts))


def _by_operator(clustered: Told) -> Verdict:
    if clustered.get("status") == "False" and clustered.get("reason") != "Forming":
        return failed("the nodes do not see each other", [str(clustered["message"])], "kubectl logs of the named pods")
    if clustered.get("status") == "True":
        return passed(str(clustered["message"]))
    return skipped("no node answers from beside it")


def _mesh_remedy(facts: Facts) -> str:
    refused = [
        f"{member.name} → {pod}"
        for member in facts.probed
        for pod, let_in in (member.probe.part("node", "dials") if member.probe else {}).items()
        if let_in is False
    ]
    if refused:
        return f"a node with the same cookie is refused ({some(refused)}): kubectl logs of both pods says why"
    if facts.strategy == "None":
        return "with discovery.strategy None the application must connect the nodes; each would let the others in"
    if not any(_libraries(member) for member in facts.probed):
        return "each would let the others in, but nobody asks: add libcluster or dns_cluster, or use strategy Static"
    if not all(_started(member) for member in facts.probed):
        return "the library is in the release and does not run: is it there with `runtime: false`?"
    return (
        "each would let the others in, but nobody asks: is Cluster.Supervisor (or DNSCluster) among the children of "
        "the application's supervisor?"
    )
