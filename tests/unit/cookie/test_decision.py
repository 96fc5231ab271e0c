"""How nodes get another cookie: what may be done in which situation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from elixircluster.cookie.decision import (
    KUBELET_SECONDS,
    PATIENCE_SECONDS,
    Action,
    Cookie,
    Node,
    Presence,
    Situation,
    decide,
)

LATE = PATIENCE_SECONDS
DOWN = "10.0.0.3 port 6789: no route to host"


def nodes(*holds: Cookie | None, **said: object) -> list[Node]:
    """Pods by ordinal, by the cookie that each takes; what is said counts for those that take none."""
    return [
        Node(f"chat-{ordinal}", cookie) if cookie else Node(f"chat-{ordinal}", why=DOWN, **said)  # type: ignore[arg-type]
        for ordinal, cookie in enumerate(holds)
    ]


PRESENT, NEXT, EARLIER = Cookie.PRESENT, Cookie.NEXT, Cookie.EARLIER
WANTED = {"wanted": "2", "begun": "1"}
SPREADING = {"wanted": "2", "begun": "2", "next": True}
SETTLING = {"wanted": "2", "begun": "2", "earlier": True}
OURS_NO_MORE = {"wanted": "2", "generated": False}

LIVE = {
    "nothing is wanted": ({}, [PRESENT] * 3, Action.NOTHING),
    "what is wanted was done": ({"wanted": "1", "begun": "1"}, [PRESENT] * 3, Action.NOTHING),
    "the annotation was taken away": ({"begun": "1"}, [PRESENT] * 3, Action.NOTHING),
    "begin": (WANTED, [PRESENT] * 3, Action.BEGIN),
    "begin where there is no node": (WANTED, [], Action.BEGIN),
    "set all nodes": (SPREADING, [PRESENT] * 3, Action.SET_NEXT),
    "set the rest, after a crash": (SPREADING, [NEXT, PRESENT, NEXT], Action.SET_NEXT),
    "commit": (SPREADING, [NEXT] * 3, Action.COMMIT),
    "commit where there is no node": (SPREADING, [], Action.COMMIT),
    "commit, and then look at what is wanted by now": ({**SPREADING, "wanted": "3"}, [NEXT] * 3, Action.COMMIT),
    "go on where the annotation was taken away": ({**SPREADING, "wanted": ""}, [NEXT, PRESENT], Action.SET_NEXT),
    "finish": (SETTLING, [PRESENT] * 3, Action.FINISH),
    "finish where there is no node": (SETTLING, [], Action.FINISH),
    "set who started with the earlier one": (SETTLING, [PRESENT, EARLIER, PRESENT], Action.SET_PRESENT),
    "another one only after this one": ({**SETTLING, "wanted": "3"}, [PRESENT] * 3, Action.FINISH),
    "follow a value that the user has written": (
        {"earlier": True, "generated": False},
        [EARLIER] * 3,
        Action.SET_PRESENT,
    ),
    "another Secret with the same cookie": ({"moved": True}, [PRESENT] * 3, Action.NOTHING),
    "an annotation for a Secret of the user's": (OURS_NO_MORE, [PRESENT] * 3, Action.TELL),
    "follow first, then tell": ({**OURS_NO_MORE, "earlier": True}, [EARLIER] * 3, Action.SET_PRESENT),
}


@pytest.mark.parametrize(("said", "holds", "action"), LIVE.values(), ids=LIVE)
def test_nodes_that_can_be_asked_get_another_cookie_without_a_restart(said, holds, action):
    assert decide(Situation(**said, nodes=nodes(*holds))).action is action


def test_whoever_lags_behind_is_set_and_nobody_else():
    decision = decide(Situation(**SPREADING, nodes=nodes(NEXT, PRESENT, EARLIER)))
    assert decision.pods == {"chat-1", "chat-2"}


MISSED = {
    "before the beginning": (WANTED, [PRESENT, PRESENT, None], Action.WAIT),
    "before any node was set": (SPREADING, [PRESENT, PRESENT, None], Action.WAIT),
    "once a node is set the others follow, so that no link stays lost": (
        SPREADING,
        [NEXT, PRESENT, None],
        Action.SET_NEXT,
    ),
    "with all others set": (SPREADING, [NEXT, NEXT, None], Action.WAIT),
    "at the end": (SETTLING, [PRESENT, PRESENT, None], Action.WAIT),
}


@pytest.mark.parametrize(("said", "holds", "action"), MISSED.values(), ids=MISSED)
def test_a_node_that_cannot_be_asked_is_waited_for(said, holds, action):
    decision = decide(Situation(**said, nodes=nodes(*holds)))
    assert decision.action is action
    assert action is not Action.WAIT or f"chat-2: {DOWN}" in decision.trouble.message


ABSENT, STARTING = {"presence": Presence.ABSENT}, {"presence": Presence.STARTING}
NOT_MISSED = {
    "a pod without a node has nothing to be set": (WANTED, ABSENT, Action.BEGIN),
    "so the others go on without it": (SPREADING, ABSENT, Action.COMMIT),
    "a crash-looping pod, in whose node nobody listens": (WANTED, STARTING, Action.BEGIN),
    "nor does it hold up the others": (SPREADING, STARTING, Action.COMMIT),
    "a pod that leaves": (WANTED, {"leaving": True}, Action.BEGIN),
    "a pod that leaves, in the middle": (SPREADING, {"leaving": True}, Action.COMMIT),
    "a pod that leaves, at the end": (SETTLING, {"leaving": True}, Action.FINISH),
    "a pod that takes what the Secret holds by now": (SETTLING, {**ABSENT, "waited": KUBELET_SECONDS}, Action.FINISH),
}


@pytest.mark.parametrize(("said", "node", "action"), NOT_MISSED.values(), ids=NOT_MISSED)
def test_not_every_pod_has_a_node_to_wait_for(said, node, action):
    taken = NEXT if said.get("next") else PRESENT
    assert decide(Situation(**said, nodes=nodes(taken, taken, None, **node))).action is action


NOT_YET = {
    "it may be about to start with the earlier cookie": ABSENT,
    "it has started with the earlier cookie, perhaps": STARTING,
    "it has for long": {**STARTING, "waited": LATE},
}


@pytest.mark.parametrize("node", NOT_YET.values(), ids=NOT_YET)
def test_a_rotation_that_waits_for_a_pod_to_start_says_so(node):
    # It waited without a word, and for ever where the pod was Pending.
    decision = decide(Situation(**SETTLING, nodes=nodes(PRESENT, PRESENT, None, **node)))
    assert (decision.action, decision.trouble.reason) == (Action.WAIT, "RotationWaiting")
    assert f"chat-2: {DOWN}" in decision.trouble.message


def test_a_pod_that_leaves_is_set_while_it_is_there():
    leaver = Node("chat-2", PRESENT, leaving=True)
    assert decide(Situation(**SPREADING, nodes=[*nodes(NEXT, NEXT), leaver])).pods == {"chat-2"}


CHANGED = {"refuses": True, "outdated": True}
OTHERWISE = {
    "probing is disabled": ({**WANTED, "askable": False}, {}, Action.TELL, "RotationWaiting"),
    "another Secret, probing is disabled": ({"moved": True, "askable": False}, {}, Action.STOP, "CookieChanged"),
    "a value that nobody saw being changed": ({"refused": True}, CHANGED, Action.STOP, "CookieChanged"),
    "another Secret with another cookie": ({"moved": True}, CHANGED, Action.STOP, "CookieChanged"),
}


@pytest.mark.parametrize(("said", "node", "action", "reason"), OTHERWISE.values(), ids=OTHERWISE)
def test_what_cannot_be_done_live_is_a_recreate_that_somebody_must_allow(said, node, action, reason):
    seen = {**said, "nodes": nodes(PRESENT, PRESENT, None, **node)}
    decision = decide(Situation(**seen))
    assert (decision.action, decision.trouble.reason) == (action, reason)
    assert "spec.update.allowRecreate" in decision.trouble.message
    assert decide(Situation(**seen, may_recreate=True)).action is Action.RECREATE


@pytest.mark.parametrize(("said", "taken"), [(WANTED, PRESENT), (SPREADING, NEXT), (SETTLING, PRESENT)])
@pytest.mark.parametrize("may_recreate", [False, True])
def test_no_node_is_stopped_because_another_is_away(said, taken, may_recreate):
    # With allowRecreate, a minute without one node stopped all the others.
    away = nodes(taken, taken, None, waited=LATE)
    decision = decide(Situation(**said, nodes=away, may_recreate=may_recreate))
    assert decision.action is Action.TELL
    assert "Delete the pod" in decision.trouble.message


@pytest.mark.parametrize(("said", "taken"), [(WANTED, PRESENT), (SPREADING, NEXT), (SETTLING, PRESENT)])
def test_who_waits_for_a_lost_machine_is_told_of_it_and_not_to_delete_what_does_not_go(said, taken):
    lost = replace(nodes(None, waited=LATE)[0], pod="chat-9", why="the machine worker2 does not answer", lost="worker2")
    told = decide(Situation(**said, nodes=[*nodes(taken), lost])).trouble.message
    assert "chat-9: the machine worker2 does not answer; " in told
    assert ". Bring it back, or " in told
    assert "kubectl taint node worker2" in told
    assert "elete the pod" not in told
    other = decide(Situation(**said, nodes=[*nodes(taken, None, waited=LATE), lost])).trouble.message
    assert "Delete the pod that cannot be asked; bring it back" in other


def test_who_was_missed_before_counts_for_nobody_else():
    absent, away = Node("chat-1", presence=Presence.ABSENT, waited=LATE), Node("chat-2", why=DOWN, waited=1.0)
    assert decide(Situation(**WANTED, nodes=[*nodes(PRESENT), absent, away])).action is Action.WAIT


def test_a_pod_on_its_way_out_does_not_say_that_the_cookie_has_changed():
    # Pods of a deleted resource of the same name stalled the new one, or had it recreated.
    predecessor = Node("chat-0", refuses=True, outdated=True, leaving=True)
    seen = Situation(refused=True, nodes=[predecessor, *nodes(PRESENT)], may_recreate=True)
    assert decide(seen).action is Action.NOTHING


def test_a_node_whose_image_has_a_cookie_of_its_own_is_no_reason_to_stop_anything():
    refusing = nodes(None, None, None, refuses=True)
    assert decide(Situation(refused=True, nodes=refusing, may_recreate=True)).action is Action.NOTHING


def test_a_recreate_lasts_until_no_node_is_left():
    seen = {**WANTED, "stopping": True}
    assert decide(Situation(**seen, nodes=nodes(PRESENT, None, leaving=True))).action is Action.RECREATE
    assert decide(Situation(**seen)).action is Action.BEGIN
    assert decide(Situation(**{**SPREADING, "stopping": True, "askable": False})).action is Action.COMMIT


def test_nobody_is_asked_while_nothing_is_to_be_done():
    assert Situation(wanted="1", begun="1").settled
    for said in (WANTED, SPREADING, SETTLING, {"moved": True}, {"refused": True}):
        assert not Situation(**said).settled
