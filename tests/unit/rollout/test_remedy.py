"""When a pod is restarted for its node's sake, and which."""

from __future__ import annotations

import pytest

from elixircluster.mesh.failure import Failed, Failure
from elixircluster.mesh.member import Answer, Member
from elixircluster.mesh.view import view
from elixircluster.observed.pod import Pod
from elixircluster.rollout.change import Plan
from elixircluster.rollout.remedy import REASON, remedy

DONE = Plan("UpToDate", "all nodes are ready", 4, done=True)
FROZEN = Failed(Failure.TIMEOUT, "no answer")


def name(place):
    return f"chat@10.0.0.{place}"


def pod(place, **changes):
    said = {
        "name": f"chat-{place}",
        "ordinal": place,
        "uid": f"u{place}",
        "resource_version": "1",
        "revision": "r",
        "image": "",
        "address": f"10.0.0.{place}",
        "ready": True,
        "terminating": False,
        "message": "",
    }
    return Pod(**{**said, **changes})


PODS = [pod(place) for place in range(4)]


def mesh(*islands, **silent):
    """Each island a full mesh."""
    members = [Member(f"chat-{place}", name(place), life=f"u{place}/0") for place in range(4)]
    answers = {
        name(place): Answer(frozenset(map(name, island)) - {name(place)}, uptime_seconds=600)
        for island in islands
        for place in island
    }
    return view(members, answers | silent)


def links(*pairs):
    return [(name(one), name(other)) for one, other in pairs]


@pytest.mark.parametrize(
    ("seen", "given_up", "victim"),
    [
        (mesh((0, 1, 2), (3,)), links((0, 3)), "chat-3"),
        (mesh((1, 2, 3), (0,)), links((0, 1)), "chat-0"),
        (mesh((0, 1), (2, 3)), links((0, 2)), "chat-2"),
        (mesh((0, 1, 2), (3,)), [], None),
        (mesh((0, 1, 2)), links((0, 1)), None),
        (None, links((0, 3)), None),
    ],
    ids=[
        "the minority's only node",
        "whatever its ordinal",
        "of two halves the higher ordinal",
        "nothing was given up",
        "a node is silent",
        "nobody has looked",
    ],
)
def test_of_the_minority_one_node_is_restarted(seen, given_up, victim):
    found = remedy(DONE, PODS, seen, given_up)
    assert [pod.name for pod in found.replace] == ([victim] if victim else [])
    assert found.reason == (REASON if victim else "UpToDate")


def test_a_link_that_is_missing_on_one_island_costs_the_end_with_fewer_links():
    sees = {0: (1, 2, 3), 1: (0, 3), 2: (0,), 3: (0, 1)}
    members = [Member(f"chat-{place}", name(place), life=f"u{place}/0") for place in range(4)]
    seen = view(members, {name(x): Answer(frozenset(map(name, ys)), uptime_seconds=600) for x, ys in sees.items()})
    assert [pod.name for pod in remedy(DONE, PODS, seen, links((1, 2))).replace] == ["chat-2"]


def test_during_a_rollout_or_while_a_pod_is_not_ready_none_is_restarted():
    found = Plan("WaitingForReady", "pod chat-1: is terminating", 4)
    assert remedy(found, PODS, mesh((0, 1, 2), (3,)), links((0, 3))) is found


def test_a_pod_that_was_replaced_since_the_last_look_stays():
    pods = [*PODS[:3], pod(3, uid="another")]
    assert remedy(DONE, pods, mesh((0, 1, 2), (3,)), links((0, 3))) is DONE
