"""Whether the nodes find and reach each other: DNS, policies, ports."""

from __future__ import annotations

from collections.abc import Iterator

from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import Verdict, failed, passed, skipped, some
from elixircluster.doctor.policies import DNS_PORT, Pod, closed_by
from elixircluster.doctor.probe import LATE

NOTHING = "no pod could be looked into"
BY_DNS = {"DNS", "DNSSRV", "Static"}


def policy(facts: Facts) -> Verdict:
    """No NetworkPolicy keeps members from each other, or from DNS."""
    if "policies" in facts.unseen:
        return skipped(f"NetworkPolicies cannot be listed: {facts.unseen['policies']}")
    pods = [_seen(facts, member) for member in facts.members if member.address]
    shut = {}
    for source in pods:
        for target in pods:
            if source is not target and _closed(facts, source.name, target.name):
                names = closed_by(facts.policies, source, target, facts.distribution.port)
                shut.update({name: f"{name} closes port {facts.distribution.port} between pods" for name in names})
        if _no_dns(facts, source.name):
            names = closed_by(facts.policies, source, None, DNS_PORT, "UDP")
            shut.update({name: f"{name} lets no DNS query out" for name in names if name not in shut})
    if shut:
        return failed(
            "a NetworkPolicy keeps the nodes apart",
            list(shut.values()),
            f"open TCP port {facts.distribution.port} between pods of {facts.name}, and port 53 to DNS, in: "
            f"{some(sorted(shut))}",
        )
    return passed(f"none of {len(facts.policies)} keeps the nodes apart")


def _seen(facts: Facts, member: Member) -> Pod:
    metadata = member.pod["metadata"]
    labels = (facts.namespace.get("metadata") or {}).get("labels") or {}
    named = {"kubernetes.io/metadata.name": metadata["namespace"]}
    ports = {
        str(port["name"]): int(port["containerPort"])
        for container in member.pod["spec"]["containers"]
        for port in container.get("ports") or []
        if "name" in port
    }
    return Pod(member.name, member.address, metadata.get("labels") or {}, {**labels, **named}, ports)


def _closed(facts: Facts, source: str, target: str) -> bool:
    """Whether the port was seen closed; also where nobody could look."""
    answer = _knocked(facts, source).get(target)
    return answer is None or answer not in {"open", "econnrefused"}


def _knocked(facts: Facts, source: str) -> dict[str, str]:
    """How the peers answered a member: `open`, or why not."""
    for member in facts.probed:
        if member.name == source and member.probe:
            peers = member.probe.part("peers")
            return {pod: told["port"] for pod, told in peers.items() if isinstance(told.get("port"), str)}
    return {}


def _no_dns(facts: Facts, source: str) -> bool:
    return any(
        member.name == source and member.probe and member.probe.part("dns", "service").get("error") == "timeout"
        for member in facts.probed
    )


def dns(facts: Facts) -> Verdict:
    """The headless Service answers inside each pod, with all members."""
    if facts.strategy not in BY_DNS:
        return skipped(f"discovery.strategy {facts.strategy} does not ask DNS for nodes")
    if not facts.probed:
        return skipped(NOTHING)
    evidence = [line for member in facts.probed for line in _unresolved(facts, member)]
    if evidence:
        return failed("DNS does not answer as it should", evidence, _dns_remedy(facts))
    count = len([member for member in facts.members if member.address])
    return passed(f"{facts.service} lists {count} of {count} pods")


def _unresolved(facts: Facts, member: Member) -> Iterator[str]:
    told = member.probe.part("dns") if member.probe else {}
    if facts.distribution.naming == "address":
        wanted = {item.address for item in facts.members if item.address}
        yield from _missing(f"{member.name} asks for {facts.service}", told.get("service") or {}, wanted)
        return
    if facts.strategy == "DNSSRV":
        wanted = {f"{item.node.partition('@')[2]}:{facts.distribution.port}" for item in facts.members if item.address}
        yield from _missing(f"{member.name} asks for SRV of {facts.service}", told.get("srv") or {}, wanted)
    for item in facts.members:
        answer = (told.get("hosts") or {}).get(item.node.partition("@")[2])
        if answer is not None and item.address:
            yield from _missing(f"{member.name} asks for {item.node.partition('@')[2]}", answer, {item.address})


def _missing(asked: str, answer: dict[str, object], wanted: set[str]) -> Iterator[str]:
    if "error" in answer:
        if answer["error"] != LATE:
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
    seen = [(member, pod, answer) for member in facts.probed for pod, answer in _knocked(facts, member.name).items()]
    deaf = _deaf(facts)
    shut = [f"{member.name} → {pod}:{number}: {answer}" for member, pod, answer in seen if answer != "open"]
    if deaf:
        return failed(f"a node does not listen on port {number}", [*deaf, *shut], _deaf_remedy(number))
    if shut:
        return failed(
            f"port {number} is closed between pods",
            shut,
            "something between the pods drops it: a policy of another kind (Cilium, Calico, a service mesh), or a "
            "firewall between Kubernetes nodes",
        )
    if not seen:
        return skipped("no pod could be looked into" if not facts.probed else "there is one node only")
    return passed(f"{number} is open between all pods that were looked into")


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
