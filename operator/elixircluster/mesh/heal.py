"""Which links to dial again, and when: a decision with its history as a value.

A node that lost another does not look for it again by itself, and a discovery library does so only where the
application has one. So the operator makes one end connect. One link between two islands is enough: `global` then
connects the rest, and what it does not connect is missing in the next look.

Nothing is dialled across a cut: the end that is to dial first tries whether the way is open, at each look. A handshake
into a cut would hold the node's connection for seven seconds, and its repair would be noticed that much later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from elixircluster.mesh.links import ordered
from elixircluster.mesh.view import MOST_NAMED, Link, MeshView

FIRST_BACKOFF_SECONDS = 5.0
LONGEST_BACKOFF_SECONDS = 300.0
MOST_ATTEMPTS = 10
"""For one link; a person must look then."""
MOST_AT_ONCE = 8
"""Of one cluster, at one look."""
FORGET_SECONDS = 600.0
"""How long a link must hold after an attempt before its next loss is a new one."""
CLOSED_SECONDS = 300.0
"""How long a way may be closed before a person must look."""


@dataclass(frozen=True)
class Attempt:
    """How often a link was dialled, when it was last tried, and since when its way is closed."""

    count: int = 0
    at: float = 0.0
    closed_since: float | None = None


History = Mapping[Link, Attempt]
"""By the link's nodes, in order of the alphabet."""

NEVER = Attempt()


@dataclass(frozen=True)
class Redial:
    """Make the node `source` connect with the node `target`, if the way there is open."""

    source: str
    target: str

    @property
    def link(self) -> Link:
        """What it makes."""
        return ordered((self.source, self.target))


@dataclass(frozen=True)
class Plan:
    """What to dial now, the history for `after`, and the links for which a person must look.

    `given_up` were dialled often enough in vain. The way of those in `closed` has been closed for long; it is tried on.
    """

    redials: tuple[Redial, ...] = ()
    history: History = field(default_factory=dict)
    given_up: tuple[Link, ...] = ()
    closed: tuple[Link, ...] = ()


def plan(seen: MeshView, history: History, now: float, removing: Collection[str] = ()) -> Plan:
    """What to dial at `now`, in seconds of any clock that does not go back.

    Only nodes that answered dial and are dialled; nodes in `removing`, which a rollout is about to remove, never.
    Nodes that have just started are left to their own discovery for a moment, and begin with no history; then who has
    not found the others is introduced, whether or not the release has a library for it. A link that both ends
    believe in is left to TCP, which repeats what was lost.
    """
    gone = seen.missing | {ordered(link) for link in seen.one_way}
    known = {
        link: attempt
        for link, attempt in history.items()
        if (link in gone or now - attempt.at < FORGET_SECONDS) and seen.newborn.isdisjoint(link)
    }
    apart = seen.newborn | set(removing)
    wanted = [item for item in _wanted(seen, known, apart) if apart.isdisjoint((item.source, item.target))]
    due = [item for item in wanted if _due(known.get(item.link), now)]
    # Ways that stay closed take turns.
    due.sort(key=lambda item: known.get(item.link, NEVER).at)
    return Plan(
        redials=tuple(due[:MOST_AT_ONCE]),
        history=known,
        given_up=tuple(sorted({item.link for item in wanted if _attempt(known, item).count >= MOST_ATTEMPTS})),
        closed=tuple(sorted({item.link for item in wanted if _long_closed(_attempt(known, item), now)})),
    )


def after(plan: Plan, ways: Mapping[Redial, bool], now: float) -> History:
    """The history for the next plan. `ways` tells which were open, and so dialled; who is not in it did not say."""
    history = dict(plan.history)
    for redial, is_open in ways.items():
        known = _attempt(history, redial)
        if is_open:
            history[redial.link] = Attempt(known.count + 1, now)
        else:
            since = now if known.closed_since is None else known.closed_since
            history[redial.link] = replace(known, at=now, closed_since=since)
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


def _named(links: Collection[Link], pods: Mapping[str, str]) -> str:
    names = [" and ".join(pods.get(node, node) for node in link) for link in list(links)[:MOST_NAMED]]
    more = f" and {len(links) - MOST_NAMED} more" if len(links) > MOST_NAMED else ""
    return ", ".join(names) + more


def _wanted(seen: MeshView, history: History, apart: Collection[str]) -> Iterator[Redial]:
    islands = [left for island in seen.islands if (left := [node for node in island if node not in apart])]
    if len(islands) > 1:
        yield from _bridges(islands, history, seen.unheard)
        return
    for sees, blind in sorted(seen.one_way):
        yield Redial(blind, sees)
    for link in sorted(seen.missing - seen.unheard):
        # From the other end the next time: a firewall may be open in one direction only.
        backwards = history.get(link, NEVER).count % 2
        yield Redial(link[backwards], link[1 - backwards])


def _bridges(islands: list[list[str]], history: History, unheard: Collection[Link]) -> Iterator[Redial]:
    joined = list(islands[0])
    for island in islands[1:]:
        pairs = [Redial(source, target) for source in island for target in joined]
        joined += island
        if free := [item for item in pairs if item.link not in unheard]:
            yield min(free, key=lambda item: (_attempt(history, item).count, _attempt(history, item).at))


def _due(attempt: Attempt | None, now: float) -> bool:
    if attempt is None or attempt.count == 0:
        return True
    if attempt.count >= MOST_ATTEMPTS:
        return False
    backoff = min(FIRST_BACKOFF_SECONDS * 2 ** (attempt.count - 1), LONGEST_BACKOFF_SECONDS)
    return attempt.closed_since is not None or now - attempt.at >= backoff


def _long_closed(attempt: Attempt, now: float) -> bool:
    return attempt.closed_since is not None and now - attempt.closed_since >= CLOSED_SECONDS


def _attempt(history: History, redial: Redial) -> Attempt:
    return history.get(redial.link, NEVER)
