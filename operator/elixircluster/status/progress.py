"""For how long a change has got no further. The times are RFC 3339; nothing here has a clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from elixircluster.rollout.change import Plan

Status = dict[str, Any]

MARKS = ("observedGeneration", "readyReplicas", "updatedReplicas")
"""What of a status tells that a change got on; beside them the step of its update, and its revision."""


class Progress(NamedTuple):
    """Since when nothing has got on, and in how many seconds that will be too long."""

    since: str
    left: float

    @property
    def overdue(self) -> bool:
        """Whether it is too long."""
        return self.left <= 0


def progress(before: Status, after: Status, plan: Plan, timeout: int, now: str) -> Progress | None:
    """How a change gets on, from the status as it was and as it is.

    None where nothing is waited for, or where the user wants to wait.
    """
    if plan.done or plan.held:
        return None
    earlier = before.get("update") or {}
    same = all(before.get(mark) == after.get(mark) for mark in MARKS)
    same = same and (earlier.get("revision"), earlier.get("step")) == (after["update"]["revision"], plan.reason)
    since = str(earlier["progressedAt"]) if same and earlier.get("progressedAt") else now
    return Progress(since, time_left(since, timeout, now))


def time_left(since: str, timeout: int, now: str) -> float:
    """Of so many seconds since then, how many are left; below zero where it is past."""
    return timeout - (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds()
