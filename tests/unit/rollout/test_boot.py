"""Which of the ready pods count as up, and from when on."""

from __future__ import annotations

import pytest

from elixircluster.api.resource import parse
from elixircluster.mesh.boot import Boot
from elixircluster.mesh.failure import Failed, Failure
from elixircluster.mesh.member import Answer, Member
from elixircluster.mesh.view import view
from elixircluster.rollout.boot import judged, seconds_left
from elixircluster.status.document import node
from tests.unit.factory import LONG_AGO, NOW, body, cluster, observed, pod

JUST_NOW = "2025-12-31T23:59:57Z"
A_WHILE_AGO = "2025-12-31T23:59:30Z"
NOBODY = Failed(Failure.TIMEOUT, "no answer")


def asked(answer, life="uid-0/0", **how):
    member = Member("chat-0", "chat@10.0.0.0", "10.0.0.0", life=life, **how)
    return view([member], {member.node: answer})


def said(boot, *starting):
    return asked(Answer(frozenset(), boot=boot, starting=starting))


# what was seen, since when it is ready, what the user says → booted, a part of the message, seconds left
SITUATIONS = {
    "it says that it has booted": (said(Boot.BOOTED), JUST_NOW, {}, True, "", None),
    "it says that it has not": (said(Boot.BOOTING, "chat"), LONG_AGO, {}, False, "application chat is not up", None),
    "it cannot tell": (said(Boot.UNTOLD), JUST_NOW, {}, None, "does not tell whether it has booted", 7),
    "it cannot tell, and is ready for long": (said(Boot.UNTOLD), LONG_AGO, {}, True, "", None),
    "it does not answer": (asked(NOBODY), JUST_NOW, {}, None, "has not been ready for 10 s", 7),
    "it does not answer, and is ready for long": (asked(NOBODY), LONG_AGO, {}, True, "", None),
    "an earlier run of it has booted": (
        asked(Answer(frozenset()), life="uid-0/1"),
        JUST_NOW,
        {},
        None,
        "was not asked yet",
        7,
    ),
    # The operator was away, and took a node for booted 10 s after Kubernetes had called it ready.
    "nobody has looked": (None, A_WHILE_AGO, {}, None, "was not asked yet", 30),
    "it was silent before it was ready": (asked(NOBODY, ready=False), A_WHILE_AGO, {}, None, "was not asked yet", 30),
    "nobody could look for a minute": (None, LONG_AGO, {}, True, "", None),
    "the user is patient": (said(Boot.UNTOLD), JUST_NOW, {"minReadySeconds": 60}, None, "not been ready for 60 s", 57),
    "the user is not": (said(Boot.UNTOLD), JUST_NOW, {"minReadySeconds": 0}, True, "", None),
}


@pytest.mark.parametrize(("seen", "since", "update", "booted", "told", "left"), SITUATIONS.values(), ids=SITUATIONS)
def test_a_ready_pod_is_up_when_its_node_has_booted(seen, since, update, booted, told, left):
    resource = cluster(update=update)
    found = judged(resource, observed([pod(0, ready_since=since)]), seen, NOW)
    [member] = found.pods
    assert (member.booted, member.up) == (booted, booted is True)
    assert told in member.message
    assert bool(told) == bool(member.message)
    assert seconds_left(resource, found) == left


def test_a_pod_that_is_not_ready_is_told_by_what_kubernetes_says():
    [member] = judged(cluster(), observed([pod(0, ready=False)]), said(Boot.BOOTING), NOW).pods
    assert (member.up, member.message) == (False, "not ready")


@pytest.mark.parametrize(("probe", "booted"), [("Enabled", False), ("Disabled", True)])
def test_what_was_known_before_the_process_began_stands_until_somebody_is_asked(probe, booted):
    known = {
        "nodes": [{"pod": "chat-0", "ready": False, "booted": False, "message": "its application a is not up yet"}]
    }
    resource = parse({**body(mesh={"probe": probe}), "status": known})
    [member] = judged(resource, observed([pod(0)]), None, NOW).pods
    assert (member.booted, member.message) == (booted, "" if booted else "its application a is not up yet")


@pytest.mark.parametrize(("up_since", "booted"), [(A_WHILE_AGO, True), ("2025-12-31T23:59:29Z", None), (None, None)])
def test_a_node_that_was_up_before_the_process_began_stays_up_unless_it_was_started_again(up_since, booted):
    resource = parse({**body(), "status": {"nodes": [{"pod": "chat-0", "upSince": up_since}]}})
    [member] = judged(resource, observed([pod(0, ready_since=A_WHILE_AGO)]), None, NOW).pods
    assert member.booted is booted


SINCE = {
    "as Kubernetes says, where it was up no later": ({"upSince": "2025-12-31T23:59:00Z"}, JUST_NOW),
    "as it was seen, where it booted later": ({"upSince": "2025-12-31T23:59:59Z"}, "2025-12-31T23:59:59Z"),
    "now, where it was not up before": ({"ready": False}, NOW),
}


@pytest.mark.parametrize(("known", "since"), SINCE.values(), ids=SINCE)
def test_a_node_is_up_since_it_has_booted_and_not_since_kubernetes_calls_it_ready(known, since):
    """One that died soon after a boot of 20 s had by then been ready for long enough, and the next was taken."""
    resource = parse({**body(), "status": {"nodes": [{"pod": "chat-0", **known}]}})
    [member] = judged(resource, observed([pod(0, ready_since=JUST_NOW)]), said(Boot.BOOTED), NOW).pods
    assert member.up_since == since
    assert node(resource, member, None)["upSince"] == since


SILENT = {
    "it had not booted": ({"booted": False, "message": "its application a is not up yet"}, False),
    "it had": ({"booted": True, "upSince": LONG_AGO}, True),
    "it had never been asked": ({}, True),
}


@pytest.mark.parametrize(("known", "booted"), SILENT.values(), ids=SILENT)
def test_a_node_that_does_not_answer_any_more_is_what_it_said_last(known, booted):
    """One that hung in its boot, on a machine that died, was called ready until Kubernetes missed the machine."""
    resource = parse({**body(), "status": {"nodes": [{"pod": "chat-0", **known}]}})
    [member] = judged(resource, observed([pod(0)]), asked(NOBODY), NOW).pods
    assert member.booted is booted
    assert node(resource, member, asked(NOBODY)).get("booted", True) is booted


def test_a_node_that_cannot_tell_any_more_is_believed_though_it_had_said_no():
    """A node of Gleam says no while its applications start, and then can tell no more: it was never up."""
    resource = parse({**body(), "status": {"nodes": [{"pod": "chat-0", "booted": False, "message": "not ready"}]}})
    [member] = judged(resource, observed([pod(0)]), said(Boot.UNTOLD), NOW).pods
    assert member.up
