"""Changes with which old and new nodes could not talk to each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from elixircluster.control.outcome import attempt
from elixircluster.errors import Stalled
from elixircluster.phase import Context
from elixircluster.rollout.split import change, guard, refuse_to_split
from tests.unit.factory import cluster, observed, pod, workload

RESOURCE = cluster(replicas=2)


def old(ordinal, **state):
    return replace(pod(ordinal, **state), distribution="inet_tls:chat-tls/6789/no-epmd/address/chat/60")


def test_nodes_that_run_are_not_stopped_unasked():
    with pytest.raises(Stalled, match="RecreateNeeded"):
        refuse_to_split(RESOURCE, [old(0, ready=False, started=False), old(1)])


NOBODY = {
    "nobody": [],
    "who leaves": [old(0, terminating=True), old(1, terminating=True)],
    "who is not wanted": [old(2)],
    "who has never started": [old(0, ready=False, started=False), old(1, ready=False, started=False)],
}


@pytest.mark.parametrize("pods", NOBODY.values(), ids=NOBODY)
def test_where_there_is_nothing_to_lose_nothing_needs_to_be_allowed(pods):
    refuse_to_split(RESOURCE, pods)


@pytest.mark.parametrize("update", [{"allowRecreate": True}, {"strategy": "Recreate"}])
def test_who_has_allowed_it_gets_it(update):
    refuse_to_split(cluster(replicas=2, update=update), [old(0), old(1)])


UNSEEN = {
    "one is counted": (workload(replicas=2), 2, True),
    "its controller has not looked yet": (workload(replicas=2, observed=False), 0, True),
    "none is counted": (workload(replicas=2), 0, False),
    "none is to be there": (workload(replicas=0), 0, False),
}


@pytest.mark.parametrize(("stateful_set", "pods", "waits"), UNSEEN.values(), ids=UNSEEN)
async def test_a_change_that_splits_waits_for_news_of_nodes(stateful_set, pods, waits):
    """In the gap of a watch a port was changed, and nodes that nobody had seen yet stayed at the old one."""
    there = observed([], replace(stateful_set, pods=pods, distribution=old(0).distribution))
    found = await attempt(guard, Context(RESOURCE, there, lambda: there))
    assert (found.trouble.reason if found.trouble else None) == ("Observing" if waits else None)


def test_nobody_is_let_go_beside_a_template_that_could_not_talk_to_them():
    there = observed([], replace(workload(replicas=2), distribution=old(0).distribution))
    assert change(Context(RESOURCE, there, lambda: there)).stops_first
