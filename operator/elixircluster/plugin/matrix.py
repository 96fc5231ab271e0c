"""Who sees whom, by what the nodes have told the operator: a value that is drawn as a table or as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from elixircluster.plugin.resources import Object

MOST_MISSING = 16
"""How many pods an entry of `status.nodes` names as missing, at most."""


class Sight(Enum):
    """What a node says of another."""

    SELF = "·"
    SEES = "✔"
    MISSES = "✘"
    UNKNOWN = "?"


@dataclass(frozen=True)
class Matrix:
    """The pods by ordinal, what the node of each says of the others, and the island that each is in.

    Islands are counted from 0, the largest first; a pod whose node did not answer is in none.
    """

    pods: tuple[str, ...]
    rows: Mapping[str, Mapping[str, Sight]]
    islands: Mapping[str, int]

    @property
    def split(self) -> bool:
        """Whether there is more than one island."""
        return len(set(self.islands.values())) > 1


def matrix(body: Object) -> Matrix:
    """The matrix of a resource, from its status."""
    status = body.get("status") or {}
    nodes: Sequence[Object] = status.get("nodes") or []
    islands = {
        pod: number for number, island in enumerate((status.get("mesh") or {}).get("islands") or []) for pod in island
    }
    return Matrix(
        pods=tuple(node["pod"] for node in nodes),
        rows={node["pod"]: {other["pod"]: sight(node, other, islands) for other in nodes} for node in nodes},
        islands=islands,
    )


def sight(node: Object, other: Object, islands: Mapping[str, int]) -> Sight:
    """What a node of `status.nodes` says of another."""
    pod, seen = node["pod"], other["pod"]
    if pod == seen:
        return Sight.SELF
    if "connected" not in node:
        return Sight.UNKNOWN
    missing = node.get("missing") or ()
    cut_off = len(missing) >= MOST_MISSING and islands.get(pod) != islands.get(seen)
    if seen in missing or cut_off:
        return Sight.MISSES
    # What did not answer may be no member yet, or no more: then nobody was asked whether they see it.
    return Sight.SEES if "connected" in other else Sight.UNKNOWN
