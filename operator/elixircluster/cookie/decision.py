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
from elixircluster.observed.machine import way_out

PATIENCE_SECONDS = 60.0
"""How long a node may be out of reach before a person is told."""
KUBELET_SECONDS = 10.0
"""How far the kubelet may be behind a Secret that it watches."""
WAIT_SECONDS = 2.0
MISSED_SECONDS = 30.0
"""How often a node that was missed for long is asked again, if nothing is heard of it before."""
MOST_NAMED = 3


class Cookie(Enum):
    """The cookies that a node may have, by what they are in the Secret."""

    PRESENT = auto()
    NEXT = auto()
    EARLIER = auto()


class Presence(Enum):
    """Whether a pod has a node that has a cookie."""

    UP = auto()
    """It has, or may have."""
    STARTING = auto()
    """Its container runs, and nobody listens there yet. It read the Secret when it started."""
    ABSENT = auto()
    """No container runs. One that starts later reads the Secret then."""


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
    presence: Presence = Presence.UP
    leaving: bool = False
    lost: str = ""
    """The machine that it is on, where that does not answer."""
    waited: float = 0.0
    """For how many seconds it has taken none of our cookies."""


@dataclass(frozen=True)
class Situation:
    """What counts. `wanted` and `begun` are values of the annotation."""

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
class Decision:
    """The one thing to do now, to these pods' nodes, and what the user reads where that is all."""

    action: Action
    trouble: Stalled | Retry | None = None
    pods: frozenset[str] = field(default=frozenset())


NOTHING = Decision(Action.NOTHING)
RECREATE = Decision(Action.RECREATE)
WAY_OUT = "set spec.update.allowRecreate to true to stop all nodes and start them anew"


def decide(seen: Situation) -> Decision:
    """The one thing that may be done now, by the first rule that has a word to say."""
    if seen.settled:
        return NOTHING
    return next((decision for rule in RULES if (decision := rule(seen))), NOTHING)


def not_ours(seen: Situation) -> Decision | None:
    """A Secret of the user's is for the user to write."""
    if seen.generated or seen.under_way or not seen.asked_for:
        return None
    trouble = Stalled(
        "CookieIsYours",
        "the cookie is in your own Secret (spec.distribution.cookie.secretKeyRef), which is not changed here; write a "
        "new value there and the nodes follow. The annotation rotate-cookie does nothing, take it away",
    )
    return Decision(Action.TELL, trouble)


def stopping(seen: Situation) -> Decision | None:
    """All nodes go before one with another cookie comes."""
    return RECREATE if seen.stopping and seen.nodes else None


def cannot_ask(seen: Situation) -> Decision | None:
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
        return Decision(Action.STOP, trouble)
    trouble = Stalled(
        "RotationWaiting",
        f"nodes cannot be given another cookie while spec.mesh.probe is Disabled; enable it, or {WAY_OUT}",
    )
    return Decision(Action.TELL, trouble)


def spread(seen: Situation) -> Decision | None:
    """Every node gets the next cookie: all or none, unless some have it already."""
    if not seen.next:
        return None
    behind = [node for node in seen.nodes if node.holds not in {None, Cookie.NEXT}]
    missed = _missed(seen)
    begun = any(node.holds is Cookie.NEXT for node in seen.nodes)
    if behind and (begun or not missed):
        return Decision(Action.SET_NEXT, pods=frozenset(node.pod for node in behind))
    return _wait(seen, missed) if missed else Decision(Action.COMMIT)


def changed(seen: Situation) -> Decision | None:
    """The Secret was given another value while nobody here knew the one before."""
    refusing = [node for node in seen.nodes if node.refuses and node.outdated and not node.leaving]
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
    return Decision(Action.STOP, trouble)


def settle(seen: Situation) -> Decision | None:
    """The Secret has the new cookie; nodes that started with the earlier one meanwhile get it too."""
    if not seen.earlier:
        return None
    behind = [node for node in seen.nodes if node.holds not in {None, Cookie.PRESENT}]
    if behind:
        return Decision(Action.SET_PRESENT, pods=frozenset(node.pod for node in behind))
    if missed := _missed(seen):
        return _wait(seen, missed)
    # The kubelet may hand out what was in the Secret before it was written, so a node that is about to start may have
    # the earlier cookie. Once it has had time to look again it hands out the new one.
    unsure = [node for node in seen.nodes if node.holds is None and not node.leaving and not _reads_the_new_one(node)]
    if not unsure:
        return Decision(Action.FINISH)
    told = f"{_told(unsure)}; until it has started it may have the earlier cookie, the other nodes have the new one"
    after = WAIT_SECONDS if _waited(unsure) < PATIENCE_SECONDS else MISSED_SECONDS
    return Decision(Action.WAIT, Retry("RotationWaiting", told, after=after))


def begin(seen: Situation) -> Decision | None:
    """A rotation begins once every node can be asked."""
    if not seen.asked_for:
        return None
    missed = _missed(seen)
    return _wait(seen, missed) if missed else Decision(Action.BEGIN)


RULES = (not_ours, stopping, cannot_ask, spread, changed, settle, begin)


def _missed(seen: Situation) -> list[Node]:
    up = (node for node in seen.nodes if node.presence is Presence.UP and not node.leaving)
    return [node for node in up if node.holds is None]


def _reads_the_new_one(node: Node) -> bool:
    return node.presence is Presence.ABSENT and node.waited >= KUBELET_SECONDS


def _waited(nodes: Sequence[Node]) -> float:
    return max(node.waited for node in nodes)


def _wait(seen: Situation, missed: Sequence[Node]) -> Decision:
    begun = seen.earlier or any(node.holds is Cookie.NEXT for node in seen.nodes)
    rest = "the other nodes have the new cookie" if begun else "the cookie is changed on all nodes or on none"
    if _waited(missed) < PATIENCE_SECONDS:
        return Decision(Action.WAIT, Retry("RotationWaiting", f"{_told(missed)}; {rest}", after=WAIT_SECONDS))
    # Nobody who allows a Recreate means that a node which is merely away should stop all others.
    message = f"{_told(missed)}; {rest}. {_way_out(missed)}"
    return Decision(Action.TELL, Stalled("RotationWaiting", message, again=MISSED_SECONDS))


def _way_out(missed: Sequence[Node]) -> str:
    """What a person can do. A pod on a machine that does not answer can be deleted, and does not go for that."""
    lost = sorted({node.lost for node in missed if node.lost})
    ways = [way_out(lost)] if lost else []
    if not all(node.lost for node in missed):
        ways.insert(0, "delete the pod that cannot be asked")
    said = "; ".join(ways)
    return said[0].upper() + said[1:]


def _told(nodes: Sequence[Node]) -> str:
    told = [f"{node.pod}: {node.why}" for node in nodes[:MOST_NAMED]]
    return "; ".join(told) + _more(nodes)


def _pods(nodes: Sequence[Node]) -> str:
    return ", ".join(node.pod for node in nodes[:MOST_NAMED]) + _more(nodes)


def _more(nodes: Sequence[Node]) -> str:
    return f" and {len(nodes) - MOST_NAMED} more" if len(nodes) > MOST_NAMED else ""
