"""Which links to dial again, and when: a decision with its history as a value.

A node that lost another does not look for it again by itself, and a discovery library does so only where the
application has one. So the operator makes one end connect. One link between two islands is enough: `global` then
connects the rest, and what it does not connect is missing in the next look.

Nothing is dialled across a cut: the end that is to dial first tries whether the way is open, at each look. A handshake
into a cut would hold the node's connection for seven seconds, and its repair would be noticed that much later.

Since OTP 25 `global` lets no islands overlap (`prevent_overlapping_partitions`): a node that is connected with two
which cannot reach each other is cut off from one of them. So islands are joined only when all ways between are open. A
member that does not answer us is no open way: while one end still is connected with it, nothing is dialled there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from elixircluster.mesh.graph import Link, ordered
from elixircluster.mesh.verdict import MOST_NAMED
from elixircluster.mesh.view import MeshView

FIRST_BACKOFF_SECONDS = 5.0
LONGEST_BACKOFF_SECONDS = 300.0
MOST_ATTEMPTS = 10
"""For one link; a person must look then."""
MOST_AT_ONCE = 8
"""Of one cluster, at one look."""
MOST_WAYS = 32
"""Between two islands that are tried at one look. Of larger islands every node gets its turn first."""
FORGET_SECONDS = 600.0
"""How long a link must hold after an attempt before its next loss is a new one."""
CLOSED_SECONDS = 300.0
"""How long a way may be closed before a person must look."""


Runs = tuple[int | None, int | None]
"""Which runs of the nodes at the ends of a link, by their creations; None is not known."""


@dataclass(frozen=True)
class Attempt:
    """How often a link was dialled, when it was last tried, since when its way is closed, and between which runs."""

    count: int = 0
    at: float = 0.0
    closed_since: float | None = None
    runs: Runs = (None, None)


History = Mapping[Link, Attempt]
"""By the link's nodes, in order of the alphabet."""

NEVER = Attempt()


@dataclass(frozen=True)
class Redial:
    """Make the node `source` connect with the node `target`."""

    source: str
    target: str

    @property
    def link(self) -> Link:
        """What it makes."""
        return ordered((self.source, self.target))


@dataclass(frozen=True)
class Plan:
    """What to dial now if ways are open, the history for `after`, and the links for which a person must look.

    `redials` come with the ways that must be open for each, by which node they are tried; its own is among them.
    `given_up` were dialled often enough in vain. The way of those in `closed` has been closed for long; it is tried on.
    """

    redials: Mapping[Redial, tuple[Redial, ...]] = field(default_factory=dict)
    history: History = field(default_factory=dict)
    given_up: tuple[Link, ...] = ()
    closed: tuple[Link, ...] = ()
    creations: Mapping[str, int | None] = field(default_factory=dict)
    """Which runs of the nodes it is about."""

    def runs(self, link: Link) -> Runs:
        """Of its ends."""
        return (self.creations.get(link[0]), self.creations.get(link[1]))


def plan(seen: MeshView, history: History, now: float, removing: Collection[str] = ()) -> Plan:
    """What to dial at `now`, in seconds of any clock that does not go back.

    Only nodes that answered dial and are dialled; nodes in `removing`, which a rollout is about to remove, never.
    Nodes that have just started are left to their own discovery for a moment; then who has not found the others is
    introduced, whether or not the release has a library for it. A node that started anew begins with no history. A
    link that both ends believe in is left to TCP, which repeats what was lost.
    """
    gone = seen.missing | {ordered(link) for link in seen.one_way}
    known = {
        link: attempt
        for link, attempt in history.items()
        if (link in gone or now - attempt.at < FORGET_SECONDS) and _same_runs(attempt, seen, link)
    }
    apart = seen.newborn | set(removing) | _held_up(seen)
    wanted = dict(_wanted(seen, known, apart))
    # Ways that stay closed take turns.
    tried = {item: _together(known, ways) for item, ways in wanted.items()}
    due = [item for item in wanted if _due(tried[item], now)]
    due.sort(key=lambda item: tried[item].at)
    return Plan(
        redials={item: wanted[item] for item in due[:MOST_AT_ONCE]},
        history=known,
        given_up=tuple(sorted(item.link for item in wanted if tried[item].count >= MOST_ATTEMPTS)),
        closed=tuple(sorted(link for link in gone & known.keys() if _long_closed(known[link], now))),
        creations=seen.creations,
    )


def dialled(plan: Plan, ways: Mapping[Redial, bool]) -> tuple[Redial, ...]:
    """What to dial, now that it is known which ways are open. A node that did not say is not in `ways`."""
    return tuple(redial for redial, needed in plan.redials.items() if all(ways.get(way) for way in needed))


def after(plan: Plan, ways: Mapping[Redial, bool], now: float) -> History:
    """The history for the next plan, when what is `dialled` was."""
    history = dict(plan.history)
    for way, is_open in ways.items():
        known = _attempt(history, way)
        if not is_open:
            since = now if known.closed_since is None else known.closed_since
            history[way.link] = replace(known, at=now, closed_since=since, runs=plan.runs(way.link))
        elif known.closed_since is not None:
            history[way.link] = replace(known, closed_since=None)
    for redial in dialled(plan, ways):
        history[redial.link] = Attempt(_attempt(history, redial).count + 1, now, runs=plan.runs(redial.link))
    return history


