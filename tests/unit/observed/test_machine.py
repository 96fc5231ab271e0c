"""A machine that does not answer, by what its pods say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from elixircluster.observed.machine import OUT_OF_SERVICE, told, way_out
from elixircluster.observed.pod import Pod
from elixircluster.observed.snapshot import Observed
from tests.unit.factory import NOW, pod

SINCE = "2026-01-01T12:03:07Z"
GATES = {"reason": "ReadinessGatesNotReady", "message": 'the status of pod readiness gate "lb" is not "True"'}
UNREADY = {"reason": "ContainersNotReady", "message": "containers with unready status: [app]"}


def body(ready="False", containers="True", reason=None, node="worker2", **metadata):
    """A pod as the API server has it: `MarkPodsNotReady` sets nothing but the status of Ready and its time."""
    return {
        "metadata": {"name": "chat-3", "uid": "u", "resourceVersion": "7", "creationTimestamp": NOW, **metadata},
        "spec": {"containers": [{"name": "app", "image": "chat:1"}], **({"nodeName": node} if node else {})},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.3",
            "conditions": [
                {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"},
                {"type": "ContainersReady", "status": containers},
                {"type": "Ready", "status": ready, "lastTransitionTime": SINCE, **(reason or {})},
            ],
            "containerStatuses": [{"name": "app", "started": True, "state": {"running": {}}}],
        },
    }


STAGES = {
    "all is well": (body("True"), "", ""),
    "its readiness probe fails": (body(containers="False", reason=UNREADY), "", "its readiness probe has not"),
    "a readiness gate is not passed": (body(reason=GATES), "", "its readiness probe has not"),
    "it has no place yet": (body(node=""), "", ""),
    "it is told to end, and its machine answers": (body("True", deletionTimestamp=SINCE), "", "is terminating"),
    "it ends": (body(containers="False", reason=UNREADY, deletionTimestamp=SINCE), "", "is terminating"),
    "its machine does not answer": (
        body(),
        SINCE,
        "the machine worker2 does not answer (since 2026-01-01 12:03 UTC)",
    ),
    "Kubernetes has it deleted, of which nobody there hears": (
        body(deletionTimestamp="2026-01-01T12:08:37Z"),
        SINCE,
        "the machine worker2 does not answer (since 2026-01-01 12:03 UTC)",
    ),
}


@pytest.mark.parametrize(("given", "since", "said"), STAGES.values(), ids=STAGES)
def test_a_lost_machine_is_told_by_its_pods(given, since, said):
    """A lost machine was told as a readiness probe that had not succeeded yet, and later as a pod that terminates."""
    found = Pod.parse(given)
    assert (found.lost, found.ready and bool(since)) == (since, False)
    assert said in found.message


ENDS = "2026-01-01T12:08:00Z"
SOON, LATE = "2026-01-01T12:09:59Z", "2026-01-01T12:10:00Z"


def test_a_pod_that_was_not_ready_before_is_lost_once_it_should_have_ended_long_ago():
    ending = Pod.parse(body(containers="False", reason=UNREADY, deletionTimestamp=ENDS))
    assert ending.at(SOON) is ending
    late = ending.at(LATE)
    assert late.lost == ENDS
    assert late.message == "the machine worker2 was to end it by 2026-01-01 12:08 UTC, and has not said that it did"


def test_a_pod_that_a_finalizer_holds_is_not_lost():
    held = Pod.parse(body(containers="False", deletionTimestamp=ENDS, finalizers=["example.com/log"]))
    assert held.at(LATE) is held


def test_what_only_time_changes_is_looked_at_when_it_does():
    ending = Pod.parse(body(containers="False", reason=UNREADY, deletionTimestamp=ENDS))
    seen = Observed(pods=(pod(0), ending))
    assert (seen.again(ENDS), seen.again(SOON), seen.again(LATE)) == (120.0, 1.0, None)
    assert seen.at(SOON) is seen
    assert seen.at(LATE).pods[1].lost
    assert seen.at(LATE).again(LATE) is None


def test_pods_of_one_machine_are_told_together():
    lost = [pod(number, machine=f"worker{2 + number // 4}", lost=SINCE) for number in range(5)]
    assert list(told([pod(9), *lost])) == [
        "chat-0, chat-1, chat-2 and 1 more: the machine worker2 does not answer (since 2026-01-01 12:03 UTC)",
        "chat-4: the machine worker3 does not answer (since 2026-01-01 12:03 UTC)",
    ]
    assert list(told([replace(lost[0], lost="", message="")])) == []


def test_the_way_out_is_a_command_to_copy():
    assert way_out(["worker2"]).endswith(f"kubectl taint node worker2 {OUT_OF_SERVICE}")
    assert "bring them back" in way_out(["worker2", "worker3"])
