"""What is known of the world: views, and which of two is the newer."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from elixircluster.kube.kinds import CLUSTERS, CONFIG_MAPS, PODS, STATEFUL_SETS
from elixircluster.observed.child import Child
from elixircluster.observed.store import REMEMBER_DELETED_SECONDS, Store
from tests.unit.factory import refresh
from tests.unit.observed.objects import CHAT, RESOURCE, Listed, cluster, config, member, meta, workload


def test_a_resource_and_what_belongs_to_it_are_found_by_its_key():
    store = Store()
    assert store.see(CLUSTERS, cluster()) == CHAT
    store.see(CLUSTERS, {**RESOURCE, "metadata": {**RESOURCE["metadata"], "resourceVersion": "11"}})
    assert store.see(CONFIG_MAPS, config()) == CHAT
    assert store.see(STATEFUL_SETS, workload()) == CHAT
    assert store.see(PODS, member(1)) == CHAT
    assert store.see(PODS, member(0)) == CHAT
    assert store.keys() == [CHAT]
    assert store.cluster(CHAT)["metadata"]["uid"] == "uid-chat"
    assert set(store.children(CHAT)) == {("ConfigMap", "chat-config"), ("StatefulSet", "chat")}
    assert [pod.name for pod in store.pods(CHAT)] == ["chat-0", "chat-1"]


def test_what_is_not_known_is_nothing():
    store = Store()
    assert store.cluster(CHAT) is None
    assert store.children(CHAT) == {}
    assert store.pods(CHAT) == ()
    assert store.forget(CONFIG_MAPS, config()) is None


@pytest.mark.parametrize(("first", "second", "told"), [(9, 10, True), (10, 9, False), (10, 10, False), (99, 100, True)])
def test_the_newer_of_two_views_wins(first, second, told):
    store = Store()
    store.see(CLUSTERS, cluster(first, image=str(first)))
    assert bool(store.see(CLUSTERS, cluster(second, image=str(second)))) is told
    assert store.cluster(CHAT)["spec"]["image"] == str(max(first, second))


def test_the_late_news_of_a_deletion_does_not_take_the_successor_away():
    store = Store()
    store.see(CONFIG_MAPS, config(20, uid="second"))
    assert store.forget(CONFIG_MAPS, config(15, uid="first")) is None
    assert store.children(CHAT)["ConfigMap", "chat-config"].uid == "second"


def test_the_late_answer_to_a_write_does_not_bring_a_deleted_object_back():
    store = Store()
    store.see(CONFIG_MAPS, config(10))
    assert store.forget(CONFIG_MAPS, config(12)) == CHAT
    assert store.see(CONFIG_MAPS, config(11)) is None
    assert store.children(CHAT) == {}
    assert store.see(CONFIG_MAPS, config(13)) == CHAT


def test_the_late_answer_to_a_write_does_not_bring_a_deleted_resource_back():
    store = Store()
    store.see(CLUSTERS, cluster(10))
    store.forget(CLUSTERS, cluster(12))
    assert store.see(CLUSTERS, cluster(11)) is None
    assert store.keys() == []


def test_a_name_that_came_and_went_leaves_nothing_behind():
    times = itertools.count(0, REMEMBER_DELETED_SECONDS)
    store = Store(clock=lambda: next(times))
    spec = {"spec": {"env": [{"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}}
    store.see(CLUSTERS, {**RESOURCE, **spec})
    bodies = [(STATEFUL_SETS, workload()), (CONFIG_MAPS, config()), (PODS, member(0))]
    for kind, body in bodies:
        store.see(kind, body)
    for kind, body in [*bodies, (CLUSTERS, RESOURCE)]:
        store.forget(kind, {"metadata": {**body["metadata"], "resourceVersion": "50"}})
    asyncio.run(refresh(store, Listed({}, 60)))
    of_kinds = {"_clock", "_references", "_newest", "_listed"}
    left = {name: value for name, value in vars(store).items() if name not in of_kinds}
    assert not any(left.values()), left
    assert not any(vars(store._references).values())


def test_equal_views_differ_in_nothing_but_their_version():
    one, other = (Child.parse(STATEFUL_SETS, workload(version)) for version in (1, 2))
    assert one == other
    assert Child.parse(CONFIG_MAPS, config(1)) != Child.parse(CONFIG_MAPS, config(2))


def test_a_stateful_set_is_seen_with_what_its_status_says():
    store = Store()
    body = {
        "metadata": meta("chat", 1, generation=1),
        "spec": {"replicas": 3},
        "status": {"observedGeneration": 1, "updateRevision": "chat-1"},
    }
    store.see(STATEFUL_SETS, body)
    assert store.children(CHAT)["StatefulSet", "chat"].workload.revision == "chat-1"
