"""Whether the nodes find and reach each other: DNS and ports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import NOTHING, Verdict, failed, looked_into, skipped, some
from elixircluster.doctor.probe import UNTOLD, Told
from elixircluster.plugin.resources import CONTAINER

EPMD_PORT = 4369
CACHED_SECONDS = 60.0
"""How old an answer of DNS can be: kubeadm's 30 s, and as much again in a cache."""
BY_DNS = {"DNS", "DNSSRV", "Static"}
CLUSTER_FIRST = {"ClusterFirst", "ClusterFirstWithHostNet"}
NOBODY = "econnrefused"
"""The answer of a port on which nobody listens."""


def dns(facts: Facts) -> Verdict:
    """The headless Service answers inside each pod, with all members."""
    if facts.strategy not in BY_DNS and facts.distribution.naming != "host":
        return skipped(f"spec.discovery.strategy {facts.strategy} does not ask DNS for nodes")
    if not facts.probed:
        return skipped(NOTHING)
    evidence = [line for member in facts.probed for line in _unresolved(facts, member)]
    if evidence:
        return failed("DNS does not answer as it should", evidence, _dns_remedy(facts))
    answers = [(member.name, found) for member in facts.probed if (found := _answers(member)) is not None]
    if not answers:
        return skipped("DNS did not answer in time")
    addresses = {member.address for member in facts.members if member.address}
    listed = set.intersection(*(found for _, found in answers)) & addresses
    if not listed:
        return skipped("all pods started less than a minute ago, and DNS does not list them yet")
    young = len(facts.members) - len(listed)
    words = f"lists {len(listed)} of {len(facts.members)} pods; {young} started less than a minute ago"
    told = words if young else f"lists all {len(listed)} pods"
    return looked_into(facts, answers, f"{facts.service} {told}")


def _answers(member: Member) -> set[str] | None:
    """The addresses that the Service is said to have; None where there was no answer."""
    told = member.probe.part("dns", "service") if member.probe else {}
    if told.get("error") == "nxdomain":
        return set()
    return None if "answers" not in told else set(map(str, told["answers"] or ()))


def _unresolved(facts: Facts, member: Member) -> Iterator[str]:
    told = member.probe.part("dns") if member.probe else {}
    hosts = member.probe.each("dns", "hosts") if member.probe else {}
    addressed = _listed(facts)
    if facts.strategy in BY_DNS:
        addresses = {item.address for item in addressed}
        yield from _missing(f"{member.name} asks for {facts.service}", told.get("service") or {}, addresses)
    if facts.strategy == "DNSSRV":
        wanted = {f"{_host(item)}:{facts.distribution.port}" for item in addressed}
        yield from _missing(f"{member.name} asks for SRV of {facts.service}", told.get("srv") or {}, wanted)
    for item in addressed:
        answer = hosts.get(_host(item))
        if answer is not None:
            yield from _missing(f"{member.name} asks for {_host(item)}", answer, {item.address})


def _listed(facts: Facts) -> Sequence[Member]:
    """The members that DNS must know: those that are there for longer than an answer may be kept."""
    return [item for item in facts.members if item.address and facts.now - item.started > CACHED_SECONDS]


def _host(member: Member) -> str:
    return member.node.partition("@")[2]


def _missing(asked: str, answer: Told, wanted: set[str]) -> Iterator[str]:
    if "error" in answer:
        if answer["error"] not in UNTOLD and (wanted or answer["error"] != "nxdomain"):
            yield f"{asked}: {answer['error']}"
        return
    if "answers" not in answer:
        return
    found = set(map(str, answer["answers"] or ()))
    if not wanted <= found:
        yield f"{asked}: no {some(sorted(wanted - found))} in the answer ({some(sorted(found)) or 'empty'})"


def _dns_remedy(facts: Facts) -> str:
    policies = {member.pod["spec"].get("dnsPolicy", "ClusterFirst") for member in facts.members}
    if policies - CLUSTER_FIRST:
        return f"the pods have dnsPolicy {some(sorted(policies - CLUSTER_FIRST))}: remove it from spec.podTemplate"
    slices = f"{facts.kubectl} get endpointslices -l kubernetes.io/service-name={facts.name}-nodes"
    if "slices" not in facts.unseen and not any(item.get("endpoints") for item in facts.slices):
        return f"the Service {facts.name}-nodes has no endpoints: {slices}"
    errors = {str(member.probe.part("dns", "service").get("error", "")) for member in facts.probed if member.probe}
    if "nxdomain" in errors:
        return f"is spec.discovery.clusterDomain ({facts.service.partition('.svc.')[2]}) that of this Kubernetes?"
    if errors <= {"", *UNTOLD}:
        return f"DNS answers, and not with every pod: are they in {slices}, and is what serves DNS here behind?"
    return (
        "what serves DNS here does not answer; where it is CoreDNS: kubectl -n kube-system get pods -l k8s-app=kube-dns"
    )


