"""Who sees whom, as sets: what a node sees of the members, which links lack an end, and islands."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from elixircluster.mesh.member import Answer

MOST_STRANGERS = 100
"""A node may list as many as it likes."""

Link = tuple[str, str]
"""Two node names: in order of the alphabet, or of a one-way link first the node that sees the other."""
Sees = Mapping[str, frozenset[str]]
"""Of each node that answered the nodes that it says it is connected with."""


def ordered(link: Link) -> Link:
    """The link under the name that it has from either end."""
    return (min(link), max(link))


def both_hold(sees: Sees, link: Link) -> bool:
    """Whether both ends believe in the link."""
    one, other = link
    return other in sees.get(one, ()) and one in sees.get(other, ())


def members_seen(node: str, sees: frozenset[str], nodes: frozenset[str]) -> frozenset[str]:
    """Whom it sees of these nodes."""
    # A whole mesh is the common case, and a thousand sets of a thousand names are to be made only once.
    whole = len(sees) == len(nodes) - 1 and node not in sees and sees <= nodes
    return sees if whole else (sees & nodes) - {node}


def count_links(sees: Sees, nodes: frozenset[str], one_way: frozenset[Link]) -> int:
    """How many links both ends see."""
    everybody = len(sees) == len(nodes)
    ends = sum(len(seen) if everybody else len(seen & sees.keys()) for seen in sees.values())
    return (ends - len(one_way)) // 2


def gaps(sees: Sees, count: int) -> tuple[frozenset[Link], frozenset[Link]]:
    """The links that neither end sees, and those that one end sees, of so many nodes at all."""
    missing, one_way = set(), set()
    for node, seen in sees.items():
        if len(seen) + 1 == len(sees) == count:
            continue
        # Differences of sets, not pairs: a mesh of a thousand nodes has half a million.
        for other in sees.keys() - seen - {node}:
            if node in sees[other]:
                one_way.add((other, node))
            else:
                missing.add(ordered((node, other)))
    return frozenset(missing), frozenset(one_way)


def islands(sees: Sees) -> tuple[tuple[str, ...], ...]:
    """The nodes by who can reach whom over links; the largest first."""
    left, found = set(sees), []
    while left:
        island, edge = set(), [min(left)]
        left.discard(edge[0])
        while edge:
            node = edge.pop()
            island.add(node)
            near = {other for other in sees[node] & left if node in sees[other]}
            left -= near
            edge.extend(near)
        found.append(tuple(sorted(island)))
    return tuple(sorted(found, key=lambda island: (-len(island), island)))


def strangers(said: Mapping[str, Answer], sees: Sees, ours: set[str]) -> dict[str, tuple[str, ...]]:
    """The nodes that are none of ours and do not hide, and who sees them; not more than `MOST_STRANGERS`."""
    found: dict[str, list[str]] = {}
    for node, answer in said.items():
        if answer.sees is sees[node]:
            continue
        for other in answer.sees - answer.hidden - ours:
            found.setdefault(other, []).append(node)
    return {node: tuple(by) for node, by in islice(sorted(found.items()), MOST_STRANGERS)}
