"""The mesh as a value: who is connected with whom by what the nodes themselves say, and what that means.

A link counts when both ends see it, and unless neither hears the other over it. Islands are made of the members that
answered, so a node that is only out of our reach splits nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from elixircluster.mesh.failure import Failed, Failure, Step
from elixircluster.mesh.member import Answer, Answers, Member

FORMING_SECONDS = 30.0
"""How long after its start a node may look for the others before we speak of a fault."""
DISCOVERY_SECONDS = 2.0
"""How long after its start a node is left alone to find the others."""
MOST_NAMED = 3

Link = tuple[str, str]
"""Two node names: in order of the alphabet, or of a one-way link first the node that sees the other."""

NAMED_BY_ITSELF = {
    Failure.WRONG_NAME: "NodeNameOverridden",
    Failure.NOT_DISTRIBUTED: "NotDistributed",
}
"""Failures of a node that is up and has not taken the name that it was given, and the reason that each is."""
ADVICE = (
    "the image's rel/env.sh sets RELEASE_NODE or RELEASE_DISTRIBUTION, as fly.io's template does, or its vm.args has a "
    "-name: remove those lines"
)

NOT_ASKED = Failed(Failure.TIMEOUT, "not asked yet", Step.CONNECT)


class Verdict(NamedTuple):
    """What it means. `clustered` is None where we cannot tell; `reason` is a condition reason."""

    clustered: bool | None
    reason: str
    message: str


@dataclass(frozen=True)
class MeshView:
    """The mesh at one look. Nodes are named by their node names; messages name pods."""

    members: tuple[Member, ...]
    """Those that are meant to stay."""
    sees: Mapping[str, frozenset[str]]
    """Of each member that answered the members that it sees, but for those that it does not hear."""
    silent: Mapping[str, Failed]
    """The members that did not answer, and why."""
    links: int
    """Links that both ends see."""
    missing: frozenset[Link]
    """Links that are not there, of those whose ends both answered: neither sees the other, or the link is `unheard`."""
    unheard: frozenset[Link]
    """Links that both ends believe in, and over which neither hears the other."""
    one_way: frozenset[Link]
    """Links that the first end sees and the second, which answered, does not."""
    islands: tuple[tuple[str, ...], ...]
    """Members that answered, by who can reach whom over links; the largest first."""
    strangers: Mapping[str, tuple[str, ...]]
    """Nodes in the mesh that are no pod of ours, and who sees them. Hidden nodes, such as consoles, are none."""
    duplicates: Mapping[str, tuple[str, ...]]
    """Node names that several pods have, and these."""
    versions: Mapping[tuple[str | None, str | None], tuple[str, ...]]
    """(OTP release, Elixir version) of the members, and who has it; more than one means a mix."""
    young: frozenset[str]
    """Members that started less than `FORMING_SECONDS` ago."""
    newborn: frozenset[str]
    """Those of them that are left to their own discovery: until they have started, and `DISCOVERY_SECONDS` at least."""
    verdict: Verdict

    @property
    def expected_links(self) -> int:
        """How many links a full mesh of the members has."""
        count = len({member.node for member in self.members})
        return count * (count - 1) // 2


def view(
    members: Sequence[Member], answers: Answers, expected: int | None = None, unheard: Collection[Link] = ()
) -> MeshView:
    """The mesh of these members; `expected` is how many there are to be, where pods are still to come.

    `unheard` are links over which neither end hears the other, whatever the ends believe.
    """
    staying = tuple(sorted((item for item in members if not item.leaving), key=lambda item: item.pod))
    nodes = frozenset(item.node for item in staying)
    said = {node: answer for node in sorted(nodes) if isinstance(answer := answers.get(node), Answer)}
    sees = {node: _seen(node, answer.sees, nodes) for node, answer in said.items()}
    lost = frozenset(link for link in unheard if _held(link, sees))
    for one, other in lost:
        sees[one] -= {other}
        sees[other] -= {one}
    missing, one_way = _gaps(sees, len(nodes))
    starting = {member.node for member in staying if not member.started}
    directed = sum(_count(seen, sees, nodes) for seen in sees.values())
    silent = {node: _failure(answers.get(node)) for node in sorted(nodes - said.keys())}
    found = MeshView(
        members=staying,
        sees=sees,
        silent=silent,
        links=(directed - len(one_way)) // 2,
        missing=missing,
        unheard=lost,
        one_way=one_way,
        islands=_islands(sees),
        strangers=_strangers(said, sees, {item.node for item in members}),
        duplicates=_duplicates(staying),
        versions=_versions(said),
        young=_younger(said, FORMING_SECONDS),
        newborn=_younger(said, DISCOVERY_SECONDS) | (_younger(said, FORMING_SECONDS) & starting),
        verdict=Verdict(None, "Unknown", ""),
    )
    return replace(found, verdict=judge(found, len(staying) if expected is None else expected))


def _failure(answer: Answer | Failed | None) -> Failed:
    return answer if isinstance(answer, Failed) else NOT_ASKED


def _younger(said: Mapping[str, Answer], seconds: float) -> frozenset[str]:
    return frozenset(node for node, answer in said.items() if answer.uptime_seconds < seconds)


def _seen(node: str, sees: frozenset[str], nodes: frozenset[str]) -> frozenset[str]:
    # A whole mesh is the common case, and a thousand sets of a thousand names are to be made only once.
    whole = len(sees) == len(nodes) - 1 and node not in sees and sees <= nodes
    return sees if whole else (sees & nodes) - {node}


def _held(link: Link, sees: Mapping[str, frozenset[str]]) -> bool:
    one, other = link
    return other in sees.get(one, ()) and one in sees.get(other, ())


def _count(seen: frozenset[str], sees: Mapping[str, frozenset[str]], nodes: frozenset[str]) -> int:
    return len(seen) if len(sees) == len(nodes) else len(seen & sees.keys())


def _gaps(sees: Mapping[str, frozenset[str]], count: int) -> tuple[frozenset[Link], frozenset[Link]]:
    missing, one_way = set(), set()
    for node, seen in sees.items():
        if len(seen) + 1 == len(sees) == count:
            continue
        # Differences of sets, not pairs: a mesh of a thousand nodes has half a million.
        for other in sees.keys() - seen - {node}:
            if node in sees[other]:
                one_way.add((other, node))
            else:
                missing.add((min(node, other), max(node, other)))
    return frozenset(missing), frozenset(one_way)


def _islands(sees: Mapping[str, frozenset[str]]) -> tuple[tuple[str, ...], ...]:
    left, islands = set(sees), []
    while left:
        island, edge = set(), [min(left)]
        left.discard(edge[0])
        while edge:
            node = edge.pop()
            island.add(node)
            near = {other for other in sees[node] & left if node in sees[other]}
            left -= near
            edge.extend(near)
        islands.append(tuple(sorted(island)))
    return tuple(sorted(islands, key=lambda island: (-len(island), island)))


def _strangers(
    said: Mapping[str, Answer], sees: Mapping[str, frozenset[str]], ours: set[str]
) -> dict[str, tuple[str, ...]]:
    seen: dict[str, list[str]] = {}
    for node, answer in said.items():
        if answer.sees is sees[node]:
            continue
        for other in answer.sees - answer.hidden - ours:
            seen.setdefault(other, []).append(node)
    return {node: tuple(by) for node, by in sorted(seen.items())}


def _duplicates(members: Iterable[Member]) -> dict[str, tuple[str, ...]]:
    pods: dict[str, list[str]] = {}
    for member in members:
        pods.setdefault(member.node, []).append(member.pod)
    return {node: tuple(names) for node, names in sorted(pods.items()) if len(names) > 1}


def _versions(said: Mapping[str, Answer]) -> dict[tuple[str | None, str | None], tuple[str, ...]]:
    found: dict[tuple[str | None, str | None], list[str]] = {}
    for node, answer in said.items():
        found.setdefault((answer.otp_release, answer.elixir_version), []).append(node)
    return {versions: tuple(nodes) for versions, nodes in found.items()}


def judge(seen: MeshView, expected: int) -> Verdict:
    """What the view means, the worst first."""
    for rule in RULES:
        if verdict := rule(seen, expected):
            return verdict
    return full_mesh(seen)


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


def named_by_itself(seen: MeshView, _expected: int) -> Verdict | None:
    """A node is up under another name, or under none."""
    failed = [node for node in _troubled(seen) if seen.silent[node].failure in NAMED_BY_ITSELF]
    if not failed:
        return None
    first = seen.silent[failed[0]]
    return Verdict(False, NAMED_BY_ITSELF[first.failure], f"{_pods(seen, failed)}: {first.message}; {ADVICE}")


def unreachable(seen: MeshView, _expected: int) -> Verdict | None:
    """A node does not talk to us; without any that does, we know nothing of the mesh."""
    silent = _troubled(seen)
    if not silent:
        return None
    causes: dict[str, list[str]] = {}
    for node in silent:
        failed = seen.silent[node]
        causes.setdefault(f"{failed.failure}: {failed.message}", []).append(node)
    told = [f"{_pods(seen, nodes)}: {cause}" for cause, nodes in list(causes.items())[:MOST_NAMED]]
    if seen.sees:
        return Verdict(False, "Unreachable", "; ".join(told))
    return Verdict(None, "Unknown", f"no node can be asked; {'; '.join(told)}")


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


def forming(seen: MeshView, expected: int) -> Verdict | None:
    """Nodes are still to come, or still to find the others."""
    gaps = {node for link in seen.missing | seen.one_way for node in link} & seen.young
    late = sorted({*seen.silent, *gaps})
    to_come = max(0, expected - len(seen.members))
    told = [f"waiting for {_pods(seen, late)}"] if late else []
    if to_come:
        told.append(f"{to_come} pod{'s' if to_come > 1 else ''} to come")
    return Verdict(False, "Forming", "; ".join(told)) if told else None


def full_mesh(seen: MeshView) -> Verdict:
    """Every node sees every other."""
    count = len(seen.members)
    return Verdict(True, "FullMesh", f"all {count} nodes see each other" if count > 1 else "the only node is up")


RULES = (no_members, partitioned, node_frozen, named_by_itself, unreachable, same_names, partial_mesh, forming)


def _cut_silently(seen: MeshView, islands: Sequence[Sequence[str]]) -> bool:
    home = {node: number for number, island in enumerate(islands) for node in island}
    return any(home.get(one) != home.get(other) for one, other in seen.unheard)


def _troubled(seen: MeshView) -> list[str]:
    """Silent members but those that may still be starting."""
    members = {member.node: member for member in seen.members}
    return [node for node, failed in seen.silent.items() if not _starting(members[node], failed)]


def _starting(member: Member, failed: Failed) -> bool:
    if failed.failure not in {Failure.REFUSED, Failure.NOT_DISTRIBUTED, Failure.NOT_ALIVE, Failure.TIMEOUT}:
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
