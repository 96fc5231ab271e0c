"""Since when a node has been connected with all others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from elixircluster.mesh.failure import Failed, Failure
from elixircluster.mesh.member import Answer, Member
from elixircluster.mesh.view import view
from elixircluster.rollout.meshed import judged
from tests.unit.factory import LONG_AGO, NOW, cluster, observed, pod

A_WHILE_AGO = "2025-12-31T23:59:30Z"
JUST_NOW = "2025-12-31T23:59:57Z"
MEMBERS = [
    Member(f"chat-{number}", f"chat@10.0.0.{number}", f"10.0.0.{number}", life=f"uid-{number}/0") for number in (0, 1)
]
NAMES = [member.node for member in MEMBERS]


def seen(*first, silent=False):
    """What two nodes say, the first of which sees these."""
    other = Failed(Failure.TIMEOUT, "no answer") if silent else Answer(frozenset(NAMES[:1]))
    return view(MEMBERS, {NAMES[0]: Answer(frozenset(first)), NAMES[1]: other})


WHOLE, APART, ALONE = seen(NAMES[1]), seen(), seen(silent=True)
# what is seen, what status says, since when it is ready → since when it is meshed
SITUATIONS = {
    "it has just been seen so": (WHOLE, "", LONG_AGO, NOW),
    "it has been so for a while": (WHOLE, A_WHILE_AGO, LONG_AGO, A_WHILE_AGO),
    "an earlier run of it has been": (WHOLE, A_WHILE_AGO, JUST_NOW, NOW),
    "it has lost another": (APART, A_WHILE_AGO, LONG_AGO, ""),
    # Who does not answer is told as that, and takes nobody's time.
    "another does not answer": (ALONE, A_WHILE_AGO, LONG_AGO, A_WHILE_AGO),
    "nobody was asked since the operator began": (None, A_WHILE_AGO, LONG_AGO, A_WHILE_AGO),
    "nobody was ever asked": (None, "", LONG_AGO, ""),
}


@pytest.mark.parametrize(("mesh", "known", "ready", "since"), SITUATIONS.values(), ids=SITUATIONS)
def test_the_time_of_a_node_in_the_mesh(mesh, known, ready, since):
    resource = replace(cluster(), status={"nodes": [{"pod": "chat-0", "meshedSince": known}]})
    [member] = judged(resource, observed([pod(0, ready_since=ready)]), mesh).pods
    assert member.meshed_since == since


def test_one_that_is_not_up_counts_as_new_when_it_is():
    resource = replace(cluster(), status={"nodes": [{"pod": "chat-0", "meshedSince": A_WHILE_AGO}]})
    [member] = judged(resource, observed([pod(0, ready=False)]), WHOLE).pods
    assert member.meshed_since == ""


def test_what_was_known_is_forgotten_where_nodes_are_not_asked_any_more():
    resource = cluster(mesh={"probe": "Disabled"})
    resource = replace(resource, status={"nodes": [{"pod": "chat-0", "meshedSince": A_WHILE_AGO}]})
    [member] = judged(resource, observed([pod(0)]), None).pods
    assert member.meshed_since == ""
