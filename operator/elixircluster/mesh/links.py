"""Which links to check at a look, and what the ends' words mean.

Two nodes between which packets are dropped believe in their link until their own tick gives it up, after a minute. So
they are made to talk: one end calls the other, and where it hears nothing, the other end tries too. Only where neither
hears the other is the link `unheard`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from elixircluster.mesh.graph import Link, Sees, both_hold, ordered

MOST_LINKS = 500
"""Checked at one look, in a mesh of up to so many nodes; each node of a larger one checks one link. A mesh of 32 nodes
has as many. In a larger mesh the links take turns, so that every node is on two of them at each look."""

Asked = Mapping[str, Sequence[str]]
"""Which others a node is to call."""


@dataclass(frozen=True)
class Heard:
    """What the ends of links said: who heard whom."""

    yes: frozenset[Link]
    no: frozenset[Link]

    @classmethod
    def of(cls, said: Mapping[str, tuple[Sequence[str], Sequence[bool]]]) -> Heard:
        """From whom each node called, and whether it heard each; nothing from a node that did not say."""
        yes: set[Link] = set()
        no: set[Link] = set()
        for node, (others, heard) in said.items():
            for other, truth in zip(others, heard, strict=False):
                (yes if truth else no).add((node, other))
        return cls(frozenset(yes), frozenset(no))


def turn(held: Sees, unheard: Iterable[Link], look: int) -> dict[str, list[str]]:
    """Whom each node is to call at the look of this number: over links that both ends believe in, from one end each.

    Links that are unheard are checked again, as many at once as others.
    """
    again = sorted(link for link in unheard if both_hold(held, link))
    start = look * MOST_LINKS % len(again) if again else 0
    chosen = {ordered(link): link for link in (again[start:] + again[:start])[:MOST_LINKS]}
    for link in _rounds(sorted(held), look):
        if both_hold(held, link):
            chosen.setdefault(ordered(link), link)
    asked: dict[str, list[str]] = {}
    for one, other in chosen.values():
        asked.setdefault(one, []).append(other)
    return asked


def backwards(links: Iterable[Link]) -> dict[str, list[str]]:
    """The same links, called from their other ends."""
    asked: dict[str, list[str]] = {}
    for one, other in sorted(links):
        asked.setdefault(other, []).append(one)
    return asked


def settle(before: Iterable[Link], held: Sees, there: Heard, back: Heard) -> frozenset[Link]:
    """The links that are unheard after a check from one end and, where that heard nothing, from the other.

    What nobody could be asked about stays as it was before, for as long as both ends believe in it.
    """
    heard = {ordered(link) for link in there.yes | back.yes}
    silent = {ordered(link) for link in there.no} & {ordered(link) for link in back.no}
    kept = {link for link in before if link not in heard and both_hold(held, link)}
    return frozenset(kept | silent)


def _rounds(nodes: Sequence[str], look: int) -> Iterator[Link]:
    # In a circle each node calls the one that stands so many places further on: every node is on two links.
    count = len(nodes)
    distances = count // 2
    if not distances:
        return
    at_once = min(distances, max(1, MOST_LINKS // count))
    for step in range(at_once):
        distance = 1 + (look * at_once + step) % distances
        for place in range(distance if 2 * distance == count else count):
            yield nodes[place], nodes[(place + distance) % count]
