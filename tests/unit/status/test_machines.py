"""What is told of machines that do not answer: one Event when one is lost, one when it is back, and when a person must
act.
"""

from __future__ import annotations

import pytest

from elixircluster.api.resource import parse
from elixircluster.rollout.change import Change
from elixircluster.rollout.plan import plan
from elixircluster.status.document import status
from elixircluster.status.events import transitions
from elixircluster.status.findings import Findings
from elixircluster.status.machines import changes, patience_left
from tests.unit.factory import LATER, NOW, body, observed, pod, workload

SOON = "2026-01-01T00:04:59Z"
WELL = [pod(ordinal, "new", machine=f"worker{ordinal // 2}") for ordinal in range(5)]


def lost(*ordinals, terminating=False):
    """Five nodes on three machines, some of which are lost."""
    return [
        pod(number, "new", machine=f"worker{number // 2}", lost=NOW, terminating=terminating)
        if number in ordinals
        else item
        for number, item in enumerate(WELL)
    ]


def told(pods, before=None, now=NOW):
    resource = parse({**body(replicas=5), "status": before or {}})
    found = plan(Change("Rolling", 5), observed(pods, workload("new")))
    return status(resource, Findings(found, pods, 5, workload("new")), now)


def condition(said, name):
    return next(
        (item["status"], item["reason"], item["message"]) for item in said["conditions"] if item["type"] == name
    )


SENTENCE = "chat-2, chat-3: the machine worker1 does not answer (since 2026-01-01 00:00 UTC)"
WAY_OUT = (
    "bring it back, or where it is switched off for good, say so: kubectl taint node worker1 "
    "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
)


def test_a_lost_machine_is_what_status_speaks_of():
    said = told(lost(2, 3), told(WELL))
    assert condition(said, "Ready") == ("False", "MachineLost", f"{SENTENCE}; {WAY_OUT}")
    assert condition(said, "Reconciling")[:2] == ("True", "MachineLost")
    assert [(node["pod"], node.get("machine"), node.get("lostSince")) for node in said["nodes"]][1:3] == [
        ("chat-1", "worker0", None),
        ("chat-2", "worker1", NOW),
    ]
    assert said["nodes"][2]["message"] == "the machine worker1 does not answer (since 2026-01-01 00:00 UTC)"


@pytest.mark.parametrize("terminating", [False, True])
def test_a_machine_that_stays_away_is_a_persons_business(terminating):
    """It was never Stalled: Kubernetes deletes the pods, and no StatefulSet replaces one whose end nobody confirms."""
    pods = lost(2, 3, terminating=terminating)
    assert patience_left(pods, SOON) == 1.0
    assert condition(told(pods, now=SOON), "Stalled")[0] == "False"
    late = told(pods, now=LATER)
    assert patience_left(pods, LATER) is None
    assert condition(late, "Stalled") == ("True", "MachineLost", f"{SENTENCE}; {WAY_OUT}")
    assert condition(late, "Reconciling")[0] == condition(late, "Progressing")[0] == "False"
    assert condition(told(WELL, late, LATER), "Stalled")[0] == "False"


HISTORIES = {
    "it is lost": (WELL, lost(2, 3), [("Warning", "MachineLost", f"{SENTENCE}; {WAY_OUT}")]),
    "one pod of it is told later": (lost(2), lost(2, 3), []),
    "Kubernetes has the pods deleted": (lost(2, 3), lost(2, 3, terminating=True), []),
    "it is back": (lost(2, 3), WELL, [("Normal", "MachineBack", "the machine worker1 answers again")]),
    "its pods are made elsewhere": (
        lost(4),
        [*WELL[:4], pod(4, "new", ready=False, machine="worker1")],
        [("Normal", "MachineLeft", "no node is on the machine worker2 any more, which did not answer")],
    ),
    "its pods find no place": (lost(4), [*WELL[:4], pod(4, "new", ready=False)], [("Normal", "MachineLeft")]),
    "two are lost": (WELL, lost(2, 3, 4), [("Warning", "MachineLost"), ("Warning", "MachineLost")]),
    "all is well": (WELL, WELL, []),
}


@pytest.mark.parametrize(("before", "after", "events"), HISTORIES.values(), ids=HISTORIES)
def test_a_machine_has_one_event_when_it_is_lost_and_one_when_it_is_back(before, after, events):
    first = told(before)
    found = [tuple(event) for event in changes(first, told(after, first))]
    assert [event[: len(said)] for event, said in zip(found, events, strict=True)] == events


def test_no_condition_tells_the_same_again_as_an_event():
    before = told(WELL)
    late = told(lost(2, 3), before, LATER)
    assert transitions(before["conditions"], late["conditions"]) == []