def port(facts: Facts) -> Verdict:
    """Each member reaches the distribution port of each other."""
    number = facts.distribution.port
    seen = [(member, pod, answer) for member in facts.probed for pod, answer in knocked(member).items()]
    deaf = _deaf(facts)
    nobody = [_way(member, pod, number, answer) for member, pod, answer in seen if answer == NOBODY]
    shut = [_way(member, pod, number, answer) for member, pod, answer in seen if answer not in {"open", NOBODY}]
    mapper = [_way(member, pod, EPMD_PORT, why) for member in facts.probed for pod, why in unmapped(facts, member)]
    if deaf:
        return failed(f"a node does not listen on port {number}", [*deaf, *nobody, *shut, *mapper], _deaf_remedy(facts))
    if nobody and not shut:
        silent = sorted({pod for _, pod, answer in seen if answer == NOBODY})
        fix = f"does that node still start? {facts.kubectl} logs {silent[0]} -c {CONTAINER}; else {_deaf_remedy(facts)}"
        return failed(f"nobody listens on port {number}", [*nobody, *mapper], fix)
    if shut:
        return failed("a port is closed between pods", [*shut, *nobody, *mapper], _shut_remedy(facts))
    if mapper:
        fix = "epmd does not run in that pod, or does not know its node: the node's log says so when it starts"
        return failed("the port mapper does not answer as it should", mapper, fix)
    if not seen:
        return skipped("there is one node only" if len(facts.members) == 1 else NOTHING)
    wanted = sum(len(set(_reachable(facts)) - {member.name}) for member in facts.probed)
    tried = "" if len(seen) >= wanted else f" ({len(seen)} of {wanted} ways were tried in time)"
    return looked_into(facts, facts.probed, f"{number} is open between all pods that were looked into{tried}")


def _reachable(facts: Facts) -> Iterator[str]:
    return (member.name for member in facts.probed if member.address)


def _way(member: Member, pod: str, number: int, why: str) -> str:
    return f"{member.name} → {pod}:{number}: {why}"


def _shut_remedy(facts: Facts) -> str:
    """What may drop packets, of what was not ruled out."""
    others = "a policy of another kind (such as Cilium's or Calico's own), a service mesh, or a firewall"
    if "policies" in facts.unseen:
        others = f"a NetworkPolicy (none could be listed here), {others}"
    return f"something between these pods drops what is sent to the port: {others} between their Kubernetes nodes"


def knocked(member: Member) -> Mapping[str, str]:
    """How the peers answered a member, by pod: `open`, or why not. Late answers are left out."""
    peers = member.probe.each("peers") if member.probe else {}
    return {pod: told["port"] for pod, told in peers.items() if isinstance(told.get("port"), str)}


def unmapped(facts: Facts, member: Member) -> Iterator[tuple[str, str]]:
    """The peers whose port mapper is needed, and does not answer or does not know their node; and what it says."""
    if not facts.distribution.epmd or not member.probe:
        return
    bases = {item.name: item.node.partition("@")[0] for item in facts.members}
    for pod, told in member.probe.each("peers").items():
        answer = told.get("epmd") or {}
        if "error" in answer and answer["error"] not in UNTOLD:
            yield pod, str(answer["error"])
        elif "names" in answer and bases.get(pod) not in {entry.get("name") for entry in answer["names"]}:
            yield pod, f"epmd there knows no {bases.get(pod)}"


def _deaf(facts: Facts) -> list[str]:
    number = facts.distribution.port
    found = []
    for member in facts.probed:
        listens = list(member.told.get("listens") or [])
        if listens and number not in listens:
            found.append(f"{member.name} listens on {', '.join(map(str, listens))}, and not on {number}")
    return found


def _deaf_remedy(facts: Facts) -> str:
    return (
        f"what starts the node drops or changes {facts.port_variable}, by which it would listen on "
        f"{facts.distribution.port}: look at spec.env, spec.release.command and what the image starts with"
    )
