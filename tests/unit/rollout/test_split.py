"""Changes with which old and new nodes could not talk to each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from elixircluster.errors import Stalled
from elixircluster.rollout.split import refuse_to_split
from tests.unit.factory import cluster, pod

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
