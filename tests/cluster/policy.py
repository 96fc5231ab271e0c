"""NetworkPolicies as an nftables ruleset: a pure translation of what the API server says."""

from __future__ import annotations

import hashlib
import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .layout import NETWORKS, Network

TABLE = "elixircluster_policy"

Object = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """What a policy can see of a pod."""

    namespace: str
    ip: str
    labels: dict[str, str] = field(default_factory=dict)
    ports: dict[tuple[str, str], int] = field(default_factory=dict)  # (protocol, name) → number

    @classmethod
    def parse(cls, pod: Object) -> Pod | None:
        """None for a pod that has no address of its own, or has no more use for it."""
        spec, status = pod["spec"], pod.get("status", {})
        ended = status.get("phase") in ("Succeeded", "Failed")
        if spec.get("hostNetwork") or ended or not status.get("podIP"):
            return None
        containers = [*spec["containers"], *spec.get("initContainers", [])]
        ports = [port for container in containers for port in container.get("ports", [])]
        named = {(p.get("protocol", "TCP"), p["name"]): p["containerPort"] for p in ports if p.get("name")}
        meta = pod["metadata"]
        return cls(meta["namespace"], status["podIP"], meta.get("labels") or {}, named)


def dns_pod(network: Network) -> Pod:
    """CoreDNS runs beside the pods, but a policy must be able to name it as it does elsewhere."""
    ports = {("UDP", "dns"): 53, ("TCP", "dns-tcp"): 53}
    return Pod("kube-system", network.dns_node, {"k8s-app": "kube-dns"}, ports)


def ruleset(
    pods: Iterable[Object],
    namespaces: Iterable[Object],
    policies: Iterable[Object],
    network: Network = NETWORKS["IPv4"],
) -> str:
    """The whole table, to be applied in one transaction in place of the former one."""
    known = [dns_pod(network), *(pod for pod in map(Pod.parse, pods) if pod and _is_of(network, pod.ip))]
    labels = {ns["metadata"]["name"]: ns["metadata"].get("labels") or {} for ns in namespaces}
    world = World(known, labels, network)
    chains: dict[str, list[str]] = {}
    verdicts: dict[str, dict[str, str]] = {"ingress": {}, "egress": {}}
    isolated: dict[str, dict[str, list[tuple[Pod, Object]]]] = defaultdict(lambda: defaultdict(list))
    for policy in sorted(policies, key=lambda p: (p["metadata"]["namespace"], p["metadata"]["name"])):
        for pod in world.select(policy["metadata"]["namespace"], policy["spec"].get("podSelector") or {}):
            for direction in _directions(policy["spec"]):
                isolated[direction][pod.ip].append((pod, policy))
    for direction, by_ip in isolated.items():
        for ip, selected in by_ip.items():
            rules = [rule for pod, policy in selected for rule in world.rules(direction, policy, pod)]
            name = f"{direction}_{hashlib.sha256(repr(rules).encode()).hexdigest()[:12]}"
            chains[name] = [*dict.fromkeys(rules), "drop"]
            verdicts[direction][ip] = name
    return _table(chains, verdicts, network)


class World:
    """All pods and namespaces, and the answers that many pods share."""

    def __init__(self, pods: Sequence[Pod], namespace_labels: dict[str, dict[str, str]], network: Network) -> None:
        self._network = network
        self._pods = pods
        self._labels = namespace_labels
        self._by_namespace: dict[str, list[Pod]] = defaultdict(list)
        for pod in pods:
            self._by_namespace[pod.namespace].append(pod)
        self._peers: dict[int, tuple[list[Pod], list[str]]] = {}

    def select(self, namespace: str, selector: Object) -> list[Pod]:
        return [pod for pod in self._by_namespace[namespace] if matches(selector, pod.labels)]

    def rules(self, direction: str, policy: Object, pod: Pod) -> Iterator[str]:
        """One nftables rule per way in (or out) that the policy gives the pod."""
        field, side = ("saddr", "from") if direction == "ingress" else ("daddr", "to")
        address = f"{self._network.word} {field}"
        for rule in policy["spec"].get(direction) or []:
            ports = rule.get("ports") or []
            peers = rule.get(side) or []
            found, blocks = self._resolve(policy["metadata"]["namespace"], peers, address)
            if direction == "ingress":
                sources = [*blocks, *_addresses(address, found)] if peers else [""]
                yield from _combine(sources, _port_matches(ports, pod))
                continue
            fixed = [*blocks, *_addresses(address, found)] if peers else [""]
            yield from _combine(fixed, _port_matches(ports, None))
            for port in ports:
                if isinstance(port.get("port"), str):
                    yield from _named_egress(address, found if peers else self._pods, port)

    def _resolve(self, namespace: str, peers: list[Object], address: str) -> tuple[list[Pod], list[str]]:
        """The peers' pods and address blocks."""
        if (known := self._peers.get(id(peers))) is not None:
            return known
        found = {pod.ip: pod for peer in peers for pod in self._peer_pods(namespace, peer)}
        blocks = [match for peer in peers if (match := self._block(address, peer.get("ipBlock")))]
        self._peers[id(peers)] = list(found.values()), blocks
        return self._peers[id(peers)]

    def _block(self, address: str, block: Object | None) -> str | None:
        if block is None or not _is_of(self._network, block["cidr"]):
            return None
        match = f"{address} {_canonical(block['cidr'])}"
        if excepted := block.get("except"):
            match += f" {address} != {{ {', '.join(map(_canonical, excepted))} }}"
        return match

    def _peer_pods(self, namespace: str, peer: Object) -> Iterator[Pod]:
        if "ipBlock" in peer:
            return
        selector = peer.get("namespaceSelector")
        names = [namespace]
        if selector is not None:
            names = [name for name, labels in self._labels.items() if matches(selector, labels)]
        for name in names:
            yield from self.select(name, peer.get("podSelector") or {})


