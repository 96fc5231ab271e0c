"""Which links to dial again, and when: a decision with its history as a value.

A node that lost another does not look for it again by itself, and a discovery library does so only where the
application has one. So the operator makes one end connect. One link between two islands is enough: `global` then
connects the rest, and what it does not connect is missing in the next look.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from elixircluster.mesh.view import Link, MeshView

FIRST_BACKOFF_SECONDS = 5.0
LONGEST_BACKOFF_SECONDS = 300.0
MOST_ATTEMPTS = 10
"""For one link; a person must look then."""
MOST_AT_ONCE = 8
"""Of one cluster, at one look."""
FORGET_SECONDS = 600.0
"""How long a link must hold after an attempt before its next loss is a new one."""


@dataclass(frozen=True)
class Attempt:
    """How often a link was dialled, and when last."""

    count: int
    at: float


History = Mapping[Link, Attempt]
"""By the link's nodes, in order of the alphabet."""


@dataclass(frozen=True)
class Redial:
    """Make the node `source` connect with the node `target`."""

    source: str
    target: str


@dataclass(frozen=True)
class Plan:
    """What to dial now; the history to give to the next plan; links that were tried often enough."""

    redials: tuple[Redial, ...] = ()
    history: History = field(default_factory=dict)
    given_up: tuple[Link, ...] = ()


def plan(seen: MeshView, history: History, now: float, removing: Collection[str] = ()) -> Plan:
    """What to dial at `now`, in seconds of any clock that does not go back.

    Only nodes that answered dial and are dialled; nodes in `removing`, which a rollout is about to remove, never.
    Nodes that have just started are left to their own discovery.
    """
    apart = seen.young | set(removing)
    wanted = [redial for redial in _wanted(seen, history, apart) if apart.isdisjoint((redial.source, redial.target))]
    tired = tuple(sorted({_link(item) for item in wanted if _count(history, item) >= MOST_ATTEMPTS}))
    due = [item for item in wanted if _due(history.get(_link(item)), now)][:MOST_AT_ONCE]
    gone = seen.missing | {_ordered(link) for link in seen.one_way}
    kept = {link: attempt for link, attempt in history.items() if link in gone or now - attempt.at < FORGET_SECONDS}
    for item in due:
        kept[_link(item)] = Attempt(_count(history, item) + 1, now)
    return Plan(tuple(due), kept, tired)


def _wanted(seen: MeshView, history: History, apart: Collection[str]) -> Iterator[Redial]:
    islands = [left for island in seen.islands if (left := [node for node in island if node not in apart])]
    if len(islands) > 1:
        yield from _bridges(islands, history)
        return
    for sees, blind in sorted(seen.one_way):
        yield Redial(blind, sees)
    for link in sorted(seen.missing):
        # From the other end the next time: a firewall may be open in one direction only.
        backwards = history.get(link, Attempt(0, 0)).count % 2
        yield Redial(link[backwards], link[1 - backwards])


def _bridges(islands: list[list[str]], history: History) -> Iterator[Redial]:
    largest, *others = islands
    for island in others:
        pairs = (Redial(source, target) for source in island for target in largest)
        yield min(pairs, key=lambda redial: _count(history, redial))


def _due(attempt: Attempt | None, now: float) -> bool:
    if attempt is None:
        return True
    backoff = min(FIRST_BACKOFF_SECONDS * 2 ** (attempt.count - 1), LONGEST_BACKOFF_SECONDS)
    return attempt.count < MOST_ATTEMPTS and now - attempt.at >= backoff


def _count(history: History, redial: Redial) -> int:
    attempt = history.get(_link(redial))
    return attempt.count if attempt else 0


def _link(redial: Redial) -> Link:
    return _ordered((redial.source, redial.target))


def _ordered(link: Link) -> Link:
    return (min(link), max(link))
