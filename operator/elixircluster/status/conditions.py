"""Conditions: a function each, from what was observed to (status, reason, message).

After the API conventions (sig-architecture/api-conventions.md) and kstatus: Reconciling and Stalled are True only while
there is something to tell, and Ready is true only when every node is ready and of the newest revision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from elixircluster.errors import Retry, Stalled
from elixircluster.migration.decision import MIGRATING, MIGRATION_FAILED
from elixircluster.observed.job import COMPLETE, FAILED
from elixircluster.observed.machine import LOST
from elixircluster.rollout.history import ROLLED_BACK, Standing
from elixircluster.status.findings import Findings, not_as_told

LONGEST_MESSAGE = 4096

Condition = dict[str, Any]


class Verdict(NamedTuple):
    """What a condition says; None is Unknown."""

    status: bool | None
    reason: str
    message: str


def ready(seen: Findings) -> Verdict:
    """Every node is up and of the newest revision."""
    if seen.trouble:
        return Verdict(False, seen.trouble.reason, seen.trouble.message)
    if seen.plan is None:
        return Verdict(False, "Creating", "not looked at yet")
    if seen.plan.done and not seen.applied:
        return Verdict(False, "Paused", "the resource was changed while spec.paused is true; nothing of it is done yet")
    return Verdict(seen.plan.done, seen.plan.reason, seen.plan.message)


def reconciling(seen: Findings) -> Verdict:
    """The operator is at work, or waits for something that comes by itself."""
    stuck = stalled(seen)
    if stuck.status:
        return Verdict(False, stuck.reason, "waiting for a change, see Stalled")
    if seen.paused:
        return Verdict(False, "Paused", "spec.paused is true")
    if isinstance(seen.trouble, Retry):
        return Verdict(True, seen.trouble.reason, seen.trouble.message)
    plan = seen.plan
    return Verdict(plan is None or not plan.done, plan.reason if plan else "Creating", plan.message if plan else "")


def stalled(seen: Findings) -> Verdict:
    """A person must act."""
    if isinstance(seen.trouble, Stalled):
        return Verdict(True, seen.trouble.reason, seen.trouble.message)
    if seen.given_up:
        return Verdict(True, LOST, seen.given_up)
    if seen.mesh and not_as_told(seen):
        return Verdict(True, seen.mesh.verdict.reason, seen.mesh.verdict.message)
    if seen.overdue and seen.plan and not seen.paused:
        told = f"no progress for {seen.overdue} s (spec.update.timeoutSeconds): {seen.plan.message}"
        return Verdict(True, "ProgressDeadlineExceeded", told)
    if seen.unhealed:
        return Verdict(True, "MeshNotHealed", seen.unhealed)
    return Verdict(False, "NothingStalled", "")


def standing(seen: Findings) -> Standing:
    """How the newest revision stands. A machine that is lost, and links that do not heal, are no fault of it."""
    plan = seen.plan
    if plan is None or any(pod.lost for pod in seen.pods):
        return Standing(unsure=True)
    if plan.done:
        unseen = seen.probed and seen.wanted and (seen.mesh is None or seen.mesh.verdict.clustered is False)
        return Standing(complete=not unseen)
    if isinstance(seen.trouble, Stalled) and seen.trouble.reason != ROLLED_BACK:
        return Standing(failure=f"{seen.trouble.reason}: {seen.trouble.message}", overdue=bool(seen.overdue))
    if seen.overdue:
        return Standing(failure=f"no progress for {seen.overdue} s: {plan.message}", overdue=True)
    return Standing()


def available(seen: Findings) -> Verdict:
    """At least one node can serve, where any is wanted."""
    count = sum(pod.up for pod in seen.pods)
    if count:
        return Verdict(True, "NodesReady", f"{count} node{'s are' if count > 1 else ' is'} ready")
    if seen.plan and seen.wanted == 0:
        return Verdict(True, "ScaledToZero", "no node is wanted")
    return Verdict(False, "NoNodeReady", "no node is ready")


def progressing(seen: Findings) -> Verdict:
    """Nodes are being made or replaced."""
    if seen.trouble or seen.paused or seen.plan is None:
        return Verdict(False, "NotProgressing", "")
    if seen.overdue:
        return Verdict(False, "ProgressDeadlineExceeded", seen.plan.message)
    if seen.given_up:
        return Verdict(False, LOST, seen.given_up)
    return Verdict(not seen.plan.done, seen.plan.reason, seen.plan.message)


def clustered(seen: Findings) -> Verdict:
    """Every node sees every other, by what they say themselves."""
    if not seen.probed:
        return Verdict(None, "ProbeDisabled", "spec.mesh.probe is Disabled")
    if seen.mesh is None:
        return UNASKED if seen.pods else NO_NODES
    verdict = seen.mesh.verdict
    return Verdict(verdict.clustered, verdict.reason, verdict.message)


# The same words, so that it does not matter which of the two came first; but only one keeps what was known.
UNASKED, NO_NODES = (Verdict(None, "Unknown", "no node was asked yet") for _ in range(2))


def migrated(seen: Findings) -> Verdict | None:
    """The migration of the image has run, where there is one."""
    told = seen.migration
    if "result" not in told:
        return None
    if told["result"] == COMPLETE:
        return Verdict(True, COMPLETE, f"the migration of {told['image']} has run")
    if told["result"] == FAILED:
        return Verdict(False, MIGRATION_FAILED, told.get("message", ""))
    return Verdict(False, MIGRATING, told.get("message", "") or f"the migration of {told['image']} is to run")


def paused(seen: Findings) -> Verdict:
    """The operator changes nothing."""
    return Verdict(True, "Paused", "spec.paused is true; nothing is changed") if seen.paused else NOT_PAUSED


NOT_PAUSED = Verdict(False, "NotPaused", "")

STATUSES = {True: "True", False: "False", None: "Unknown"}

CONDITIONS: dict[str, Callable[[Findings], Verdict | None]] = {
    "Ready": ready,
    "Reconciling": reconciling,
    "Stalled": stalled,
    "Available": available,
    "Progressing": progressing,
    "Clustered": clustered,
    "Migrated": migrated,
    "Paused": paused,
}


def conditions(seen: Findings, generation: int, previous: Sequence[Condition], now: str) -> list[Condition]:
    """All conditions. `lastTransitionTime` moves only where `status` changes; `now` is RFC 3339."""
    before = {item["type"]: item for item in previous}
    result = []
    for name, judge in CONDITIONS.items():
        verdict = judge(seen)
        if verdict is None:
            continue
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
