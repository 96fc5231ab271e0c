"""Conditions: a function each, from what was observed to (status, reason, message).

After the API conventions (sig-architecture/api-conventions.md) and kstatus: Reconciling and Stalled are True only while
there is something to tell, and Ready is true only when every node is ready and of the newest revision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from elixircluster.control.rollout import Pod, Step
from elixircluster.errors import Retry, Stalled
from elixircluster.mesh.view import NAMED_BY_ITSELF, MeshView

LONGEST_MESSAGE = 4096

Condition = dict[str, Any]


class Verdict(NamedTuple):
    """What a condition says; None is Unknown."""

    status: bool | None
    reason: str
    message: str


@dataclass(frozen=True)
class Observation:
    """What a reconcile found.

    `trouble` is why it did not finish; `mesh` is what the nodes say, where they are asked, and `unhealed` what a person
    can do about links that the operator cannot heal; `rotated` tells for which value of the annotation the cookie was
    changed.
    """

    paused: bool
    step: Step | None
    pods: Sequence[Pod]
    trouble: Stalled | Retry | None = None
    probed: bool = False
    mesh: MeshView | None = None
    unhealed: str = ""
    rotated: str = ""


def ready(seen: Observation) -> Verdict:
    """Every node is ready and of the newest revision."""
    if seen.trouble:
        return Verdict(False, seen.trouble.reason, seen.trouble.message)
    if seen.step is None:
        return Verdict(False, "Creating", "not looked at yet")
    return Verdict(seen.step.done, seen.step.reason, seen.step.message)


def reconciling(seen: Observation) -> Verdict:
    """The operator is at work, or waits for something that comes by itself."""
    if isinstance(seen.trouble, Stalled):
        return Verdict(False, seen.trouble.reason, "waiting for a change, see Stalled")
    if seen.paused:
        return Verdict(False, "Paused", "spec.paused is true")
    if isinstance(seen.trouble, Retry):
        return Verdict(True, seen.trouble.reason, seen.trouble.message)
    step = seen.step
    return Verdict(step is None or not step.done, step.reason if step else "Creating", step.message if step else "")


def stalled(seen: Observation) -> Verdict:
    """A person must act."""
    if isinstance(seen.trouble, Stalled):
        return Verdict(True, seen.trouble.reason, seen.trouble.message)
    if seen.mesh and seen.mesh.verdict.reason in NAMED_BY_ITSELF.values():
        return Verdict(True, seen.mesh.verdict.reason, seen.mesh.verdict.message)
    if seen.unhealed:
        return Verdict(True, "MeshNotHealed", seen.unhealed)
    return Verdict(False, "NothingStalled", "")


def available(seen: Observation) -> Verdict:
    """At least one node can serve."""
    count = sum(pod.ready for pod in seen.pods)
    if count:
        return Verdict(True, "NodesReady", f"{count} node{'s are' if count > 1 else ' is'} ready")
    return Verdict(False, "NoNodeReady", "no node is ready")


def progressing(seen: Observation) -> Verdict:
    """Nodes are being made or replaced."""
    if seen.trouble or seen.paused or seen.step is None:
        return Verdict(False, "NotProgressing", "")
    return Verdict(not seen.step.done, seen.step.reason, seen.step.message)


def clustered(seen: Observation) -> Verdict:
    """Every node sees every other, by what they say themselves."""
    if not seen.probed:
        return Verdict(None, "ProbeDisabled", "spec.mesh.probe is Disabled")
    if seen.mesh is None:
        return UNASKED if seen.pods else NO_NODES
    verdict = seen.mesh.verdict
    return Verdict(verdict.clustered, verdict.reason, verdict.message)


# The same words, so that it does not matter which of the two came first; but only one keeps what was known.
UNASKED, NO_NODES = (Verdict(None, "Unknown", "no node was asked yet") for _ in range(2))


def paused(seen: Observation) -> Verdict:
    """The operator changes nothing."""
    return Verdict(True, "Paused", "spec.paused is true; nothing is changed") if seen.paused else NOT_PAUSED


NOT_PAUSED = Verdict(False, "NotPaused", "")

STATUSES = {True: "True", False: "False", None: "Unknown"}

CONDITIONS: dict[str, Callable[[Observation], Verdict]] = {
    "Ready": ready,
    "Reconciling": reconciling,
    "Stalled": stalled,
    "Available": available,
    "Progressing": progressing,
    "Clustered": clustered,
    "Paused": paused,
}


def conditions(seen: Observation, generation: int, previous: Sequence[Condition], now: str) -> list[Condition]:
    """All conditions. `lastTransitionTime` moves only where `status` changes; `now` is RFC 3339."""
    before = {item["type"]: item for item in previous}
    result = []
    for name, judge in CONDITIONS.items():
        verdict = judge(seen)
        known = before.get(name)
        if verdict is UNASKED and known:
            # What was seen before this process began stands until the nodes were asked again.
            result.append({**known, "observedGeneration": generation})
            continue
        status = STATUSES[verdict.status]
        same = known is not None and known.get("status") == status
        result.append(
            {
                "type": name,
                "status": status,
                "reason": verdict.reason,
                "message": verdict.message[:LONGEST_MESSAGE],
                "observedGeneration": generation,
                "lastTransitionTime": known["lastTransitionTime"] if known and same else now,
            }
        )
    return result
