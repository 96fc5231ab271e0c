"""What may be done to the nodes now, situation by situation."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elixircluster.mesh.member import Answer, Member
from elixircluster.mesh.view import view
from elixircluster.rollout.change import Change
from elixircluster.rollout.plan import plan, replicas_to_write
from elixircluster.rollout.strategies import STRATEGIES
from tests.unit.factory import LONG_AGO, NOW, observed, pod, workload

OLD, NEW = "old", "new"


def members(*states):
    """`old`, `new`, with ! for not ready, x for not running, - for terminating, + for ready and not booted, ? for
    ready where nobody can tell yet, ~ for lost with its machine; None for a pod that is not there.
    """
    return [
        pod(ordinal, state.strip("!-x+?~"), ready=not set("!-x") & {*state}, terminating="-" in state,
            started="x" not in state, booted={"+": False, "?": None}.get(state[-1], True),
            machine=f"worker{ordinal}", lost=NOW if "~" in state else "")
        for ordinal, state in enumerate(states)
        if state
    ]  # fmt: skip


def rolling(pods, replicas=3, mesh=None, **change):
    asked = {"asked": mesh is not None, **change}
    return plan(Change("Rolling", replicas, **asked), observed(pods, workload(NEW, replicas=replicas)), mesh)


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
    "the new one dies again and again": (members(OLD, OLD, "newx"), 3, "WaitingForReady", [], "pod chat-2", False),
    "an old one is not ready, and no new one is there": (members(OLD, "old!", OLD), 3, "Rolling", [1], "not re", False),
    "of two that are not ready one goes": (members("old!", "old!", OLD), 3, "Rolling", [1], "chat-1", False),
    "all old ones are not ready for a moment": (members("old!", "old!", "old!"), 3, "Rolling", [2], "chat-2", False),
    "an old one is not ready while a new one starts": (
        members("old!", OLD, "new!"),
        3,
        "WaitingForReady",
        [],
        "pod chat-2: not ready; no other node is taken before",
        False,
    ),
    "an old one dies while a new one is broken": (members("oldx", OLD, "newx"), 3, "WaitingForReady", [], "", False),
    "the new one has not booted": (members(OLD, OLD, "new+"), 3, "WaitingForReady", [], "chat-2: not booted", False),
    "nobody can tell of the new one yet": (members(OLD, OLD, "new?"), 3, "WaitingForReady", [], "pod chat-2", False),
    "an old one has not booted": (members("old+", OLD, OLD), 3, "Rolling", [0], "which has not booted", False),
    "an old one and a new one have not booted": (members("old+", OLD, "new+"), 3, "WaitingForReady", [], "", False),
    "of an old one nobody can tell": (members("old?", OLD, OLD), 3, "Rolling", [2], "3 to go", False),
    "all are new, one has not booted": (members(NEW, "new+", NEW), 3, "WaitingForReady", [], "chat-1: not bo", False),
    "in no old one a node runs": (members("oldx", "oldx", "oldx"), 3, "Rolling", [2], "no node runs", False),
    "in one old one no node runs": (members(OLD, "oldx", OLD), 3, "Rolling", [1], "replacing pod chat-1", False),
    "an old one that terminates is not broken": (members("old-", OLD, OLD), 3, "WaitingForReady", [], "", False),
    "all are new, one is not ready": (members(NEW, "new!", NEW), 3, "WaitingForReady", [], "chat-1", False),
    "all are new, one is missing": (members(NEW, NEW), 3, "WaitingForReady", [], "1 of 3 pods", False),
    "more are wanted": (members(NEW, NEW, NEW), 5, "WaitingForReady", [], "2 of 5 pods", False),
    "one too many still runs": (members(NEW, NEW, NEW, OLD), 3, "ScalingDown", [], "1 nodes more", False),
    "one too many that is broken still runs": (members(NEW, NEW, "old!"), 2, "ScalingDown", [], "", False),
    "no nodes are wanted": (members(OLD, "old!"), 0, "ScalingDown", [], "2 nodes more than wanted", False),
    "a machine is lost": (members(NEW, "new~", NEW), 3, "MachineLost", [], "chat-1: the machine worker1", False),
    "a lost one, which Kubernetes has deleted": (members(NEW, "new~-", NEW), 3, "MachineLost", [], "worker1", False),
    "one too many is lost": (members(NEW, NEW, "new~-"), 2, "MachineLost", [], "taint node worker2", False),
    "a machine is lost, and another node is not ready": (
        members(NEW, "new~", "new!"), 3, "MachineLost", [], "; pod chat-2: not ready; bring it back", False,
    ),
    "an old one is lost": (members(OLD, "old~", OLD), 3, "MachineLost", [], "no other node is taken before; br", False),
    "an old one is lost and deleted": (members(OLD, "old~-", OLD), 3, "MachineLost", [], "worker1", False),
    "a new one is lost": (members(OLD, OLD, "new~"), 3, "MachineLost", [], "no other node is taken before", False),
    "one is lost, and in another no node runs": (members("old~", "oldx", OLD), 3, "Rolling", [1], "no node", False),
    "one is lost, and the new one does not start": (
        members("old~", OLD, "newx"), 3, "WaitingForReady", [], "chat-2", False,
    ),
    "many reasons are cut": (members(*["new!"] * 9), 9, "WaitingForReady", [], "and 6 more", False),
}  # fmt: skip


@pytest.mark.parametrize(("pods", "replicas", "reason", "replaced", "said", "done"), ROLLING.values(), ids=ROLLING)
def test_rolling(pods, replicas, reason, replaced, said, done):
    found = rolling(pods, replicas)
    assert (found.reason, [victim.ordinal for victim in found.replace], found.done) == (reason, replaced, done)
    assert said in found.message
    assert found.replicas == replicas


# pods, replicas → reason, replicas of the StatefulSet, a part of the message, done
RECREATE = {
    "all is well": (members(NEW, NEW, NEW), 3, "UpToDate", 3, "all 3 nodes", True),
    "all old ones go at once": (members(OLD, OLD, OLD), 3, "Recreating", 0, "3 of the old revision to go", False),
    "one is left": (members(None, None, "old-"), 3, "Recreating", 0, "1 of the old", False),
    "old and new met, by a revision that came back": (members(NEW, OLD), 2, "Recreating", 0, "1 of the old", False),
    "all are gone": ([], 3, "WaitingForReady", 3, "3 of 3 pods do not exist yet", False),
    "the new ones start": (members("new!", "new!"), 3, "WaitingForReady", 3, "chat-0: not ready", False),
    "a new one is lost": (members(NEW, "new~", NEW), 3, "MachineLost", 3, "chat-1: the machine worker1", False),
    "one too many of the old revision still runs": (members(NEW, OLD), 1, "Recreating", 0, "1 of the old", False),
}


@pytest.mark.parametrize(("pods", "replicas", "reason", "held", "said", "done"), RECREATE.values(), ids=RECREATE)
def test_recreate(pods, replicas, reason, held, said, done):
    found = plan(Change("Recreate", replicas), observed(pods, workload(NEW)))
    assert (found.reason, found.replicas, found.done, found.replace) == (reason, held, done, ())
    assert said in found.message


def test_a_recreate_that_has_begun_says_which_machine_it_waits_for():
    """Of a node that may live on nobody knows whether it would meet a new one."""
    stopped = workload(NEW, replicas=0)
    found = plan(Change("Recreate", 3), observed(members(None, "old~-"), stopped))
    assert (found.reason, found.replicas) == ("Recreating", 0)
    assert "1 of the old revision to go: chat-1: the machine worker1 does not answer" in found.message


@pytest.mark.parametrize("change", [Change("Recreate", 3), Change("Rolling", 3, apart=tuple(members(OLD)))])
def test_no_change_that_stops_all_nodes_begins_while_a_machine_is_lost(change):
    """All were stopped, and none came until somebody had looked after the machine."""
    pods, there = members(OLD, "old~", OLD), replace(workload(OLD), template="a")
    waiting = replicas_to_write(change, observed(pods, there), "b")
    assert waiting.reason == "MachineLost"
    assert plan(change, observed(pods, there)).reason == "MachineLost"
    assert replicas_to_write(change, observed(pods, replace(there, replicas=0)), "b") == 0
    begun = observed(pods, replace(there, revision=NEW, template="b"))
    assert (plan(change, begun).reason, replicas_to_write(change, begun, "b")) == ("Recreating", 0)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_nothing_happens_before_there_is_a_stateful_set(strategy):
    found = plan(Change(strategy, 3), observed())
    assert (found.reason, found.replicas, found.replace, found.done) == ("Creating", 3, (), False)


def test_a_recreate_starts_nothing_beside_the_pods_that_a_stateful_set_left_behind():
    """Somebody deleted the StatefulSet with --cascade=orphan, and changed the image: old and new met."""
    orphans = [replace(item, owner="", owner_uid="") for item in members(OLD, OLD)]
    assert plan(Change("Recreate", 3), observed(unclaimed=orphans)).replicas == 0
    assert plan(Change("Recreate", 3), observed([], workload(NEW), orphans)).replicas == 0
    assert plan(Change("Rolling", 3), observed(unclaimed=orphans)).replicas == 3


# StatefulSet → replicas that Rolling and Recreate write
UNOBSERVED = {
    "its controller has not seen it": (workload(NEW, observed=False), 3, 3),
    "it has no revision yet": (workload(""), 3, 3),
    "it is held at zero": (workload(NEW, observed=False, replicas=0), 0, 0),
    "more are wanted than it has": (workload(NEW, observed=False, replicas=1), 3, 1),
}


@pytest.mark.parametrize(("stateful_set", "by_rolling", "by_recreate"), UNOBSERVED.values(), ids=UNOBSERVED)
def test_nothing_happens_before_the_revision_is_known(stateful_set, by_rolling, by_recreate):
    for strategy, replicas in (("Rolling", by_rolling), ("Recreate", by_recreate)):
        found = plan(Change(strategy, 3), observed(members(OLD, OLD, OLD), stateful_set))
        assert (found.reason, found.replicas, found.replace, found.done) == ("Observing", replicas, (), False)


def test_nodes_that_new_ones_cannot_talk_to_all_go_first():
    old = members(OLD, OLD, OLD)
    found = plan(Change("Rolling", 3, apart=tuple(old)), observed(old, workload(NEW)))
    assert (found.reason, found.replicas, found.replace) == ("Recreating", 0, ())


# strategy, pods, template on the StatefulSet and wanted → replicas to write with it
WRITES = {
    "a new image and more nodes at once, recreated": ("Recreate", members(OLD, OLD, OLD), "a", "b", 0),
    "a new image and more nodes at once, rolled": ("Rolling", members(OLD, OLD, OLD), "a", "b", 5),
    "more nodes alone": ("Recreate", members(NEW, NEW, NEW), "a", "a", 5),
    "a new image while no node was seen yet": ("Recreate", [], "a", "b", 0),
    "an operator that did not write down the template yet": ("Recreate", members(NEW, NEW, NEW), "", "b", 5),
}


@pytest.mark.parametrize(("strategy", "pods", "there", "wanted", "replicas"), WRITES.values(), ids=WRITES)
def test_a_new_template_never_comes_with_more_nodes_beside_old_ones(strategy, pods, there, wanted, replicas):
    """With a new image and replicas 3 → 5 in one apply two new nodes met three old ones under Recreate."""
    stateful_set = replace(workload(NEW), template=there)
    assert replicas_to_write(Change(strategy, 5), observed(pods, stateful_set), wanted) == replicas


COUNTED = {"none": (0, "UpToDate", 5), "one that was not seen": (1, "Observing", 0)}


@pytest.mark.parametrize(("count", "reason", "replicas"), COUNTED.values(), ids=COUNTED)
def test_a_statefulset_at_zero_lets_go_when_it_counts_no_pod(count, reason, replicas):
    """The pods were in the gap of a watch: new ones started beside them."""
    stateful_set = replace(workload(NEW, replicas=0), template="a", pods=count)
    found = replicas_to_write(Change("Recreate", 5), observed([], stateful_set), "b")
    assert found == replicas
    assert reason in {plan(Change("Recreate", 0), observed([], stateful_set)).reason}


def seen(pods, missing=(), silent=()):
    """A mesh in which everybody sees everybody, but for some links."""
    names = {item.ordinal: f"chat@{item.address}" for item in pods}
    asked = [Member(item.name, names[item.ordinal], item.address, life=item.life) for item in pods]
    answers = {
        name: Answer(
            frozenset(
                other
                for number, other in names.items()
                if number != ordinal and {ordinal, number} not in [set(link) for link in missing]
            ),
            uptime_seconds=3600.0,
        )
        for ordinal, name in names.items()
        if ordinal not in silent
    }
    return view(asked, answers)


PODS = members(OLD, OLD, NEW)
# pods, mesh → reason
MESHES = {
    "all see each other": (PODS, seen(PODS), "Rolling"),
    "nodes are not asked": (PODS, None, "Rolling"),
    "no node can be asked": (PODS, seen(PODS, silent=(0, 1, 2)), "Rolling"),
    "the new node does not answer": (PODS, seen(PODS, silent=(2,)), "WaitingForMesh"),
    "the new node misses one": (PODS, seen(PODS, missing=[(2, 0)]), "WaitingForMesh"),
    "the new node was not asked yet": (PODS, seen(PODS[:2]), "WaitingForMesh"),
    "its container has started again since": ([*PODS[:2], replace(PODS[2], restarts=1)], seen(PODS), "WaitingForMesh"),
    "another pod of its name was asked": ([*PODS[:2], replace(PODS[2], uid="other")], seen(PODS), "WaitingForMesh"),
    "the cluster is split before it begins": (
        members(OLD, OLD, OLD),
        seen(members(OLD, OLD, OLD), missing=[(0, 2), (1, 2)]),
        "WaitingForMesh",
    ),
    "old nodes that never met are no split": (
        members(OLD, OLD, OLD),
        seen(members(OLD, OLD, OLD), missing=[(0, 1), (0, 2), (1, 2)]),
        "Rolling",
    ),
    "an old node in which nothing runs is no split": (
        members(OLD, OLD, "oldx"),
        seen(members(OLD, OLD, OLD), missing=[(0, 2), (1, 2)]),
        "Rolling",
    ),
}


@pytest.mark.parametrize(("pods", "mesh", "reason"), MESHES.values(), ids=MESHES)
def test_the_next_node_goes_when_the_last_is_in_the_mesh(pods, mesh, reason):
    """In two of three updates of a real cluster the new node never met the old one before that was taken."""
    assert rolling(pods, mesh=mesh).reason == reason


def test_an_old_node_that_does_not_answer_goes_before_a_healthy_one():
    """Its machine was dead, which Kubernetes did not know yet: a healthy one was taken beside it."""
    old = members(OLD, OLD, OLD)
    found = rolling(old, mesh=seen(old, silent=[0]))
    assert ([victim.ordinal for victim in found.replace], found.message) == (
        [0],
        "replacing pod chat-0, whose node does not answer",
    )
    assert [victim.ordinal for victim in rolling(old, mesh=seen(old, silent=[0, 1, 2])).replace] == [2]
    assert rolling(members("old-", OLD, OLD), mesh=seen(old, silent=[0])).replace == ()


def test_before_the_first_look_no_healthy_node_is_taken():
    """An operator that began anew in the middle of an update took the next node before it had asked the last one."""
    assert rolling(PODS, asked=True).reason == "WaitingForMesh"
    assert [victim.name for victim in rolling(members(OLD, OLD, "oldx"), asked=True).replace] == ["chat-2"]


def test_an_old_node_that_hangs_while_it_boots_makes_room_though_it_is_an_island():
    """A revision that never boots was to be replaced by the next, which waited for it to find the others."""
    pods = members(OLD, OLD, "old+")
    apart = seen(pods, missing=[(0, 2), (1, 2)])
    assert [victim.name for victim in rolling(pods, mesh=apart).replace] == ["chat-2"]


FIRST, SECOND = pod(2, NEW, ready_since="2025-12-31T23:59:55Z"), pod(1, NEW, ready_since="2025-12-31T23:59:58Z")
# new pods, what the user says → in how many seconds the next is taken; None for now
WATCHED = {
    "the first of a revision is watched": ([FIRST], None, 5),
    "those that follow are not": ([replace(FIRST, ready_since=LONG_AGO), SECOND], None, None),
    "nor is the first where the user does not want it": ([FIRST], 0, None),
    "each as long as the user says": ([replace(FIRST, ready_since=LONG_AGO), SECOND], 30, 28),
    "of two the one that takes longer": ([FIRST, SECOND], 30, 28),
    "one that has died young is watched for longer": ([replace(FIRST, died_young=True)], None, 55),
    "whatever the user says": ([replace(FIRST, died_young=True)], 0, 55),
}


@pytest.mark.parametrize(("new", "said", "left"), WATCHED.values(), ids=WATCHED)
def test_a_new_node_is_watched_before_the_next_is_taken(new, said, left):
    """A release that died 8 s after it had booted took the whole cluster: each was ready when the next was taken."""
    old = [pod(ordinal, OLD) for ordinal in range(3 - len(new))]
    found = rolling([*old, *new], min_ready_seconds=said)
    assert (found.again, bool(found.replace)) == (left, left is None)
    assert found.reason == ("Rolling" if left is None else "WaitingForReady")


MESHED = [replace(one, meshed_since=LONG_AGO) for one in (pod(1, NEW), pod(2, NEW))]
# since when the second has been in the mesh, more of the change → in how many seconds the next is taken; None for now
CONNECTED = {
    "not yet, by what is known": ("", {}, 5),
    "not for long enough": ("2025-12-31T23:59:57Z", {}, 2),
    "for long enough": ("2025-12-31T23:59:55Z", {}, None),
    "at all, where that is enough": ("", {"min_meshed_seconds": 0}, None),
    "nor is it meant to be": ("", {"meshed": False}, None),
}


@pytest.mark.parametrize(("since", "more", "left"), CONNECTED.values(), ids=CONNECTED)
def test_the_next_node_goes_when_the_last_has_been_in_the_mesh(since, more, left):
    pods = [pod(0, OLD), replace(MESHED[0], meshed_since=since), MESHED[1]]
    change = Change("Rolling", 3, **{"min_meshed_seconds": 5, **more})
    found = plan(change, observed(pods, workload(NEW)), seen(pods))
    assert (found.again, bool(found.replace)) == (left, left is None)
    assert found.reason == ("Rolling" if left is None else "WaitingForMesh")


UP = pod(2, NEW, ready_since="2025-12-31T23:59:00Z")
OTHERS = [pod(0, OLD), pod(1, OLD)]
# pods, the canary, → what happens, in how many seconds it goes on by itself
CANARIES = {
    "nobody is of it yet": ([*OTHERS, pod(2, OLD)], {"canary": 1}, "Rolling", None),
    "it waits for somebody": ([*OTHERS, UP], {"canary": 1}, "Canary", None),
    "it is two": ([*OTHERS, UP], {"canary": 2}, "Rolling", None),
    "it waits for a time": ([*OTHERS, UP], {"canary": 1, "canary_seconds": 90}, "Canary", 30),
    "its time is over": ([*OTHERS, UP], {"canary": 1, "canary_seconds": 60}, "Rolling", None),
    "the next has come": (
        [pod(0, OLD), replace(UP, ordinal=1, name="chat-1", ready_since="2025-12-31T23:59:50Z"), UP],
        {"canary": 1, "canary_seconds": 60},
        "Rolling",
        None,
    ),
    "it is not up": ([*OTHERS, pod(2, NEW, ready=False)], {"canary": 1}, "WaitingForReady", None),
    "an old one is ill": ([pod(0, OLD, ready=False), pod(1, OLD), UP], {"canary": 1}, "Canary", None),
    "an old one never ran": ([pod(0, OLD, ready=False, started=False), pod(1, OLD), UP], {"canary": 1}, "Canary", None),
}


@pytest.mark.parametrize(("pods", "wanted", "reason", "again"), CANARIES.values(), ids=CANARIES)
def test_a_canary(pods, wanted, reason, again):
    found = plan(Change("Rolling", 3, **wanted), observed(pods, workload(NEW)))
    assert (found.reason, found.again) == (reason, again)
    assert found.held is (reason == "Canary")


def test_where_no_node_can_be_asked_none_is_waited_for():
    pods = [pod(0, OLD), replace(MESHED[0], meshed_since=""), MESHED[1]]
    change = Change("Rolling", 3, min_meshed_seconds=5)
    assert plan(change, observed(pods, workload(NEW)), seen(pods, silent=(0, 1, 2))).reason == "Rolling"


def test_nodes_that_are_not_meant_to_be_connected_wait_for_no_mesh():
    change = Change("Rolling", 3, meshed=False)
    found = plan(change, observed(PODS, workload(NEW)), seen(PODS, missing=[(2, 0), (2, 1)]))
    assert found.reason == "Rolling"


STATES = st.sampled_from([*(f"{age}{state}" for age in (OLD, NEW) for state in ("", *"!x-+?~", "~-")), None])


@given(st.lists(STATES, max_size=6), st.integers(0, 6))
def test_there_are_never_two_broken_nodes(states, replicas):
    """A revision that crashed ate the healthy nodes: each that was not ready for a moment was taken."""
    pods = members(*states)
    found = rolling(pods, replicas)
    wanted = [one for one in pods if one.ordinal < replicas]
    running = [victim for victim in found.replace if victim.started and victim.booted is not False]
    assert len(running) <= 1
    for victim in found.replace:
        assert victim.revision == OLD
        assert not victim.terminating
        assert len(wanted) == replicas
        assert all(one.up or one.lost for one in wanted if one.revision == NEW)
    for victim in running:
        if victim.ready:
            assert all(one.ready and one.booted is not False for one in wanted)
            assert victim.ordinal == max(one.ordinal for one in wanted if one.revision == OLD)


@given(st.sampled_from(sorted(STRATEGIES)), st.lists(STATES, max_size=6), st.integers(0, 6))
def test_done_means_that_every_node_is_ready_and_new_and_no_other_runs(strategy, states, replicas):
    pods = members(*states)
    found = plan(Change(strategy, replicas), observed(pods, workload(NEW, replicas=replicas)))
    ordinals = [one.ordinal for one in pods if one.up and one.revision == NEW]
    assert found.done is (ordinals == list(range(replicas)) and len(pods) == replicas)


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
    ready_before = sum(one.up for one in pods if one.ordinal < replicas)
    for _ in range(200):
        found = rolling(pods, replicas)
        if found.done:
            return
        taken = {victim.name for victim in found.replace}
        pods = [pod(one.ordinal, one.revision, terminating=True) if one.name in taken else one for one in pods]
        ready = sum(one.up for one in pods if one.ordinal < replicas)
        assert ready >= min(ready_before, replicas - 1)
        if not found.replace or chance.random() < 0.7:
            pods = stateful_set_controller(pods, replicas)
        ready_before = sum(one.up for one in pods if one.ordinal < replicas)
    pytest.fail("the update does not end")


@given(st.lists(STATES, max_size=6), st.integers(1, 6))
def test_a_recreate_ends_and_old_and_new_never_meet(states, replicas):
    pods = members(*states)
    met = {one.revision for one in pods} == {OLD, NEW}
    has = replicas
    for _ in range(50):
        found = plan(Change("Recreate", replicas), observed(pods, workload(NEW, replicas=has)))
        if found.done:
            return
        has = found.replicas
        pods = stateful_set_controller(pods, found.replicas)
        revisions = {one.revision for one in pods}
        assert met or revisions != {OLD, NEW}
        met = met and revisions == {OLD, NEW}
    pytest.fail("the update does not end")
