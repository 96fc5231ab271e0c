"""The mesh itself: what is left to say where nothing else is wrong, and every word of the operator's about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from elixircluster.doctor.checks.discovery import libraries, started
from elixircluster.doctor.checks.flags import unseen
from elixircluster.doctor.checks.pods import RENAME, SYMPTOMS
from elixircluster.doctor.facts import Facts
from elixircluster.doctor.finding import UNANSWERED, Verdict, failed, looked_into, passed, skipped, some
from elixircluster.plugin.resources import CONTAINER

NOT_LOOKED_AT = "no node can be asked"
"""How the operator begins where it knows nothing of the mesh though there are nodes."""
UNHEARD = "hear each other"
SAME_NAME = "same node name"


class Explanation(NamedTuple):
    """What a reason of the operator's means, and what to do about it."""

    said: str
    fix: Callable[[Facts, str], str]


def mesh(facts: Facts) -> Verdict:
    """Every node sees every other, and the operator says so too."""
    missing = [f"{node} does not see {some(others)}" for node, others in unseen(facts)] if not facts.partial else []
    reason, message = _trouble(facts)
    if reason:
        explained, told = REASONS.get(reason, OTHER), f"the operator says: {reason}: {message}"
        return failed(explained.said, [*missing, told], explained.fix(facts, message))
    if missing:
        return failed("the nodes do not see each other", missing, _unconnected(facts, ""))
    asked = [member for member in facts.probed if isinstance(member.said.get("visible"), list)]
    if asked:
        told = "its peers" if facts.partial else f"all {len(facts.members)}"
        return looked_into(facts, asked, f"each of {len(asked)} nodes sees {told}")
    clustered = facts.conditions.get("Clustered", {})
    if clustered.get("status") == "True":
        return passed(f"the operator says: {clustered.get('message', '')}")
    return skipped(UNANSWERED)


def _trouble(facts: Facts) -> tuple[str, str]:
    """Why the operator does not find the mesh whole; nothing where it does, or where it does not look."""
    clustered, stalled = facts.conditions.get("Clustered", {}), facts.conditions.get("Stalled", {})
    if clustered.get("status") == "False":
        return str(clustered.get("reason", "")), str(clustered.get("message", ""))
    if stalled.get("status") == "True" and stalled.get("reason") in SYMPTOMS:
        return str(stalled["reason"]), str(stalled.get("message", ""))
    if clustered.get("status") == "Unknown" and str(clustered.get("message", "")).startswith(NOT_LOOKED_AT):
        return "Unreachable", str(clustered["message"])
    return "", ""


def _unconnected(facts: Facts, message: str) -> str:
    """Why links are missing, by what the nodes say of each other."""
    if SAME_NAME in message:
        return "nodes that share an address have one name: is hostNetwork set in spec.podTemplate?"
    if UNHEARD in message:
        return (
            "packets between these pods are lost though the connection was made: look at the network between their "
            "Kubernetes nodes (a firewall that forgets connections, an overlay's MTU). The nodes notice it within "
            "spec.distribution.netTickTimeSeconds, and once the way is open they are connected anew"
        )
    dials = [
        (member.name, pod, let_in)
        for member in facts.probed
        for pod, let_in in (member.probe.each("node", "dials") if member.probe else {}).items()
    ]
    refused = [f"{name} → {pod}" for name, pod, let_in in dials if let_in is False]
    if refused:
        first = refused[0].replace(" →", "")
        return f"a node with the same cookie is refused ({some(refused)}); their logs say why: {_logs(facts, first)}"
    if not any(let_in is True for _, _, let_in in dials):
        return f"whether one would let the other in could not be tried; their logs: {_logs(facts, '')}"
    return f"each would let the others in, but nobody dials: {_nobody_dials(facts)}"


def _logs(facts: Facts, pods: str) -> str:
    names = pods.split() or [member.name for member in facts.members[:2]]
    return "; ".join(f"{facts.kubectl} logs {name} -c {CONTAINER}" for name in names)


