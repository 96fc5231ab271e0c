"""Whether the nodes find and reach each other: DNS and ports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import Verdict, failed, passed, skipped, some
from elixircluster.doctor.probe import LATE

NOTHING = "no pod could be looked into"
EPMD_PORT = 4369
CACHED_SECONDS = 60.0
"""How old an answer of DNS can be: kubeadm's 30 s, and as much again in a cache."""
BY_DNS = {"DNS", "DNSSRV", "Static"}


def dns(facts: Facts) -> Verdict:
    """The headless Service answers inside each pod, with all members."""
    if facts.strategy not in BY_DNS:
        return skipped(f"discovery.strategy {facts.strategy} does not ask DNS for nodes")
    if not facts.probed:
        return skipped(NOTHING)
    evidence = [line for member in facts.probed for line in _unresolved(facts, member)]
    if evidence:
        return failed("DNS does not answer as it should", evidence, _dns_remedy(facts))
    count, young = len(_listed(facts)), len(facts.members) - len(_listed(facts))
    new = f"; {young} started less than a minute ago" if young else ""
    return passed(f"{facts.service} lists all {count} pods{new}")


def _unresolved(facts: Facts, member: Member) -> Iterator[str]:
    told = member.probe.part("dns") if member.probe else {}
    addressed = _listed(facts)
    addresses = {item.address for item in addressed}
    yield from _missing(f"{member.name} asks for {facts.service}", told.get("service") or {}, addresses)
    if facts.strategy == "DNSSRV":
        wanted = {f"{_host(item)}:{facts.distribution.port}" for item in addressed}
        yield from _missing(f"{member.name} asks for SRV of {facts.service}", told.get("srv") or {}, wanted)
    for item in addressed:
        answer = (told.get("hosts") or {}).get(_host(item))
        if answer is not None:
            yield from _missing(f"{member.name} asks for {_host(item)}", answer, {item.address})


def _listed(facts: Facts) -> Sequence[Member]:
    """The members that DNS must know: those that are there for longer than an answer may be kept."""
    return [item for item in facts.members if item.address and facts.now - item.started > CACHED_SECONDS]


def _host(member: Member) -> str:
    return member.node.partition("@")[2]


def _missing(asked: str, answer: dict[str, object], wanted: set[str]) -> Iterator[str]:
    if "error" in answer:
        if answer["error"] != LATE and (wanted or answer["error"] != "nxdomain"):
            yield f"{asked}: {answer['error']}"
        return
    found = set(map(str, answer.get("answers") or ()))  # type: ignore[call-overload]
    if not wanted <= found:
        yield f"{asked}: no {some(sorted(wanted - found))} in the answer ({some(sorted(found)) or 'empty'})"


def _dns_remedy(facts: Facts) -> str:
    policies = {member.pod["spec"].get("dnsPolicy", "ClusterFirst") for member in facts.members}
    if policies - {"ClusterFirst"}:
        return f"the pods have dnsPolicy {some(sorted(policies))}: remove it from spec.podTemplate"
    if not facts.slices and "slices" not in facts.unseen:
        return f"the Service {facts.name}-nodes has no endpoints: kubectl describe service {facts.name}-nodes"
    errors = {str(member.probe.part("dns", "service").get("error", "")) for member in facts.probed if member.probe}
    if "nxdomain" in errors:
        return f"is spec.discovery.clusterDomain ({facts.service.partition('.svc.')[2]}) that of this Kubernetes?"
    return "CoreDNS does not answer: kubectl -n kube-system get pods -l k8s-app=kube-dns"


def port(facts: Facts) -> Verdict:
    """Each member reaches the distribution port of each other."""
    number = facts.distribution.port
    seen = [(member, pod, answer) for member in facts.probed for pod, answer in knocked(member).items()]
    deaf = _deaf(facts)
    shut = [f"{member.name} → {pod}:{number}: {answer}" for member, pod, answer in seen if answer != "open"]
    shut += [
        f"{member.name} → {pod}:{EPMD_PORT}: {why}" for member in facts.probed for pod, why in unmapped(facts, member)
    ]
    if deaf:
        return failed(f"a node does not listen on port {number}", [*deaf, *shut], _deaf_remedy(number))
    if shut:
        return failed(
            "a port is closed between pods",
            shut,
            "something between the pods drops it: a policy of another kind (Cilium, Calico, a service mesh), or a "
            "firewall between Kubernetes nodes",
        )
    if not seen:
        return skipped("no pod could be looked into" if not facts.probed else "there is one node only")
    return passed(f"{number} is open between all pods that were looked into")


def knocked(member: Member) -> Mapping[str, str]:
    """How the peers answered a member, by pod: `open`, or why not. Late answers are left out."""
    peers = member.probe.part("peers") if member.probe else {}
    return {pod: told["port"] for pod, told in peers.items() if isinstance(told.get("port"), str)}


def unmapped(facts: Facts, member: Member) -> Iterator[tuple[str, str]]:
    """The peers whose port mapper is needed, and does not answer or does not know their node; and what it says."""
    if not facts.distribution.epmd or not member.probe:
        return
    bases = {item.name: item.node.partition("@")[0] for item in facts.members}
    for pod, told in member.probe.part("peers").items():
        answer = told.get("epmd") or {}
        if answer.get("error", LATE) != LATE:
            yield pod, str(answer["error"])
        elif "names" in answer and bases.get(pod) not in {entry.get("name") for entry in answer["names"]}:
            yield pod, f"epmd there knows no {bases.get(pod)}"


def _deaf(facts: Facts) -> list[str]:
    number = facts.distribution.port
    found = []
    for member in facts.probed:
        listens = list(member.probe.told.get("listens") or []) if member.probe else []
        if listens and number not in listens:
            found.append(f"{member.name} listens on {', '.join(map(str, listens))}, and not on {number}")
    return found


def _deaf_remedy(number: int) -> str:
    return f"what starts the node drops or changes ERL_AFLAGS, by which it would listen on {number}"


def stranger(facts: Facts) -> Verdict:
    """The distribution port is closed to pods that are no members."""
    mode = (facts.spec.get("networkPolicy") or {}).get("mode", "Enforced")
    if facts.no_stranger:
        return skipped(facts.no_stranger)
    got_in = sorted(address for address, answer in facts.knocks.items() if answer == "open")
    if mode != "Enforced":
        return passed(f"networkPolicy.mode is {mode}: the port is open to every pod")
    if got_in:
        return failed(
            f"port {facts.distribution.port} is open to strangers",
            [f"a pod that is no member reached {address}" for address in got_in],
            "the network plugin does not enforce NetworkPolicies, or another policy opens the port",
        )
    return passed(f"port {facts.distribution.port} is closed to a pod that is no member")
