"""What a view of the mesh means: a condition reason, and a message that names pods. Each rule is a function."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from elixircluster.mesh.boot import not_up
from elixircluster.mesh.failure import Failed, Failure, Step
from elixircluster.mesh.graph import Link
from elixircluster.mesh.member import Member

if TYPE_CHECKING:
    from elixircluster.mesh.view import MeshView

MOST_NAMED = 3

NOT_AS_TOLD = {
    Failure.PLAINTEXT: "TlsNotSpoken",
    Failure.WRONG_NAME: "NodeNameOverridden",
    Failure.NOT_DISTRIBUTED: "NotDistributed",
}
"""Failures of a node that is up and not as it was told to be, and the reason that each is."""
_SET_ANEW = "is set anew where the release is started (the image's rel/env.sh.eex, or spec.release.command)"
ADVICE = {
    Failure.PLAINTEXT: "another -proto_dist comes by spec.envFrom or the image, and twice is none, or "
    "spec.release.command drops ERL_AFLAGS: remove that; kubectl elixir doctor says where it comes from",
    Failure.WRONG_NAME: f"RELEASE_NODE {_SET_ANEW}, or its vm.args has -name or -sname: remove that line",
    Failure.NOT_DISTRIBUTED: f"RELEASE_NODE, RELEASE_DISTRIBUTION or ERL_AFLAGS {_SET_ANEW}: remove that line; "
    "kubectl elixir doctor says which",
}
KEEP_APART = "give each cluster a cookie of its own, and start consoles as hidden nodes (-hidden)"


class Verdict(NamedTuple):
    """What it means. `clustered` is None where we cannot tell; `reason` is a condition reason."""

    clustered: bool | None
    reason: str
    message: str


def is_not_as_told(failed: Failed) -> bool:
    """Whether a node failed as one does that is up under another name or none, or without TLS."""
    return failed.failure in NOT_AS_TOLD and (failed.failure is not Failure.WRONG_NAME or failed.proven)


def judge(seen: MeshView, expected: int) -> Verdict:
    """What the view means, the worst first."""
    for rule in RULES:
        if verdict := rule(seen, expected):
            return verdict
    return all_is_well(seen)


def no_members(seen: MeshView, _expected: int) -> Verdict | None:
    """There is nothing to look at."""
    return None if seen.members else Verdict(None, "Unknown", "there is no node yet")


def partitioned(seen: MeshView, _expected: int) -> Verdict | None:
    """Nodes that had time enough to find each other are in several islands."""
    grown = [island for island in seen.islands if not seen.young.issuperset(island)]
    if len(grown) < 2:
        return None
    names = " | ".join(_pods(seen, island) for island in grown[:MOST_NAMED])
    more = f" | and {len(grown) - MOST_NAMED} more" if len(grown) > MOST_NAMED else ""
    # While the nodes themselves have noticed nothing, they still list each other.
    verb = "hear" if _cut_silently(seen, grown) else "see"
    return Verdict(False, "Partitioned", f"{len(grown)} islands that do not {verb} each other: {names}{more}")


def node_frozen(seen: MeshView, _expected: int) -> Verdict | None:
    """A node takes connections and says nothing."""
    frozen = [node for node in _troubled(seen) if seen.silent[node].frozen]
    if not frozen:
        return None
    return Verdict(False, "NodeFrozen", f"{_pods(seen, frozen)}: {seen.silent[frozen[0]].message}")


def machine_lost(seen: MeshView, _expected: int) -> Verdict | None:
    """Nodes are silent that are on machines which do not answer."""
    causes: dict[str, list[str]] = {}
    for member in seen.members:
        if member.lost and member.node in seen.silent:
            causes.setdefault(member.lost, []).append(member.node)
    if not causes:
        return None
    told = "; ".join(f"{_pods(seen, nodes)}: {cause}" for cause, nodes in list(causes.items())[:MOST_NAMED])
    return Verdict(False if seen.sees else None, "MachineLost", told)


def in_plaintext(seen: MeshView, _expected: int) -> Verdict | None:
    """A node speaks without TLS, where that was asked for."""
    return _not_as_told(seen, {Failure.PLAINTEXT})


def named_by_itself(seen: MeshView, _expected: int) -> Verdict | None:
    """A node is up under another name, or under none."""
    return _not_as_told(seen, {Failure.WRONG_NAME, Failure.NOT_DISTRIBUTED})


def _not_as_told(seen: MeshView, failures: Collection[Failure]) -> Verdict | None:
    failed = [node for node in _troubled(seen) if node in seen.not_as_told and seen.silent[node].failure in failures]
    if not failed:
        return None
    first = seen.silent[failed[0]]
    return Verdict(
        False, NOT_AS_TOLD[first.failure], f"{_pods(seen, failed)}: {first.message}; {ADVICE[first.failure]}"
    )


def unreachable(seen: MeshView, _expected: int) -> Verdict | None:
    """A node does not talk to us; without any that does, we know nothing of the mesh."""
    silent = _troubled(seen)
    if not silent:
        return None
    causes: dict[str, list[str]] = {}
    for node in silent:
        failed = seen.silent[node]
        causes.setdefault(f"{failed.failure}: {failed.message}", []).append(node)
    told = [f"{_pods(seen, nodes)}{_where(seen, nodes)}: {cause}" for cause, nodes in list(causes.items())[:MOST_NAMED]]
    if seen.sees:
        return Verdict(False, "Unreachable", "; ".join(told))
    return Verdict(None, "Unknown", f"no node can be asked; {'; '.join(told)}")


def _where(seen: MeshView, nodes: Collection[str]) -> str:
    """The one machine on which nodes get no connection, where no node on it answers: mostly it is the machine."""
    on = {member.node: member.machine for member in seen.members}
    here = {on[node] for node in nodes}
    refused = all(seen.silent[node].step is Step.CONNECT for node in nodes)
    answering = {on[node] for node in seen.sees}
    if not refused or len(here) > 1 or here & (answering | {""}) or not answering:
        return ""
    return f" on the machine {here.pop()}, of which no node answers"


def same_names(seen: MeshView, _expected: int) -> Verdict | None:
    """Two pods with one node name cannot both be in a mesh."""
    for node, pods in seen.duplicates.items():
        return Verdict(False, "PartialMesh", f"pods {' and '.join(pods[:MOST_NAMED])} have the same node name {node}")
    return None


def partial_mesh(seen: MeshView, _expected: int) -> Verdict | None:
    """Links are missing between nodes that had time enough."""
    missing = _grown(seen, seen.missing - seen.unheard)
    unheard = _grown(seen, seen.unheard)
    one_way = _grown(seen, seen.one_way)
    told = []
    if unheard:
        told.append(f"connected, but do not hear each other: {_pairs(seen, unheard, ' and ')}")
    if missing:
        told.append(f"not connected: {_pairs(seen, missing, ' and ')}")
    if one_way:
        told.append(f"connected for one end only: {_pairs(seen, one_way, ' sees ')}")
    return Verdict(False, "PartialMesh", "; ".join(told)) if told else None


def strangers(seen: MeshView, _expected: int) -> Verdict | None:
    """Nodes are in the mesh that are no pods of it: whoever they are, they run code in every member."""
    if not seen.strangers:
        return None
    names, by = list(seen.strangers), {node for some in seen.strangers.values() for node in some}
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    told = f"{', '.join(names[:MOST_NAMED])}{more}: connected with {_pods(seen, by)}, and no pod of this cluster"
    return Verdict(False, "Strangers", f"{told}; {KEEP_APART}")


def booting(seen: MeshView, _expected: int) -> Verdict | None:
    """A node takes connections, and its applications are not up yet."""
    if not seen.booting:
        return None
    nodes = list(seen.booting)
    if len(nodes) == 1:
        return Verdict(False, "Booting", f"{_pods(seen, nodes)} is starting: {not_up(seen.booting[nodes[0]])}")
    return Verdict(False, "Booting", f"{_pods(seen, nodes)} are starting: their applications are not up yet")


def forming(seen: MeshView, expected: int) -> Verdict | None:
    """Nodes are still to come, or still to find the others."""
    gaps = {node for link in seen.missing | seen.one_way for node in link} & seen.young
    late = sorted({*seen.silent, *gaps})
    to_come = max(0, expected - len(seen.members))
    told = [f"waiting for {_pods(seen, late)}"] if late else []
    if to_come:
        told.append(f"{to_come} pod{'s' if to_come > 1 else ''} to come")
    return Verdict(False, "Forming", "; ".join(told)) if told else None


def all_is_well(seen: MeshView) -> Verdict:
    """Every node sees every other, or where that is not meant to be, every node answers."""
    count = len(seen.members)
    if seen.topology == "Partial":
        told = f"all {count} nodes answer" if count > 1 else "the only node is up"
        return Verdict(True, "NodesAnswer", f"{told}; their links are the application's own (mesh.topology: Partial)")
    return Verdict(True, "FullMesh", f"all {count} nodes see each other" if count > 1 else "the only node is up")


RULES = (
    no_members,
    in_plaintext,
    partitioned,
    machine_lost,
    node_frozen,
    named_by_itself,
    unreachable,
    same_names,
    partial_mesh,
    strangers,
    booting,
    forming,
)


def _cut_silently(seen: MeshView, islands: Sequence[Sequence[str]]) -> bool:
    home = {node: number for number, island in enumerate(islands) for node in island}
    return any(home.get(one) != home.get(other) for one, other in seen.unheard)


def _troubled(seen: MeshView) -> list[str]:
    """Silent members but those that may still be starting."""
    members = {member.node: member for member in seen.members}
    return [node for node, failed in seen.silent.items() if not _starting(members[node], failed)]


def _starting(member: Member, failed: Failed) -> bool:
    if not failed.failure.may_be_starting or member.lost:
        return False
    # A frozen node soon fails its readiness probe, and is not starting for that.
    return not member.started or (not member.ready and not failed.frozen)


def _grown(seen: MeshView, links: Iterable[Link]) -> list[Link]:
    return sorted(link for link in links if seen.young.isdisjoint(link))


def _pods(seen: MeshView, nodes: Collection[str]) -> str:
    wanted = set(nodes)
    pods = [member.pod for member in seen.members if member.node in wanted]
    more = f" and {len(pods) - MOST_NAMED} more" if len(pods) > MOST_NAMED else ""
    return ", ".join(pods[:MOST_NAMED]) + more


def _pairs(seen: MeshView, links: Sequence[Link], between: str) -> str:
    told = [f"{_pods(seen, link[:1])}{between}{_pods(seen, link[1:])}" for link in links[:MOST_NAMED]]
    more = f" and {len(links) - MOST_NAMED} more" if len(links) > MOST_NAMED else ""
    return ", ".join(told) + more
