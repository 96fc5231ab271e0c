"""What is news: what an answer to a write of ours told first is none the less."""

from __future__ import annotations

from elixircluster.kube.kinds import CLUSTERS, STATEFUL_SETS
from tests.unit.observed.objects import CHAT, RESOURCE, filled, workload


def test_a_status_that_nobody_decides_by_is_no_news():
    store = filled()
    same = {**workload(11), "status": {"readyReplicas": 2}}
    assert store.see(STATEFUL_SETS, same) is None
    assert store.see(STATEFUL_SETS, {**workload(12), "status": {"updateRevision": "chat-2"}}) == CHAT
    assert store.children(CHAT)["StatefulSet", "chat"].resource_version == "12"


def test_what_an_answer_to_a_write_tells_beyond_it_brings_the_key_back():
    """The user's patch came first inside the answer to a status write, and its event told nothing newer."""
    store = filled()
    store.observed(CHAT)
    ours = {**RESOURCE, "metadata": {**RESOURCE["metadata"], "resourceVersion": "20"}, "status": {"replicas": 3}}
    store.absorb(CLUSTERS, ours)
    assert not store.has_news(CHAT)
    patched = {**ours, "metadata": {**ours["metadata"], "resourceVersion": "22", "generation": 2}}
    store.absorb(CLUSTERS, patched)
    assert store.see(CLUSTERS, patched) is None
    assert store.has_news(CHAT)
    store.observed(CHAT)
    assert not store.has_news(CHAT)


def test_the_answer_to_an_apply_that_changes_nothing_swallows_no_status():
    """The StatefulSet's new revision came inside it; the rollout stood still for ten minutes."""
    store = filled()
    store.observed(CHAT)
    store.absorb(STATEFUL_SETS, {**workload(11), "status": {"updateRevision": "chat-2", "observedGeneration": 1}})
    assert store.has_news(CHAT)


def test_a_status_that_somebody_else_wrote_is_news():
    store = filled()
    body = {**RESOURCE, "metadata": {**RESOURCE["metadata"], "resourceVersion": "20"}, "status": {"replicas": 7}}
    assert store.see(CLUSTERS, body) == CHAT
