"""Whether a NetworkPolicy keeps the nodes apart, or from DNS; and whether it keeps strangers out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

from elixircluster.doctor.checks.network import EPMD_PORT, knocked, unmapped
from elixircluster.doctor.facts import Body, Facts, Member
from elixircluster.doctor.finding import Verdict, failed, looked_into, passed, skipped, some
from elixircluster.doctor.policies import DNS_PORT, Pod, closed_by, opened_by
from elixircluster.doctor.stranger import LABEL


def policy(facts: Facts) -> Verdict:
    """No policy closes a way that was found closed."""
    if "policies" in facts.unseen:
        return skipped(f"NetworkPolicies cannot be listed: {facts.unseen['policies']}")
    dns, between = dict(_without_dns(facts)), dict(_between(facts))
    if not dns and not between:
        if len([member for member in facts.members if member.address]) < 2:
            return skipped("there is nobody to keep apart: fewer than two pods have an address")
        return passed(f"none of {len(facts.policies)} keeps the nodes apart")
    ways = [
        *([f"TCP port {' and '.join(map(str, _needed(facts)))} between pods of {facts.name}"] if between else []),
        *(["UDP and TCP port 53 to DNS"] if dns else []),
    ]
    return failed(
        "a NetworkPolicy keeps the nodes apart" if between else "a NetworkPolicy keeps the nodes from DNS",
        [*dns.values(), *between.values()],
        f"open {', and '.join(ways)}, in: {some(sorted({*dns, *between}))}",
    )


def _between(facts: Facts) -> Iterator[tuple[str, str]]:
    """The policies that close a port between two members, and what each does."""
    addressed = [member for member in facts.members if member.address]
    for source, target in permutations(addressed, 2):
        if _closed(facts, source, target):
            for number in _needed(facts):
                for name in closed_by(facts.policies, _seen(facts, source), _seen(facts, target), number):
                    yield name, f"{name} closes port {number} between pods"


def _without_dns(facts: Facts) -> Iterator[tuple[str, str]]:
    for member in facts.probed:
        if member.probe and member.probe.part("dns", "service").get("error") == "timeout":
            for name in closed_by(facts.policies, _seen(facts, member), None, DNS_PORT, "UDP"):
                yield name, f"{name} lets no DNS query out"


def _needed(facts: Facts) -> list[int]:
    return [facts.distribution.port, *([EPMD_PORT] if facts.distribution.epmd else [])]


def _closed(facts: Facts, source: Member, target: Member) -> bool:
    """Whether a port was seen closed; where nobody could look, whether nobody says that it is open."""
    answer = knocked(source).get(target.name)
    if answer is None:
        return facts.conditions.get("Clustered", {}).get("status") != "True"
    return answer not in {"open", "econnrefused"} or any(pod == target.name for pod, _ in unmapped(facts, source))


def _seen(facts: Facts, member: Member) -> Pod:
    """As a policy sees it."""
    ports = {
        str(port["name"]): int(port["containerPort"])
        for container in member.pod["spec"]["containers"]
        for port in container.get("ports") or []
        if "name" in port
    }
    labels = member.pod["metadata"].get("labels") or {}
    return Pod(member.name, member.address, labels, _namespace_labels(facts), ports)


def _namespace_labels(facts: Facts) -> dict[str, str]:
    labels = (facts.namespace.get("metadata") or {}).get("labels") or {}
    return {**labels, "kubernetes.io/metadata.name": facts.resource["metadata"]["namespace"]}


NOT_ENFORCED = (
    "the network plugin of this Kubernetes does not enforce NetworkPolicies; one that does keeps strangers out, and so "
    "does TLS between the nodes (spec.distribution.tls.mode)"
)


def stranger(facts: Facts) -> Verdict:
    """The distribution port is closed to pods that are no members."""
    settings, number = facts.spec.get("networkPolicy") or {}, facts.distribution.port
    mode = settings.get("mode", "Enforced")
    if mode != "Enforced":
        return skipped(f"spec.networkPolicy.mode is {mode}: port {number} is open to every pod")
    if facts.no_stranger:
        return skipped(facts.no_stranger)
    got_in = sorted(address for address, answer in facts.knocks.items() if answer == "open")
    if not got_in:
        # At a node that lives: on a dead machine every port is closed.
        tried = [member for member in facts.probed if facts.knocks.get(member.address)]
        told = f"port {number} is closed to a pod that is no member"
        return looked_into(facts, tried, told) if facts.knocks else skipped("nobody knocked")
    open_by = _openers(facts, got_in)
    if open_by and settings.get("distributionFrom") and _ours(facts, open_by):
        return passed(f"port {number} is open to pods of this namespace, as spec.networkPolicy.distributionFrom says")
    evidence, fix = _why_open(facts, got_in, open_by)
    reached = [f"a pod that is no member reached {address}" for address in got_in]
    return failed(f"port {number} is open to strangers", [*reached, evidence], fix)


def _why_open(facts: Facts, addresses: Sequence[str], open_by: Sequence[str]) -> tuple[str, str]:
    """What shows why, and what to do."""
    policies = f"{facts.kubectl} get networkpolicies"
    if "policies" in facts.unseen:
        evidence = f"NetworkPolicies cannot be listed: {facts.unseen['policies']}"
        return evidence, f"look at spec.networkPolicy.distributionFrom, and at {policies}"
    if open_by:
        edit = f"{facts.kubectl} edit networkpolicy {' '.join(open_by)}"
        return f"let in by {some(open_by)}", f"where that is not meant, let them in no more: {edit}"
    if not any(_selecting(facts, address) for address in addresses):
        return "no NetworkPolicy selects it", f"the operator's is not there, or selects other pods: {policies}"
    return "every NetworkPolicy keeps it closed", NOT_ENFORCED


def _openers(facts: Facts, addresses: Sequence[str]) -> Sequence[str]:
    """The policies that let the doctor's own pod in."""
    here = Pod("", facts.stranger, {LABEL: facts.name}, _namespace_labels(facts))
    return sorted(
        {
            name
            for member in facts.members
            if member.address in addresses
            for name in opened_by(facts.policies, here, _seen(facts, member), facts.distribution.port)
        }
    )


def _ours(facts: Facts, names: Sequence[str]) -> bool:
    """Whether all of these are the operator's own."""
    owned = {item["metadata"]["name"] for item in facts.policies if _is_owned(item, facts.resource["metadata"])}
    return set(names) <= owned


def _is_owned(item: Body, owner: Body) -> bool:
    owners = item["metadata"].get("ownerReferences") or []
    return any((each.get("kind"), each.get("name")) == ("ElixirCluster", owner["name"]) for each in owners)


def _selecting(facts: Facts, address: str) -> bool:
    """Whether any policy selects the member at an address, for what comes in."""
    nobody = Pod("", "", {}, {})
    target = next((member for member in facts.members if member.address == address), None)
    if target is None:
        return False
    seen = _seen(facts, target)
    number = facts.distribution.port
    return bool(closed_by(facts.policies, nobody, seen, number) or opened_by(facts.policies, nobody, seen, number))