def advice(seen: MeshView, plan: Plan) -> str:
    """What a person can do about links that do not heal; nothing where there are none."""
    pods = {member.node: member.pod for member in seen.members}
    told = []
    if plan.closed:
        told.append(
            f"no connection can be made between {_named(plan.closed, pods)}: a NetworkPolicy, a firewall or the "
            "network itself is in the way, and once it is open the nodes are connected at once"
        )
    if plan.given_up:
        told.append(
            f"nodes were asked {MOST_ATTEMPTS} times to connect, in vain: {_named(plan.given_up, pods)}; look at their "
            "logs for refused cookies, certificates or names, then restart one of the two pods"
        )
    return "; ".join(told)


def _same_runs(attempt: Attempt, seen: MeshView, link: Link) -> bool:
    now = (seen.creations.get(node) for node in link)
    started_anew = any(None not in {one, other} and one != other for one, other in zip(attempt.runs, now, strict=True))
    return not started_anew and seen.newborn.isdisjoint(link)


def _held_up(seen: MeshView) -> set[str]:
    """The nodes of islands in which somebody is still connected with a member that does not answer us.

    To connect such an island with a node that cannot reach the silent one costs another link, and that node tells
    nobody whether it can be reached.
    """
    silent = seen.silent.keys()
    holding = {node for node, sees in seen.sees.items() if not silent.isdisjoint(sees)}
    return {node for island in seen.islands if not holding.isdisjoint(island) for node in island}


def _named(links: Collection[Link], pods: Mapping[str, str]) -> str:
    names = [" and ".join(pods.get(node, node) for node in link) for link in list(links)[:MOST_NAMED]]
    more = f" and {len(links) - MOST_NAMED} more" if len(links) > MOST_NAMED else ""
    return ", ".join(names) + more


def _wanted(seen: MeshView, history: History, apart: frozenset[str]) -> Iterator[tuple[Redial, tuple[Redial, ...]]]:
    islands = [left for island in seen.islands if (left := [node for node in island if node not in apart])]
    if len(islands) > 1:
        yield from _bridges(islands, history, seen.unheard)
        return
    links = [Redial(blind, sees) for sees, blind in sorted(seen.one_way)]
    for link in sorted(seen.missing - seen.unheard):
        # From the other end the next time: a firewall may be open in one direction only.
        backwards = history.get(link, NEVER).count % 2
        links.append(Redial(link[backwards], link[1 - backwards]))
    yield from ((item, (item,)) for item in links if apart.isdisjoint(item.link))


def _bridges(
    islands: list[list[str]], history: History, unheard: Collection[Link]
) -> Iterator[tuple[Redial, tuple[Redial, ...]]]:
    """Islands in pairs: joined at once, no two of the pairs can overlap, and the next look joins the pairs."""
    left = list(islands)
    while len(left) > 1:
        largest = left.pop(0)
        between = [_between(island, largest) for island in left]
        free = [place for place, ways in enumerate(between) if not any(way.link in unheard for way in ways)]
        if not free:
            continue
        best = {place: min(between[place], key=lambda way: _attempt(history, way).count) for place in free}
        chosen = min(free, key=lambda place: _last_closed(history, between[place]))
        left.pop(chosen)
        yield best[chosen], between[chosen]


def _between(island: list[str], other: list[str]) -> tuple[Redial, ...]:
    every = [Redial(source, target) for source in island for target in other]
    if len(every) <= MOST_WAYS:
        return tuple(every)
    places = range(MOST_WAYS)
    return tuple(Redial(island[place % len(island)], other[place % len(other)]) for place in places)


def _last_closed(history: History, ways: Collection[Redial]) -> float:
    """When one of them was last found closed: the islands that have waited longest come first."""
    tried = (_attempt(history, way) for way in ways)
    return max((attempt.at for attempt in tried if attempt.closed_since is not None), default=0.0)


def _together(history: History, ways: Collection[Redial]) -> Attempt:
    """The attempts at any of these ways: two islands have one backoff and one bound, however many ways there are."""
    attempts = [_attempt(history, way) for way in ways]
    closed = [attempt.closed_since for attempt in attempts if attempt.closed_since is not None]
    count, at = sum(attempt.count for attempt in attempts), max(attempt.at for attempt in attempts)
    return Attempt(count, at, min(closed, default=None))


def _due(attempt: Attempt, now: float) -> bool:
    if attempt.count == 0:
        return True
    if attempt.count >= MOST_ATTEMPTS:
        return False
    backoff = min(FIRST_BACKOFF_SECONDS * 2 ** (attempt.count - 1), LONGEST_BACKOFF_SECONDS)
    return attempt.closed_since is not None or now - attempt.at >= backoff


def _long_closed(attempt: Attempt, now: float) -> bool:
    return attempt.closed_since is not None and now - attempt.closed_since >= CLOSED_SECONDS


def _attempt(history: History, redial: Redial) -> Attempt:
    return history.get(redial.link, NEVER)
