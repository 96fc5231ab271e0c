"""Fewer nodes: who leaves, when, and what the StatefulSet has meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from elixircluster.rollout.change import Change
from elixircluster.rollout.plan import plan
from tests.unit.factory import observed, pod, workload
from tests.unit.rollout.test_plan import seen

NEW = "new"


def nodes(count, **odd):
    """So many pods that are up; `odd` are others, as in `n3={"ready": False}`."""
    return [pod(ordinal, NEW, **odd.get(f"n{ordinal}", {})) for ordinal in range(count)]


def scaled(pods, wanted=3, has=5, told=(), asked=True, strategy="Rolling"):
    lives = frozenset((pod.life, "leave") for pod in pods if pod.ordinal in told)
    change = Change(strategy, wanted, asked=asked, told=lives)
    return plan(change, observed(pods, workload(NEW, replicas=has)), seen(pods) if asked else None)


def result(found):
    return found.reason, found.replicas, [pod.name for pod in found.leave]


CASES = {
    "the highest is told first": (nodes(5), {}, ("ScalingDown", 5, ["chat-4"])),
    "who was told goes": (nodes(5), {"told": [4]}, ("ScalingDown", 4, [])),
    "the next waits for its end": (nodes(5, n4={"terminating": True}), {"has": 4}, ("ScalingDown", 4, [])),
    "then the next is told": (nodes(4), {"has": 4}, ("ScalingDown", 4, ["chat-3"])),
    "the last one that is too many": (nodes(4), {"has": 4, "told": [3]}, ("ScalingDown", 3, [])),
    "what is not up goes at once": (nodes(5, n4={"ready": False}, n3={"ready": False}), {}, ("ScalingDown", 3, [])),
    "up to the first that is": (nodes(5, n4={"ready": False}), {}, ("ScalingDown", 4, [])),
    "what is missing is not waited for": (nodes(4), {}, ("ScalingDown", 4, ["chat-3"])),
    "nobody leaves while one is broken": (nodes(5, n0={"ready": False}), {}, ("WaitingForReady", 5, [])),
    "nor who was told before it broke": (nodes(5, n0={"ready": False}), {"told": [4]}, ("WaitingForReady", 5, [])),
    "nobody is told where none is asked": (nodes(5), {"asked": False}, ("ScalingDown", 4, [])),
    "to zero, one by one too": (nodes(2), {"wanted": 0, "has": 2}, ("ScalingDown", 2, ["chat-1"])),
    "in a Recreate that changes nothing": (nodes(5), {"strategy": "Recreate"}, ("ScalingDown", 5, ["chat-4"])),
    "more at once": (nodes(3), {"wanted": 5, "has": 3}, ("WaitingForReady", 5, [])),
}


@pytest.mark.parametrize(("pods", "said", "expected"), CASES.values(), ids=CASES)
def test_scaling(pods, said, expected):
    assert result(scaled(pods, **said)) == expected


def test_pods_that_were_not_seen_yet_are_waited_for():
    found = plan(Change("Rolling", 3), observed(nodes(4), replace(workload(NEW, replicas=5), pods=5)))
    assert (found.replicas, found.leave, found.done) == (5, (), False)


def test_an_update_waits_for_who_leaves():
    old = [pod(ordinal, "old") for ordinal in range(5)]
    found = plan(Change("Rolling", 3), observed(old, workload(NEW, replicas=5)))
    assert (found.reason, found.replace) == ("ScalingDown", ())


def test_a_node_that_was_told_to_leave_and_is_wanted_again_is_replaced():
    """It may have given its place away, and was drained."""
    found = scaled(nodes(5), wanted=5, told=[4])
    assert (found.reason, [pod.name for pod in found.replace]) == ("Rolling", ["chat-4"])


def test_nobody_leaves_a_split_cluster():
    pods = nodes(5)
    mesh = seen(pods, missing=[(0, 2), (1, 2), (0, 3), (1, 3), (0, 4), (1, 4)])
    found = plan(Change("Rolling", 3, asked=True), observed(pods, workload(NEW, replicas=5)), mesh)
    assert (found.reason, found.replicas, found.leave) == ("WaitingForMesh", 5, ())


def test_a_canary_that_waits_keeps_nobody_from_leaving():
    pods = [*nodes(4), pod(4, "newest")]
    change = Change("Rolling", 3, asked=True, canary=1)
    found = plan(change, observed(pods, workload("newest", replicas=5)), seen(pods))
    assert [pod.name for pod in found.leave] == ["chat-4"]
