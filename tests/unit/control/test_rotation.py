"""How nodes get another cookie: what may be done in which situation."""

from __future__ import annotations

import pytest

from elixircluster.control.rotation import PATIENCE_SECONDS, Action, Cookie, Node, Situation, next_step

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
    assert next_step(Situation(**said, nodes=nodes(*holds))).action is action


def test_whoever_lags_behind_is_set_and_nobody_else():
    step = next_step(Situation(**SPREADING, nodes=nodes(NEXT, PRESENT, EARLIER)))
    assert step.pods == {"chat-1", "chat-2"}


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
    step = next_step(Situation(**said, nodes=nodes(*holds)))
    assert step.action is action
    assert action is not Action.WAIT or f"chat-2: {DOWN}" in step.trouble.message


NOT_MISSED = {
    "a pod without a node has nothing to be set": (WANTED, {"running": False}, Action.BEGIN),
    "so the others go on without it": (SPREADING, {"running": False}, Action.COMMIT),
    "but it may start with the old cookie, so this is not the end": (SETTLING, {"running": False}, Action.NOTHING),
    "a pod that leaves": (WANTED, {"leaving": True}, Action.BEGIN),
    "a pod that leaves, in the middle": (SPREADING, {"leaving": True}, Action.COMMIT),
    "a pod that leaves, at the end": (SETTLING, {"leaving": True}, Action.FINISH),
}


@pytest.mark.parametrize(("said", "node", "action"), NOT_MISSED.values(), ids=NOT_MISSED)
def test_not_every_pod_has_a_node_to_wait_for(said, node, action):
    taken = NEXT if said.get("next") else PRESENT
    assert next_step(Situation(**said, nodes=nodes(taken, taken, None, **node))).action is action


def test_a_pod_that_leaves_is_set_while_it_is_there():
    leaver = Node("chat-2", PRESENT, leaving=True)
    assert next_step(Situation(**SPREADING, nodes=[*nodes(NEXT, NEXT), leaver])).pods == {"chat-2"}


CHANGED = {"refuses": True, "outdated": True}
OTHERWISE = {
    "a node out of reach for too long": ({**WANTED, "waited": LATE}, {}, Action.TELL, "RotationWaiting"),
    "probing is disabled": ({**WANTED, "askable": False}, {}, Action.TELL, "RotationWaiting"),
    "another Secret, probing is disabled": ({"moved": True, "askable": False}, {}, Action.STOP, "CookieChanged"),
    "a value that nobody saw being changed": ({"refused": True}, CHANGED, Action.STOP, "CookieChanged"),
    "another Secret with another cookie": ({"moved": True}, CHANGED, Action.STOP, "CookieChanged"),
}


@pytest.mark.parametrize(("said", "node", "action", "reason"), OTHERWISE.values(), ids=OTHERWISE)
def test_what_cannot_be_done_live_is_a_recreate_that_somebody_must_allow(said, node, action, reason):
    seen = {**said, "nodes": nodes(PRESENT, PRESENT, None, **node)}
    step = next_step(Situation(**seen))
    assert (step.action, step.trouble.reason) == (action, reason)
    assert "spec.update.allowRecreate" in step.trouble.message
    assert next_step(Situation(**seen, may_recreate=True)).action is Action.RECREATE


def test_a_node_that_was_set_is_never_stopped_for_another():
    for said, taken in ((SPREADING, NEXT), (SETTLING, PRESENT)):
        seen = Situation(**said, nodes=nodes(taken, taken, None), waited=LATE, may_recreate=True)
        assert next_step(seen).action is Action.TELL
        assert "Delete the pod" in next_step(seen).trouble.message


def test_a_node_whose_image_has_a_cookie_of_its_own_is_no_reason_to_stop_anything():
    refusing = nodes(None, None, None, refuses=True)
    assert next_step(Situation(refused=True, nodes=refusing, may_recreate=True)).action is Action.NOTHING


def test_a_recreate_lasts_until_no_node_is_left():
    seen = {**WANTED, "stopping": True}
    assert next_step(Situation(**seen, nodes=nodes(PRESENT, None, leaving=True))).action is Action.RECREATE
    assert next_step(Situation(**seen)).action is Action.BEGIN
    assert next_step(Situation(**{**SPREADING, "stopping": True, "askable": False})).action is Action.COMMIT


def test_nobody_is_asked_while_nothing_is_to_be_done():
    assert Situation(wanted="1", begun="1").settled
    for said in (WANTED, SPREADING, SETTLING, {"moved": True}, {"refused": True}):
        assert not Situation(**said).settled