def _nobody_dials(facts: Facts) -> str:
    if facts.strategy == "None":
        return "with spec.discovery.strategy None the application connects the nodes itself"
    if facts.strategy == "Static":
        return "spec.discovery.strategy Static has the nodes dial each other when they start, and later nobody does"
    alerts = (facts.spec.get("mesh") or {}).get("heal") == "Alert"
    operator = "; or let the operator connect the nodes: spec.mesh.heal Reconnect" if alerts else ""
    if not any(libraries(member) for member in facts.probed if member.said):
        return (
            "neither libcluster nor dns_cluster is in the release; add one of them, or use spec.discovery.strategy "
            f"Static{operator}"
        )
    if not all(started(member) for member in facts.probed if member.said):
        return f"the library is in the release and does not run: is it there with `runtime: false`?{operator}"
    return f"is Cluster.Supervisor (or DNSCluster) among the children of the application's supervisor?{operator}"


def _unreached(facts: Facts, message: str) -> str:
    """By the word for how talking to the node failed."""
    words = set(re.findall(r"\b[A-Z]\w+(?=: )", message))
    pods, known = _named(facts, message), next((fix for word, fix in UNREACHED.items() if word in words), None)
    if known is None:
        return _logs(facts, pods)
    return known.format(port=facts.distribution.port, name=facts.name, kubectl=facts.kubectl, pods=pods)


LOCKED_OUT = (
    "nothing is wrong among the nodes as far as can be seen, and the operator has no way to them: is there a "
    "NetworkPolicy or a firewall that keeps its pods (elixircluster.dev/operator=true) from TCP port {port} of "
    "the pods of {name}?"
)
UNREACHED: Mapping[str, str] = {
    "WrongCookie": "the node has another cookie than the Secret: {kubectl} delete pod {pods}; where it comes back with "
    "that, what starts it sets it: RELEASE_COOKIE in rel/env.sh.eex, -setcookie in vm.args",
    "TlsFailed": "operator and node do not accept each other's certificates; which check failed is in the message, and "
    "where they come from in spec.distribution.tls",
    "Timeout": LOCKED_OUT,
    "Refused": LOCKED_OUT,
}


def _named(facts: Facts, message: str) -> str:
    words = set(re.findall(r"[a-z0-9-]+", message))
    return " ".join(member.name for member in facts.members if member.name in words)


KEEP_APART = (
    "give each cluster a cookie of its own (spec.distribution.cookie), and start consoles and tools as hidden nodes: "
    "-hidden"
)
IN_PLAINTEXT = (
    "let the operator give -proto_dist: remove it from spec.envFrom and from the image's vm.args, rel/env.sh.eex and "
    "variables; a second one beside it counts as none"
)


def _frozen(facts: Facts, message: str) -> str:
    pods = _named(facts, message)
    return (
        "it takes connections and says nothing to the operator; ask again, and where that stays: "
        f"{facts.kubectl} delete pod {pods or facts.name + '-…'}"
    )


def _booting(facts: Facts, message: str) -> str:
    logs = _logs(facts, _named(facts, message))
    return f"wait until its applications are up; where that does not come, its log says what it waits for: {logs}"


def _forming(facts: Facts, message: str) -> str:
    del message
    return f"wait half a minute and ask again; where it stays so: {_logs(facts, '')}"


OTHER = Explanation("the operator does not find the mesh whole", _unconnected)
REASONS: Mapping[str, Explanation] = {
    "Partitioned": Explanation("the nodes are in several islands", _unconnected),
    "PartialMesh": Explanation("the nodes do not all see each other", _unconnected),
    "MeshNotHealed": Explanation("links do not come back", _unconnected),
    "NodeFrozen": Explanation("a node is frozen", _frozen),
    "NodeNameOverridden": Explanation("a node has another name than the operator gives it", lambda _facts, _: RENAME),
    "NotDistributed": Explanation("a node serves and is no node of a cluster", lambda _facts, _: RENAME),
    "TlsNotSpoken": Explanation("a node speaks no TLS", lambda _facts, _: IN_PLAINTEXT),
    "Strangers": Explanation("nodes that are no pods of this cluster are in its mesh", lambda _facts, _: KEEP_APART),
    "Unreachable": Explanation("the operator does not reach a node", _unreached),
    "Booting": Explanation("a node has not booted", _booting),
    "Forming": Explanation("the nodes still look for each other", _forming),
}
"""The reasons of Clustered=False, and of Stalled where it is about the mesh."""
