"""How nodes get another cookie without a restart. A decision is a value with a reason; nothing here acts.

    Secret                        nodes
    cookie: A                     A          begin, once every node can be asked
    cookie: A, next: B            A → B      set on all at once, then tried by a new connection to each
    cookie: B, previous: A        B          commit; a node that started meanwhile with A is given B
    cookie: B                     B          finish

Where it stands is in the Secret alone, so whoever comes next goes on from there. Links that are up never ask for a
cookie. One that is lost finds the same cookie on both ends but for the milliseconds in which nodes are set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from elixircluster.errors import Retry, Stalled

PATIENCE_SECONDS = 60.0
"""How long a node may be out of reach before we think of other ways."""
WAIT_SECONDS = 2.0
MISSED_SECONDS = 30.0
"""How often a node that was missed for long is asked again, if nothing is heard of it before."""
MOST_NAMED = 3


class Cookie(Enum):
    """The cookies that a node may have, by what they are in the Secret."""

    PRESENT = auto()
    NEXT = auto()
    EARLIER = auto()


@dataclass(frozen=True)
class Node:
    """A pod, and what its node says to a new connection: which cookie it takes, else why that is not known."""

    pod: str
    holds: Cookie | None = None
    why: str = ""
    refuses: bool = False
    """It answers, and takes none of the cookies that we know."""
    outdated: bool = False
    """It was made before the Secret got its value."""
    running: bool = True
    """Whether there may be a node. One that starts later takes its cookie from the Secret."""
    leaving: bool = False


@dataclass(frozen=True)
class Situation:
    """What counts. `wanted` and `begun` are values of the annotation; `waited` is for how long a node was missed."""

    wanted: str = ""
    begun: str = ""
    next: bool = False
    earlier: bool = False
    generated: bool = True
    moved: bool = False
    """Nodes were made for another Secret."""
    refused: bool = False
    """Nodes that are older than the Secret's value refuse it, by what was last seen."""
    nodes: Sequence[Node] = ()
    askable: bool = True
    may_recreate: bool = False
    stopping: bool = False
    """All nodes are being stopped."""
    waited: float = 0.0

    @property
    def under_way(self) -> bool:
        """Whether a rotation was begun and is not finished."""
        return self.next or self.earlier

    @property
    def asked_for(self) -> bool:
        """Whether one is wanted that was not begun."""
        return bool(self.wanted) and self.wanted != self.begun

    @property
    def settled(self) -> bool:
        """Whether there is nothing to do, and no node need be asked."""
        return not (self.under_way or self.asked_for or self.moved or self.refused)


class Action(Enum):
    """What may be done."""

    NOTHING = auto()
    BEGIN = auto()
    SET_NEXT = auto()
    COMMIT = auto()
    SET_PRESENT = auto()
    FINISH = auto()
    WAIT = auto()
    """Something is to come by itself."""
    TELL = auto()
    """A person must act; everything else about the resource goes on."""
    STOP = auto()
    """A person must act, and until then nothing is changed: new nodes would not meet the old ones."""
    RECREATE = auto()
    """Stop all nodes first."""


@dataclass(frozen=True)
class Step:
    """The one thing to do now, to these pods' nodes, and what the user reads where that is all."""

    action: Action
    trouble: Stalled | Retry | None = None
    pods: frozenset[str] = field(default=frozenset())


NOTHING = Step(Action.NOTHING)
RECREATE = Step(Action.RECREATE)
WAY_OUT = "set spec.update.allowRecreate to true to stop all nodes and start them anew"


def next_step(seen: Situation) -> Step:
    """The one thing that may be done now, by the first rule that has a word to say."""
    if seen.settled:
        return NOTHING
    return next((step for rule in RULES if (step := rule(seen))), NOTHING)


def not_ours(seen: Situation) -> Step | None:
    """A Secret of the user's is for the user to write."""
    if seen.generated or seen.under_way or not seen.asked_for:
        return None
    trouble = Stalled(
        "CookieIsYours",
        "the cookie is in your own Secret (spec.distribution.cookie.secretRef), which is not changed here; write a new "
        "value there and the nodes follow. The annotation rotate-cookie does nothing, take it away",
    )
    return Step(Action.TELL, trouble)


def stopping(seen: Situation) -> Step | None:
    """All nodes go before one with another cookie comes."""
    return RECREATE if seen.stopping and seen.nodes else None


