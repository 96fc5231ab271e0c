"""The mesh as a value: who is connected with whom by what the nodes themselves say, and what that means.

A link counts when both ends see it, and unless neither hears the other over it. Islands are made of the members that
answered, so a node that is only out of our reach splits nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from elixircluster.mesh import graph
from elixircluster.mesh.boot import Boot
from elixircluster.mesh.failure import Failed, Failure, Step
from elixircluster.mesh.graph import Link as Link  # noqa: PLC0414 - told as part of a view
from elixircluster.mesh.member import Answer, Answers, Member
from elixircluster.mesh.verdict import Verdict, is_not_as_told, judge

FORMING_SECONDS = 30.0
"""How long after its start a node may look for the others before we speak of a fault."""
DISCOVERY_SECONDS = 2.0
"""How long after its start a node is left alone to find the others."""

Topology = Literal["Full", "Partial"]
"""Which links are meant to be there: all, or those that the application makes, which nobody else knows."""

NOT_ASKED = Failed(Failure.TIMEOUT, "not asked yet", Step.CONNECT)


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
    """Links that are meant to be there and are not, of those whose ends both answered: neither sees the other, or the
    link is `unheard`. In a Partial topology the latter alone: those are links that both ends believe in."""
    unheard: frozenset[Link]
    """Links that both ends believe in, and over which neither hears the other."""
    one_way: frozenset[Link]
    """Links that the first end sees and the second, which answered, does not; none in a Partial topology."""
    islands: tuple[tuple[str, ...], ...]
    """Members that answered, by who can reach whom over links; the largest first. In a Partial topology all are one:
    who is linked with whom is no concern of ours."""
    strangers: Mapping[str, tuple[str, ...]]
    """Nodes in the mesh that are no pod of ours, and who sees them: not more than so many. Hidden nodes, such
    as consoles, are none."""
    duplicates: Mapping[str, tuple[str, ...]]
    """Node names that several pods have, and these."""
    versions: Mapping[tuple[str | None, str | None], tuple[str, ...]]
    """(OTP release, Elixir version) of the members, and who has it; more than one means a mix."""
    creations: Mapping[str, int | None]
    """Which run of its node each member is that answered."""
    booting: Mapping[str, tuple[str, ...]]
    """Members that answer and have not booted, and which applications are being started there."""
    untold: frozenset[str]
    """Members that answer and cannot tell whether they have booted."""
    young: frozenset[str]
    """Members that are still booting, or started less than `FORMING_SECONDS` ago."""
    newborn: frozenset[str]
    """Those of them that are left to their own discovery: until they have booted, and `DISCOVERY_SECONDS` at least."""
    verdict: Verdict
    topology: Topology = "Full"
    expected: int = 0
    """How many members there are to be; of a full mesh these make the links that are meant to be there."""

    @property
    def expected_links(self) -> int:
        """How many links are meant to be there: those of a full mesh, or in a Partial topology those that both hold."""
        if self.topology == "Partial":
            return self.links + len(self.missing)
        return self.expected * (self.expected - 1) // 2

    @cached_property
    def not_as_told(self) -> frozenset[str]:
        """The members that failed as a node does which is up under another name or none, or without TLS.

        Another name is believed only from a node that has the cookie; and a node that others see has its name, and
        TLS, whoever answers or refuses us at its address.
        """
        failed = {node for node, failed in self.silent.items() if is_not_as_told(failed)}
        return frozenset(failed.difference(*self.sees.values()))


def view(
    members: Sequence[Member],
    answers: Answers,
    expected: int | None = None,
    unheard: Collection[Link] = (),
    topology: Topology = "Full",
) -> MeshView:
    """The mesh of these members; `expected` is how many there are to be, where pods are still to come.

    `unheard` are links over which neither end hears the other, whatever the ends believe.
    """
    staying = tuple(sorted((item for item in members if not item.leaving), key=lambda item: item.pod))
    nodes = frozenset(item.node for item in staying)
    said = {node: answer for node in sorted(nodes) if isinstance(answer := answers.get(node), Answer)}
    sees = {node: graph.members_seen(node, answer.sees, nodes) for node, answer in said.items()}
    lost = frozenset(link for link in unheard if graph.both_hold(sees, link))
    for one, other in lost:
        sees[one] -= {other}
        sees[other] -= {one}
    missing, one_way = graph.gaps(sees, len(nodes))
    links, islands = graph.count_links(sees, nodes, one_way), graph.islands(sees)
    if topology == "Partial":
        missing, one_way, islands = lost, frozenset(), (tuple(sorted(sees)),) if sees else ()
    starting = {member.node for member in staying if not member.started}
    silent = {node: _failure(answers.get(node)) for node in sorted(nodes - said.keys())}
    booting = {node: answer.starting for node, answer in said.items() if answer.boot is Boot.BOOTING}
    found = MeshView(
        members=staying,
        sees=sees,
        silent=silent,
        links=links,
        missing=missing,
        unheard=lost,
        one_way=one_way,
        islands=islands,
        strangers=graph.strangers(said, sees, {item.node for item in members}),
        duplicates=_duplicates(staying),
        versions=_versions(said),
        creations={node: answer.creation for node, answer in said.items()},
        booting=booting,
        untold=frozenset(node for node, answer in said.items() if answer.boot is Boot.UNTOLD),
        young=_younger(said, FORMING_SECONDS) | booting.keys(),
        newborn=_younger(said, DISCOVERY_SECONDS) | (_younger(said, FORMING_SECONDS) & starting) | booting.keys(),
        verdict=Verdict(None, "Unknown", ""),
        topology=topology,
        expected=len(nodes) if expected is None else expected,
    )
    return replace(found, verdict=judge(found, len(staying) if expected is None else expected))


def _failure(answer: Answer | Failed | None) -> Failed:
    return answer if isinstance(answer, Failed) else NOT_ASKED


def _younger(said: Mapping[str, Answer], seconds: float) -> frozenset[str]:
    return frozenset(node for node, answer in said.items() if answer.uptime_seconds < seconds)


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
