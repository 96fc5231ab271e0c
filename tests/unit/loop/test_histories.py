"""Whatever users and the world do, in whatever order: the laws hold.

A history that broke one becomes a test with a name here, below. `make campaign-loop` looks for more of them.
"""

from __future__ import annotations

import itertools
import logging
import os
import time

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fake.history import History, histories
from tests.fake.verdict import check

CAMPAIGN = bool(os.environ.get("ELIXIRCLUSTER_CAMPAIGN"))
HISTORIES = 20_000 if CAMPAIGN else 30
TOLD_EVERY = 100

count, began = itertools.count(1), time.monotonic()


@pytest.fixture(autouse=True, scope="module")
def silence():
    """Thousands of faults on purpose are no news."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(0 if CAMPAIGN else 300)
@settings(
    max_examples=HISTORIES,
    deadline=None,
    database=None,
    derandomize=not CAMPAIGN,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)
@given(histories())
def test_no_history_breaks_a_law(history):
    if CAMPAIGN and (number := next(count)) % TOLD_EVERY == 0:
        print(f"{number} histories in {time.monotonic() - began:.0f} s", flush=True)
    assert check(history) == []


# What was found. Each was a history of up to fourteen steps, made as short as it can be.


def chat(*steps, strategy="Rolling", replicas=3, **how):
    """A history of a resource that has come up first."""
    return check(History(((0.0, "create", "chat", replicas, strategy), (20.0, "settle"), *steps), **how))


def test_an_object_that_somebody_made_in_the_place_of_ours_is_not_taken_over():
    """The write of a drift came after a user had deleted the child and made another: it was forced upon that one."""
    drift, squat = (20.0, "drift", "chat", "NetworkPolicy"), (0.0, "squat", "chat", "NetworkPolicy")
    assert chat(drift, (0.0, "unready", "chat", 0, 15.0), squat) == []


@pytest.mark.parametrize("label", ["app.kubernetes.io/managed-by", "elixircluster.dev/cluster"])
def test_the_secret_of_the_cookie_gets_its_labels_back(label):
    """Without one no watch saw it, and each reconcile tried to make it anew."""
    assert chat((0.0, "touch_labels", "chat", "Secret", label)) == []


def test_a_secret_that_is_made_again_says_nothing_of_a_rotation_that_never_was():
    assert chat((0.0, "lose_child", "chat", "Secret")) == []


@pytest.mark.parametrize(("seed", "pace", "replicas"), [(3, "brisk", 3), (6, "brisk", 1), (13, "wild", 1)])
def test_nodes_that_all_stop_for_another_port_start_again(seed, pace, replicas):
    """The StatefulSet stayed at zero: its new revision was seen after it was held there, and before that was noted."""
    steps = ((0.0, "port", "chat", 6790), (0.0, "settle"))
    assert chat(*steps, replicas=replicas, seed=seed, pace=pace) == []


def test_what_a_restored_etcd_never_had_is_forgotten_though_its_version_comes_a_second_time():
    """A list exactly as new as a child that was lost let the child stand, and the resource wait for its deletion."""
    made = ((0.0, "create", "chat", 1, "Rolling"), (0.0, "settle"), (0.0, "recreate", "chat", 0))
    changed = (*[(0.0, "image", "chat", "chat:1")] * 2, (3.1, "image", "chat", "chat:1"))
    steps = (*made, *changed, (0.0, "restore", 1))
    assert check(History(steps, seed=5679166, pace="wild", elects=True, probed=True)) == []


def test_a_child_that_went_before_its_making_was_answered_is_made_again():
    """A list came in between, which nobody compared with the answer: what was gone was there until the next one."""
    image, gap = (5.0, "image", "chat", "chat:1"), (0.0, "gap", (), 0.1)
    made = ((0.0, "create", "chat", 2, "Rolling"), (0.0, "settle"), (0.0, "recreate", "chat", 0))
    steps = (*made, image, (3.0, *gap[1:]), image, (0.0, "delete", "chat"), gap, (0.0, "create", "chat", 0, "Rolling"))
    assert check(History(steps, pace="wild")) == []


def test_a_pod_that_is_heard_of_late_is_not_up_before_its_node_was_asked():
    """By then Kubernetes had called it ready for 10 s, which stands for an answer where nobody can be asked."""
    slow = (0.0, "image_and_scale", "chat", "chat:slow", 1)
    steps = ((0.0, "create", "chat", 0, "Rolling"), (0.0, "settle"), slow)
    assert check(History(steps, seed=168, pace="wild", probed=True)) == []


def test_who_was_silent_before_its_pod_was_ready_was_not_asked_yet():
    grown, orphaned = (0.0, "scale", "chat", 5), (0.3, "orphan_pods", "chat")
    changed = ((0.0, "image", "chat", "chat:slow"), (0.0, "create", "chat-1", 1, "Rolling"))
    steps = ((0.0, "create", "chat", 0, "Rolling"), (0.0, "settle"), grown, orphaned, *changed)
    assert check(History(steps, seed=161, pace="wild", probed=True)) == []


def test_news_of_a_death_that_are_still_on_their_way_make_nobody_a_liar():
    late = (0.0, "image_and_scale", "chat", "chat:late", 1)
    assert chat(late, (0.0, "settle"), replicas=0, pace="wild", probed=False) == []


@pytest.mark.parametrize("probed", [True, False])
def test_a_release_that_dies_while_it_boots_costs_one_node(probed):
    """Each was ready for eight seconds, since the distribution is up before the applications, and all were taken."""
    assert chat((0.0, "image", "chat", "chat:late"), (120.0, "settle"), probed=probed, mended=False) == []


@pytest.mark.parametrize("image", ["chat:slow", "chat:hung"])
def test_the_next_node_is_taken_when_the_last_has_booted(image):
    assert chat((0.0, "image", "chat", image), (60.0, "restart"), (60.0, "settle"), probed=True, mended=False) == []


def test_a_revision_that_never_boots_makes_room_for_the_next():
    hung, mended = (0.0, "image", "chat", "chat:hung"), (60.0, "image", "chat", "chat:2")
    assert chat(hung, mended, (20.0, "restart"), probed=True, pace="brisk") == []


def test_a_child_that_goes_while_the_others_are_written_is_made_again():
    """What was there after the writes was taken for what had been written, and so nothing was missed."""
    image, lost = (0.0, "image", "chat", "chat:2"), (0.0, "lose_child", "chat", "ConfigMap")
    assert chat(image, lost, replicas=1, pace="brisk") == []


# What the loop was rewritten for.


def test_a_broken_revision_stops_at_its_first_node_whatever_becomes_of_the_old_ones():
    broken, moment = (0.0, "image", "chat", "chat:broken"), (5.0, "unready", "chat", 0, 3.0)
    assert chat(broken, moment, (5.0, "unready", "chat", 1, 3.0), mended=False) == []


def test_a_recreate_with_more_nodes_starts_none_beside_the_old_ones():
    assert chat((0.0, "image_and_scale", "chat", "chat:2", 5), strategy="Recreate", pace="brisk") == []


@pytest.mark.parametrize("seed", range(5))
def test_a_change_that_comes_while_a_status_is_written_is_not_forgotten(seed):
    assert chat((0.0, "unready", "chat", 0, 3.0), (3.1, "scale", "chat", 1), pace="brisk", seed=seed) == []


@pytest.mark.parametrize("kind", ["StatefulSet", "PodDisruptionBudget"])
def test_what_was_deleted_in_a_gap_is_made_again_though_the_list_is_empty(kind):
    assert chat((0.0, "gap", (), 15.0), (1.0, "lose_child", "chat", kind)) == []


@pytest.mark.parametrize("replicas", [0, 2])
def test_the_children_of_a_resource_that_went_unheard_are_not_made_again_and_again(replicas):
    """The garbage collector took them away, and each time they were missed."""
    assert chat((0.0, "gap", ("ElixirCluster",), 60.0), (0.0, "delete", "chat"), replicas=replicas, elects=True) == []


def test_a_resource_that_was_deleted_in_a_gap_leaves_nothing():
    assert chat((0.0, "gap", (), 15.0), (1.0, "delete", "chat")) == []


@pytest.mark.parametrize("of_job", [True, False])
def test_a_pod_of_somebody_else_with_our_labels_holds_up_nothing_and_stays(of_job):
    strange = (0.0, "strange_pod", "chat", of_job)
    assert chat(strange, (5.0, "image", "chat", "chat:2")) == []
    assert chat(strange, (5.0, "image", "chat", "chat:2"), strategy="Recreate") == []


def test_a_resource_of_the_same_name_does_not_take_the_old_ones_nodes_for_its_own():
    assert chat((0.0, "recreate", "chat", 2), pace="wild") == []


def test_orphans_are_taken_in_and_replaced_one_by_one():
    assert chat((0.0, "orphan_pods", "chat"), (0.0, "image", "chat", "chat:2"), pace="brisk") == []


def test_an_etcd_that_was_restored_is_believed():
    change, settle = (0.0, "image_and_scale", "chat", "chat:2", 5), (0.0, "settle")
    assert chat(change, settle, (60.0, "restore", 2), elects=True) == []


def test_a_leader_that_loses_its_lease_leaves_the_rest_to_the_next_one():
    change = (0.0, "image_and_scale", "chat", "chat:2", 5)
    assert chat(change, (0.3, "change_leader"), elects=True, pace="brisk") == []


def test_errors_of_every_kind_end_in_the_same_state():
    assert chat((0.0, "errors", 0.5), (0.0, "image", "chat", "chat:2"), (20.0, "scale", "chat", 5), pace="brisk") == []


def test_an_etcd_that_was_restored_is_believed_though_its_versions_have_gone_on_past_the_deletion():
    """The lease was renewed with a higher version than before, so that nothing told that the world had gone back."""
    steps = (
        (0.0, "create", "chat", 3, "Rolling"),
        (0.5, "settle"),
        (0.0, "image_and_scale", "chat", "chat:broken", 3),
        (0.0, "strategy", "chat", "Rolling"),
        (0.0, "delete", "chat"),
        (20.0, "orphan_pods", "chat"),
        (5.0, "strategy", "chat", "Rolling"),
        (0.0, "restore", 3),
    )
    assert check(History(steps, elects=True)) == []


def test_a_deletion_that_was_decided_before_etcd_was_restored_is_refused():
    """It names the version that the pod had, so that it costs no node of another time."""
    changed = ((0.0, "image", "chat", "chat:2"), (1.0, "image_and_scale", "chat", "chat:1", 2))
    made = (0.0, "create", "chat", 3, "Rolling")
    assert check(History((made, *changed, (20.0, "restore", 2)), elects=True)) == []


def test_a_statefulset_that_changes_after_it_was_written_makes_nobody_ready():
    """Its pods were of its newest revision, which was not the one that was wanted: an etcd was restored meanwhile."""
    made, again = (0.0, "create", "chat", 2, "Rolling"), (0.0, "create", "chat", 0, "Rolling")
    steps = (made, (0.0, "settle"), (0.0, "image", "chat", "chat:2"), again, (3.0, "restore", 1))
    assert check(History(steps, pace="brisk", elects=True, probed=True)) == []


def test_what_is_stopped_is_not_told_as_under_way():
    """A node was said to be replaced where a cookie that had changed let nobody; and a restart said it otherwise."""
    taken, again = (0.0, "squat", "chat", "ConfigMap"), (0.0, "recreate", "chat", 1)
    assert chat((0.0, "orphan_pods", "chat"), taken, again, replicas=1, probed=True) == []


def test_two_leaders_of_a_restored_etcd_do_not_answer_each_other_without_end():
    """Each lease was good until its next renewal, and each status was news to the other."""
    made, changed = (0.0, "create", "chat", 1, "Rolling"), (0.0, "image", "chat", "chat:1")
    steps = (made, (0.0, "settle"), (0.0, "settle"), changed, changed, (0.0, "change_leader"), (0.0, "restore", 2))
    assert check(History(steps, elects=True, probed=True)) == []


def test_a_status_that_is_gathered_is_written_when_its_time_has_come():
    """What was left of the time was too little to move the clock, and the resource was looked at without end."""
    lost = ((0.3, "lose_machine", "machine-1"), (0.0, "lose_child", "chat", "StatefulSet"))
    steps = ((0.0, "create", "chat", 4, "Recreate"), *lost, (0.5, "settle"), (0.01, "machine_back", "machine-2"))
    assert check(History(steps, seed=186451, probed=True)) == []


@pytest.mark.parametrize("pace", ["instant", "brisk", "wild"])
def test_pods_that_kubernetes_refuses_cost_no_node_that_is_well(pace):
    refused, lifted = (0.0, "quota", 1), (20.0, "quota", None)
    assert chat(refused, (0.0, "die", "chat", 2), (5.0, "image", "chat", "chat:2"), lifted, pace=pace) == []
    assert chat(refused, (0.0, "image", "chat", "chat:2"), strategy="Recreate", pace=pace) == []


# What becomes of a lost machine: chat-0 is on machine-2, chat-1 on machine-0, chat-2 on machine-1.


@pytest.mark.parametrize("strategy", ["Rolling", "Recreate"])
@pytest.mark.parametrize("end", ["machine_back", "give_up_machine"])
@pytest.mark.parametrize("away", [60.0, 400.0])
def test_a_change_waits_for_a_lost_machine_and_goes_on_when_that_is_decided(strategy, end, away):
    lost, change = (0.0, "lose_machine", "machine-1"), (60.0, "image", "chat", "chat:2")
    assert chat(lost, change, (away, end, "machine-1"), strategy=strategy) == []


def test_a_lost_machine_with_a_node_that_nobody_wants_any_more_holds_up_no_change():
    lost, change = (0.01, "lose_machine", "machine-0"), (0.0, "image_and_scale", "chat", "chat:2", 1)
    assert chat(lost, (20.0, "settle"), change, replicas=2) == []


def test_a_machine_that_is_lost_in_the_midst_of_a_change_stops_it():
    change, lost = (0.0, "image", "chat", "chat:2"), (0.3, "lose_machine", "machine-0")
    assert chat(change, lost, (400.0, "give_up_machine", "machine-0"), pace="wild") == []


def test_all_machines_are_lost_and_come_back():
    lost = [(0.0, "lose_machine", f"machine-{number}") for number in range(3)]
    assert chat(*lost, (60.0, "scale", "chat", 5), (400.0, "machine_back", "machine-1")) == []


def test_a_statefulset_that_lost_its_label_is_looked_at_before_it_is_written():
    """It was taken for one that is yet to be made, so for one without nodes, which may have another port at once."""
    changed = ((0.05, "scale", "chat", 4), (0.5, "port", "chat", 6790))
    lost = (0.01, "touch_labels", "chat", "StatefulSet", "app.kubernetes.io/managed-by")
    assert chat((0.05, "gap", (), 2.0), *changed, lost, replicas=2) == []


@pytest.mark.parametrize("strategy", ["Rolling", "Recreate"])
@pytest.mark.parametrize("streams", [(), ("Pod",)])
def test_nodes_that_were_made_in_the_gap_of_a_watch_are_waited_for(streams, strategy):
    """Another port, or a Recreate, looked at the pods that it knew of, and new ones started beside the others."""
    made = ((0.0, "quota", 1), (0.0, "create", "chat", 3, strategy), (0.1, "gap", streams, 15.0))
    changed = ((0.1, "image_and_scale", "chat", "chat:2", 5), (0.0, "port", "chat", 6790), (20.0, "quota", None))
    assert check(History((*made, *changed))) == []


def test_nodes_that_a_deleted_statefulset_has_left_behind_are_not_joined_by_others_at_another_port():
    """They were no members of anything, so that nobody asked how they are reached."""
    changed = ((0.0, "image_and_scale", "chat", "chat:1", 5), (0.0, "port", "chat", 6790))
    for order in (((0.0, "orphan_pods", "chat"), *changed), (*changed, (0.0, "orphan_pods", "chat"))):
        assert [chat(*order, replicas=2, pace="wild", seed=seed) for seed in range(4)] == [[]] * 4


def test_a_node_that_hangs_in_its_boot_is_not_up_when_its_machine_dies():
    steps = ((0.0, "image", "chat", "chat:hung"), (0.0, "settle"), (0.0, "lose_machine", "machine-2"))
    made = (0.0, "create", "chat", 3, "Recreate"), (0.0, "image_and_scale", "chat", "chat:broken", 1)
    assert check(History((*made, *steps), probed=True)) == []


def test_what_a_refused_write_finds_gone_is_not_there():
    """The API server had said that there was no such StatefulSet, and Ready was told of the one that was remembered."""
    made = (
        (0.0, "create", "chat", 0, "Rolling"),
        (20.0, "orphan_pods", "chat"),
        (0.0, "create", "chat-1", 0, "Rolling"),
    )
    steps = (*made, (60.0, "image", "chat", "chat:slow"), (0.0, "settle"), (0.0, "restore", 3))
    assert check(History(steps, seed=3, pace="brisk")) == []


def test_a_statefulset_that_is_made_anew_is_what_is_wanted_by_then():
    """The look whether its resource was still there took a second, in which that became a Recreate."""
    orphaned, changed = (0.0, "orphan_pods", "chat"), (5.0, "image_and_scale", "chat", "chat:1", 3)
    died = (3.1, "die", "chat", 1)
    moved = ((3.1, "image", "chat", "chat:2"), (5.0, "lose_machine", "machine-1"), orphaned)
    made = ((0.0, "create", "chat", 3, "Rolling"), (0.0, "settle"), orphaned, changed, died, died, *moved)
    assert check(History((*made, (3.1, "strategy", "chat", "Recreate")), seed=2757, pace="wild", mended=False)) == []


def test_a_healthy_node_stays_where_etcd_was_restored_in_the_middle_of_an_update():
    """The StatefulSet as it had been before, of a later version than all answers, told another revision to be the
    newest: pods that were listed again already were taken for old ones.
    """
    steps = (
        (0.0, "create", "chat", 3, "Rolling"),
        (3.1, "image", "chat", "chat:late"),
        (20.0, "lose_child", "chat", "PodDisruptionBudget"),
        (0.0, "restore", 1),
    )
    assert check(History(steps, seed=64, pace="brisk", probed=True, mended=True)) == []


def test_old_and_new_nodes_do_not_meet_where_etcd_was_restored_while_a_recreate_was_on_its_way():
    """The StatefulSet was written as one without old nodes was to be, and had them again by then."""
    steps = (
        (0.0, "create", "chat", 2, "Recreate"),
        (0.0, "settle"),
        (0.0, "settle"),
        (0.0, "gap", ("Service", "Secret"), 0.1),
        (0.0, "image", "chat", "chat:late"),
        (60.0, "scale", "chat", 5),
        (0.3, "restore", 3),
    )
    assert check(History(steps, seed=223, pace="brisk", probed=True, mended=False)) == []


def test_no_nodes_are_wanted_any_more_by_a_recreate_that_came_while_they_left_one_by_one():
    """All were to stop, which was taken for fewer nodes: nobody could be told to leave, and none ever did."""
    steps = (
        (0.0, "create", "chat", 5, "Rolling"),
        (3.1, "settle"),
        (0.0, "image_and_scale", "chat", "chat:3", 0),
        (0.0, "strategy", "chat", "Recreate"),
    )
    assert check(History(steps, pace="brisk", probed=True)) == []


def test_a_resource_that_was_made_again_while_it_was_asked_for_is_not_forgotten():
    """The answer that there is none was older than the news of the new one, and nobody looked at that any more."""
    steps = (
        (0.0, "create", "chat", 0, "Rolling"),
        (0.0, "settle"),
        (0.0, "delete", "chat"),
        (0.05, "create", "chat", 0, "Rolling"),
    )
    assert check(History(steps, seed=7, pace="wild", mended=True)) == []