def cannot_ask(seen: Situation) -> Step | None:
    """Nodes run, and may not be talked to."""
    if seen.askable or not seen.nodes:
        return None
    if seen.may_recreate:
        return RECREATE
    if seen.moved or seen.earlier:
        trouble = Stalled(
            "CookieChanged",
            "the Secret holds another cookie, which nodes cannot be given while spec.mesh.probe is Disabled; enable "
            f"it, write the earlier value back, or {WAY_OUT}",
        )
        return Step(Action.STOP, trouble)
    trouble = Stalled(
        "RotationWaiting",
        f"nodes cannot be given another cookie while spec.mesh.probe is Disabled; enable it, or {WAY_OUT}",
    )
    return Step(Action.TELL, trouble)


def spread(seen: Situation) -> Step | None:
    """Every node gets the next cookie: all or none, unless some have it already."""
    if not seen.next:
        return None
    behind = [node for node in seen.nodes if node.holds not in {None, Cookie.NEXT}]
    missed = _missed(seen)
    begun = any(node.holds is Cookie.NEXT for node in seen.nodes)
    if behind and (begun or not missed):
        return Step(Action.SET_NEXT, pods=frozenset(node.pod for node in behind))
    return _wait(seen, missed) if missed else Step(Action.COMMIT)


def changed(seen: Situation) -> Step | None:
    """The Secret was given another value while nobody here knew the one before."""
    refusing = [node for node in seen.nodes if node.refuses and node.outdated]
    if not refusing:
        return None
    if seen.may_recreate:
        return RECREATE
    uses, it = ("uses", "it") if len(refusing) == 1 else ("use", "them")
    trouble = Stalled(
        "CookieChanged",
        f"{_pods(refusing)} {uses} an earlier cookie than the Secret holds, and new nodes would not meet {it}. Write "
        f"the earlier value back, or {WAY_OUT}",
    )
    return Step(Action.STOP, trouble)


def settle(seen: Situation) -> Step | None:
    """The Secret has the new cookie; nodes that started with the earlier one meanwhile get it too."""
    if not seen.earlier:
        return None
    behind = [node for node in seen.nodes if node.holds not in {None, Cookie.PRESENT}]
    if behind:
        return Step(Action.SET_PRESENT, pods=frozenset(node.pod for node in behind))
    if missed := _missed(seen):
        return _wait(seen, missed)
    # A node that is about to start may have read the Secret before it was written; its pod will tell when it has.
    starting = any(node.holds is None and not node.leaving for node in seen.nodes)
    return NOTHING if starting else Step(Action.FINISH)


def begin(seen: Situation) -> Step | None:
    """A rotation begins once every node can be asked."""
    if not seen.asked_for:
        return None
    missed = _missed(seen)
    return _wait(seen, missed) if missed else Step(Action.BEGIN)


RULES = (not_ours, stopping, cannot_ask, spread, changed, settle, begin)


def _missed(seen: Situation) -> list[Node]:
    return [node for node in seen.nodes if node.holds is None and node.running and not node.leaving]


def _wait(seen: Situation, missed: Sequence[Node]) -> Step:
    begun = seen.earlier or any(node.holds is Cookie.NEXT for node in seen.nodes)
    rest = "the other nodes have the new cookie" if begun else "the cookie is changed on all nodes or on none"
    if seen.waited < PATIENCE_SECONDS:
        return Step(Action.WAIT, Retry("RotationWaiting", f"{_told(missed)}; {rest}", after=WAIT_SECONDS))
    if seen.may_recreate and not begun:
        return RECREATE
    more = "" if begun else f", or {WAY_OUT}"
    trouble = Stalled(
        "RotationWaiting",
        f"{_told(missed)}; {rest}. Delete the pod that cannot be asked{more}",
        again=MISSED_SECONDS,
    )
    return Step(Action.TELL, trouble)


def _told(nodes: Sequence[Node]) -> str:
    told = [f"{node.pod}: {node.why}" for node in nodes[:MOST_NAMED]]
    return "; ".join(told) + _more(nodes)


def _pods(nodes: Sequence[Node]) -> str:
    return ", ".join(node.pod for node in nodes[:MOST_NAMED]) + _more(nodes)


def _more(nodes: Sequence[Node]) -> str:
    return f" and {len(nodes) - MOST_NAMED} more" if len(nodes) > MOST_NAMED else ""
