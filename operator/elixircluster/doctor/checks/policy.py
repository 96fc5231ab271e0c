"""Whether a NetworkPolicy keeps the nodes apart, or from DNS."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from elixircluster.doctor.checks.network import EPMD_PORT, knocked, unmapped
from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import Verdict, failed, passed, skipped, some
from elixircluster.doctor.policies import DNS_PORT, Pod, closed_by


def policy(facts: Facts) -> Verdict:
    """No policy closes a way that was found closed."""
    if "policies" in facts.unseen:
        return skipped(f"NetworkPolicies cannot be listed: {facts.unseen['policies']}")
    shut = dict([*_without_dns(facts), *_between(facts)])
    if not shut:
        return passed(f"none of {len(facts.policies)} keeps the nodes apart")
    return failed(
        "a NetworkPolicy keeps the nodes apart",
        list(shut.values()),
        f"open TCP port {' and '.join(map(str, _needed(facts)))} between pods of {facts.name}, and port 53 to DNS, in: "
        f"{some(sorted(shut))}",
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
    """Whether a port was seen closed; also where nobody could look."""
    answer = knocked(source).get(target.name)
    return answer not in {"open", "econnrefused"} or any(pod == target.name for pod, _ in unmapped(facts, source))


def _seen(facts: Facts, member: Member) -> Pod:
    """As a policy sees it."""
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
