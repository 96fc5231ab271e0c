"""NetworkPolicies: which of them close a port between two pods. Pure.

A pod that no policy selects is open; one that some select is open to what any of them lets through.
https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

DNS_PORT = 53

Body = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """What a policy can see of a pod of the policies' own namespace. The address is empty where it is not known."""

    name: str
    address: str
    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)


def closed_by(
    policies: Sequence[Body], source: Pod, target: Pod | None, port: int, protocol: str = "TCP"
) -> Sequence[str]:
    """Names of the policies that together close this way; none where it is open. No target: anywhere at all."""
    out = _closing(policies, "Egress", source, target, port, protocol)
    return [*out, *(_closing(policies, "Ingress", target, source, port, protocol) if target else [])]


def opened_by(policies: Sequence[Body], source: Pod, target: Pod, port: int) -> Sequence[str]:
    """Names of the policies that select a pod and let another one in."""
    selecting = [item for item in policies if "Ingress" in _types(item) and _selects(item, target)]
    return [item["metadata"]["name"] for item in selecting if _lets(item, "Ingress", target, source, port, "TCP")]


def _closing(
    policies: Sequence[Body], direction: str, pod: Pod, other: Pod | None, port: int, protocol: str
) -> list[str]:
    selecting = [item for item in policies if direction in _types(item) and _selects(item, pod)]
    if any(_lets(item, direction, pod, other, port, protocol) for item in selecting):
        return []
    return [item["metadata"]["name"] for item in selecting]


def _lets(policy: Body, direction: str, pod: Pod, other: Pod | None, port: int, protocol: str) -> bool:
    field_name, side = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    listener = other if direction == "Egress" else pod
    return any(
        _names_port(rule.get("ports"), listener, port, protocol) and _names_peer(rule.get(side), other)
        for rule in policy["spec"].get(field_name) or []
    )


def _types(policy: Body) -> Sequence[str]:
    usual = ["Ingress", "Egress"] if policy["spec"].get("egress") else ["Ingress"]
    return list(policy["spec"].get("policyTypes") or usual)


def _selects(policy: Body, pod: Pod) -> bool:
    return matches(policy["spec"].get("podSelector") or {}, pod.labels)


def _names_port(ports: Sequence[Body] | None, listener: Pod | None, port: int, protocol: str) -> bool:
    return not ports or any(_is_port(item, listener, port, protocol) for item in ports)


def _is_port(item: Body, listener: Pod | None, port: int, protocol: str) -> bool:
    if item.get("protocol", "TCP") != protocol:
        return False
    first: Any = item.get("port")
    if isinstance(first, str):
        # By name it is another number on each pod, which we cannot look up of a pod that we do not know.
        return listener is None or listener.ports.get(first) == port
    if first is None:
        return True
    return int(first) <= port <= int(item.get("endPort", first))


def _names_peer(peers: Sequence[Body] | None, other: Pod | None) -> bool:
    return not peers or other is None or any(_is_peer(peer, other) for peer in peers)


def _is_peer(peer: Body, other: Pod) -> bool:
    if "ipBlock" in peer:
        return _in_block(peer["ipBlock"], other.address)
    namespace = peer.get("namespaceSelector")
    if namespace is not None and not matches(namespace, other.namespace_labels):
        return False
    return matches(peer.get("podSelector") or {}, other.labels)


def _in_block(block: Body, address: str) -> bool:
    if not address:
        return False
    found = ipaddress.ip_address(address)
    inside = found in ipaddress.ip_network(block["cidr"], strict=False)
    return inside and not any(found in ipaddress.ip_network(part, strict=False) for part in block.get("except") or ())


def matches(selector: Body, labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects these labels; an empty one selects everything."""
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        OPERATORS[item["operator"]](labels.get(item["key"]), item.get("values") or []) for item in expressions
    )


OPERATORS: Mapping[str, Callable[[str | None, Sequence[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
}
