"""Events are told on transitions, once."""

from __future__ import annotations

import pytest

from elixircluster.status.events import transitions


def condition(name, status, reason="Because", message="because"):
    return {"type": name, "status": status, "reason": reason, "message": message}


SITUATIONS = {
    "nothing changes": ([condition("Ready", "True")], [condition("Ready", "True", "Other")], []),
    "ready for the first time": ([], [condition("Ready", "True")], [("Normal", "Because", "because")]),
    "ready again": (
        [condition("Ready", "False")],
        [condition("Ready", "True")],
        [("Normal", "Because", "because")],
    ),
    "ready no more is told by what stands in the way": (
        [condition("Ready", "True")],
        [condition("Ready", "False")],
        [],
    ),
    "stalled from the start": (
        [],
        [condition("Stalled", "True", "NameTaken", "Service chat exists")],
        [("Warning", "NameTaken", "Service chat exists")],
    ),
    "recovered": (
        [condition("Stalled", "True")],
        [condition("Stalled", "False", "NothingStalled", "")],
        [("Normal", "Recovered", "Stalled is False")],
    ),
    "never stalled": ([], [condition("Stalled", "False")], []),
    "not available yet": ([], [condition("Available", "False")], []),
    "not available any more": (
        [condition("Available", "True")],
        [condition("Available", "False", "NoNodeReady", "no node is ready")],
        [("Warning", "NoNodeReady", "no node is ready")],
    ),
    "available again is told by ready": ([condition("Available", "False")], [condition("Available", "True")], []),
    "paused": (
        [condition("Paused", "False")],
        [condition("Paused", "True", "Paused", "nothing is changed")],
        [("Normal", "Paused", "nothing is changed")],
    ),
    "resumed": (
        [condition("Paused", "True")],
        [condition("Paused", "False", "NotPaused", "")],
        [("Normal", "Resumed", "Paused is False")],
    ),
    "work that comes and goes": (
        [condition("Reconciling", "False"), condition("Progressing", "False")],
        [condition("Reconciling", "True"), condition("Progressing", "True")],
        [],
    ),
}


@pytest.mark.parametrize(("before", "after", "told"), SITUATIONS.values(), ids=SITUATIONS)
def test_transitions_are_told(before, after, told):
    assert transitions(before, after) == told