def matches(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector selects these labels; an empty one selects everything."""
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    return all(labels.get(k) == v for k, v in wanted.items()) and all(_holds(e, labels) for e in expressions)


def _holds(expression: Object, labels: dict[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise ValueError(f"selector operator {expression['operator']!r}")


def _directions(spec: Object) -> list[str]:
    types = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    return [direction.lower() for direction in types]


def _canonical(cidr: str) -> str:
    return str(ipaddress.ip_network(cidr, strict=False))


def _addresses(address: str, pods: Sequence[Pod]) -> list[str]:
    ips = sorted({pod.ip for pod in pods}, key=ipaddress.ip_address)
    return [f"{address} {{ {', '.join(ips)} }}"] if ips else []


def _port_matches(ports: list[Object], pod: Pod | None) -> list[str]:
    """The ports of a rule; named ones as `pod` names them, or left out when there is none."""
    if not ports:
        return [""]
    numbers = [_port_match(port, pod) for port in ports]
    return [match for match in numbers if match]


def _port_match(port: Object, pod: Pod | None) -> str | None:
    protocol, number = port.get("protocol", "TCP"), port.get("port")
    if number is None:
        return f"meta l4proto {protocol.lower()}"
    if isinstance(number, str):
        number = pod.ports.get((protocol, number)) if pod else None
        if number is None:
            return None
    end = f"-{port['endPort']}" if port.get("endPort") else ""
    return f"{protocol.lower()} dport {number}{end}"


def _named_egress(address: str, pods: Sequence[Pod], port: Object) -> Iterator[str]:
    """A port by name is another number on each pod that it leads to."""
    by_match: dict[str, list[Pod]] = defaultdict(list)
    for pod in pods:
        if match := _port_match(port, pod):
            by_match[match].append(pod)
    for match, group in by_match.items():
        yield from _combine(_addresses(address, group), [match])


def _combine(addresses: Sequence[str], ports: Sequence[str]) -> Iterator[str]:
    for address in addresses:
        for port in ports:
            yield " ".join(part for part in (address, port, "return") if part)


def _table(chains: dict[str, list[str]], verdicts: dict[str, dict[str, str]], network: Network) -> str:
    word, kind = network.word, f"{network.family.lower()}_addr"
    isolated = sorted({ip for by_ip in verdicts.values() for ip in by_ip}, key=ipaddress.ip_address)
    itself = [f"{ip} . {ip}" for ip in isolated]
    body = [
        *(_collection("map", d, f"{kind} : verdict", _jumps(v)) for d, v in verdicts.items()),
        _collection("set", "itself", f"{kind} . {kind}", itself),
        *(_chain(name, rules) for name, rules in sorted(chains.items())),
        _chain("forward", _hook("forward", word, f"{word} saddr vmap @egress", f"{word} daddr vmap @ingress")),
        # From a pod to the node. There is no output chain: the node itself reaches every pod, as everywhere.
        _chain("input", _hook("input", word, f"{word} saddr vmap @egress")),
    ]
    former = f"add table inet {TABLE}\ndelete table inet {TABLE}\n"
    return former + f"table inet {TABLE} {{\n" + "\n".join(body) + "\n}\n"


def _hook(name: str, word: str, *rules: str) -> list[str]:
    # Neighbours find each other by what is a protocol of its own in IPv4.
    neighbours = ["icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"] if word == "ip6" else []
    return [
        f"type filter hook {name} priority filter; policy accept;",
        "ct state established,related accept",
        *neighbours,
        f"{word} saddr . {word} daddr @itself accept",
        *rules,
    ]


def _jumps(verdicts: dict[str, str]) -> list[str]:
    return [f"{ip} : jump {name}" for ip, name in sorted(verdicts.items())]


def _collection(kind: str, name: str, of: str, elements: list[str]) -> str:
    content = f" elements = {{ {', '.join(elements)} }}" if elements else ""
    return f"  {kind} {name} {{ type {of};{content} }}"


def _chain(name: str, rules: list[str]) -> str:
    return f"  chain {name} {{\n" + "".join(f"    {rule}\n" for rule in rules) + "  }"


def _is_of(network: Network, address: str) -> bool:
    return (":" in address) == (network.family == "IPv6")
