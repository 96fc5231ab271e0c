"""What an update may do now, situation by situation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elixircluster.control.rollout import STRATEGIES, next_step
from tests.unit.factory import pod, workload

OLD, NEW = "old", "new"


def members(*states):
    """`old`, `new`, with ! for not ready and - for terminating; None for a pod that is not there."""
    return [
        pod(ordinal, state.strip("!-"), ready="!" not in state, terminating="-" in state)
        for ordinal, state in enumerate(states)
        if state
    ]


# pods, replicas → reason, pods to replace, a part of the message, done
ROLLING = {
    "all is well": (members(NEW, NEW, NEW), 3, "UpToDate", [], "all 3 nodes are ready", True),
    "no nodes are wanted and none is there": ([], 0, "UpToDate", [], "all 0 nodes", True),
    "the highest ordinal goes first": (members(OLD, OLD, OLD), 3, "Rolling", [2], "chat-2, 3 to go", False),
    "then the next": (members(OLD, OLD, NEW), 3, "Rolling", [1], "chat-1, 2 to go", False),
    "the last is the first": (members(OLD, NEW, NEW), 3, "Rolling", [0], "chat-0, 1 to go", False),
    "one in the middle": (members(NEW, OLD, NEW), 3, "Rolling", [1], "1 to go", False),
    "the replaced one is terminating": (members(OLD, OLD, "old-"), 3, "WaitingForReady", [], "pod chat-2", False),
    "the replaced one is gone": (members(OLD, OLD, None), 3, "WaitingForReady", [], "1 of 3 pods do not", False),
    "the new one starts": (members(OLD, OLD, "new!"), 3, "WaitingForReady", [], "pod chat-2: not ready", False),
    "a new one is broken: the old ones stay": (members(OLD, OLD, "new!"), 3, "WaitingForReady", [], "", False),
    "an old one is broken: it goes first": (members(OLD, "old!", OLD), 3, "Rolling", [1], "not ready", False),
    "of two broken ones one goes": (members("old!", "old!", OLD), 3, "Rolling", [1], "chat-1", False),
    "a broken one goes though another starts": (
        members("old!", OLD, "new!"),
        3,
        "Rolling",
        [0],
        "chat-0, which is not ready",
        False,
    ),
    "an old one that terminates is not broken": (members("old-", OLD, OLD), 3, "WaitingForReady", [], "", False),
    "all are new, one is not ready": (members(NEW, "new!", NEW), 3, "WaitingForReady", [], "chat-1", False),
    "all are new, one is missing": (members(NEW, NEW), 3, "WaitingForReady", [], "1 of 3 pods", False),
    "more are wanted": (members(NEW, NEW, NEW), 5, "WaitingForReady", [], "2 of 5 pods", False),
    "one too many does not count": (members(NEW, NEW, NEW, OLD), 3, "UpToDate", [], "", True),
    "one too many that is broken does not count": (members(NEW, NEW, "old!"), 2, "UpToDate", [], "", True),
    "no nodes are wanted": (members(OLD, "old!"), 0, "UpToDate", [], "", True),
    "a pod that is none of ours": ([*members(NEW, NEW), pod(-1, OLD)], 2, "UpToDate", [], "", True),
    "many reasons are cut": (members(*["new!"] * 9), 9, "WaitingForReady", [], "and 6 more", False),
}


@pytest.mark.parametrize(("pods", "replicas", "reason", "replaced", "said", "done"), ROLLING.values(), ids=ROLLING)
def test_rolling(pods, replicas, reason, replaced, said, done):
    step = next_step("Rolling", replicas, workload(NEW, replicas=replicas), pods)
    assert (step.reason, [victim.ordinal for victim in step.replace], step.done) == (reason, replaced, done)
    assert said in step.message
    assert step.replicas == replicas


# pods, replicas → reason, replicas of the StatefulSet, a part of the message, done
RECREATE = {
    "all is well": (members(NEW, NEW, NEW), 3, "UpToDate", 3, "all 3 nodes", True),
    "all old ones go at once": (members(OLD, OLD, OLD), 3, "Recreating", 0, "3 of the old revision to go", False),
    "one is left": (members(None, None, "old-"), 3, "Recreating", 0, "1 of the old", False),
    "old and new met, by a revision that came back": (members(NEW, OLD), 2, "Recreating", 0, "1 of the old", False),
    "all are gone": ([], 3, "WaitingForReady", 3, "3 of 3 pods do not exist yet", False),
    "the new ones start": (members("new!", "new!"), 3, "WaitingForReady", 3, "chat-0: not ready", False),
    "one too many of the old revision still runs": (members(NEW, OLD), 1, "Recreating", 0, "1 of the old", False),
}


@pytest.mark.parametrize(("pods", "replicas", "reason", "held", "said", "done"), RECREATE.values(), ids=RECREATE)
def test_recreate(pods, replicas, reason, held, said, done):
    step = next_step("Recreate", replicas, workload(NEW), pods)
    assert (step.reason, step.replicas, step.done, step.replace) == (reason, held, done, ())
    assert said in step.message


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_nothing_happens_before_there_is_a_stateful_set(strategy):
    step = next_step(strategy, 3, None, [])
    assert (step.reason, step.replicas, step.replace, step.done) == ("Creating", 3, (), False)


UNOBSERVED = {
    "its controller has not seen it": (workload(NEW, observed=False), 3),
    "it has no revision yet": (workload(""), 3),
    "it is held at zero": (workload(NEW, observed=False, replicas=0), 0),
}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(("stateful_set", "replicas"), UNOBSERVED.values(), ids=UNOBSERVED)
def test_nothing_happens_before_the_revision_is_known(strategy, stateful_set, replicas):
    step = next_step(strategy, 3, stateful_set, members(OLD, OLD, OLD))
    assert (step.reason, step.replicas, step.replace, step.done) == ("Observing", replicas, (), False)


STATES = st.sampled_from([OLD, "old!", "old-", NEW, "new!", "new-", None])


@given(st.lists(STATES, max_size=6), st.integers(0, 6))
def test_a_ready_node_is_taken_only_when_all_are_ready(states, replicas):
    pods = members(*states)
    step = next_step("Rolling", replicas, workload(NEW), pods)
    wanted = [one for one in pods if one.ordinal < replicas]
    assert len(step.replace) <= 1
    for victim in step.replace:
        assert victim.revision == OLD
        assert not victim.terminating
        if victim.ready:
            assert len(wanted) == replicas
            assert all(one.ready for one in wanted)
            assert victim.ordinal == max(one.ordinal for one in wanted if one.revision == OLD)


@given(st.sampled_from(sorted(STRATEGIES)), st.lists(STATES, max_size=6), st.integers(0, 6))
def test_done_means_that_every_node_is_ready_and_new(strategy, states, replicas):
    pods = members(*states)
    step = next_step(strategy, replicas, workload(NEW), pods)
    wanted = [one for one in pods if one.ordinal < replicas]
    finished = len(wanted) == replicas and all(one.ready and one.revision == NEW for one in wanted)
    if strategy == "Recreate":
        finished = finished and all(one.revision == NEW for one in pods)
    assert step.done is finished


def stateful_set_controller(pods, replicas):
    """What happens outside of the operator: terminating pods end, missing ones come, new ones become ready."""
    running = {one.ordinal: one for one in pods if not one.terminating and one.ordinal < replicas}
    ready = [pod(ordinal, one.revision, ready=True) for ordinal, one in running.items()]
    return sorted(
        [*ready, *(pod(ordinal, NEW, ready=False) for ordinal in range(replicas) if ordinal not in running)],
        key=lambda one: one.ordinal,
    )


@given(st.lists(STATES, max_size=6), st.integers(1, 6), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_a_rolling_update_ends_and_keeps_all_but_one_ready(states, replicas, chance):
    pods = members(*states)
    ready_before = sum(one.ready for one in pods if one.ordinal < replicas)
    for _ in range(200):
        step = next_step("Rolling", replicas, workload(NEW), pods)
        if step.done:
            return
        taken = {victim.name for victim in step.replace}
        pods = [pod(one.ordinal, one.revision, terminating=True) if one.name in taken else one for one in pods]
        ready = sum(one.ready for one in pods if one.ordinal < replicas)
        assert ready >= min(ready_before, replicas - 1)
        if not step.replace or chance.random() < 0.7:
            pods = stateful_set_controller(pods, replicas)
        ready_before = sum(one.ready for one in pods if one.ordinal < replicas)
    pytest.fail("the update does not end")


@given(st.lists(STATES, max_size=6), st.integers(1, 6))
def test_a_recreate_ends_and_old_and_new_never_meet(states, replicas):
    pods = members(*states)
    met = {one.revision for one in pods} == {OLD, NEW}
    for _ in range(50):
        step = next_step("Recreate", replicas, workload(NEW), pods)
        if step.done:
            return
        pods = stateful_set_controller(pods, step.replicas)
        revisions = {one.revision for one in pods}
        assert met or revisions != {OLD, NEW}
        met = met and revisions == {OLD, NEW}
    pytest.fail("the update does not end")
