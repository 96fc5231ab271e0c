"""What a list settles: what is not in it is gone."""

from __future__ import annotations

import asyncio

from elixircluster.kube.kinds import CLUSTERS, CONFIG_MAPS, PODS
from elixircluster.observed.store import Store
from tests.unit.factory import refresh
from tests.unit.observed.objects import CHAT, RESOURCE, Listed, cluster, config, filled, member, workload


def test_what_is_not_listed_any_more_is_forgotten_and_wakes_its_resource():
    """After a 410 whose list was empty a deleted resource stayed: 1,350 writes in 63 s for its children."""
    store = filled()
    assert asyncio.run(refresh(store, Listed({}, 60))) == {CHAT}
    assert (store.keys(), store.children(CHAT)) == ([], {})


def test_what_is_newer_than_the_list_stays():
    store = Store()
    store.see(CLUSTERS, RESOURCE)
    meanwhile = Listed({"ElixirCluster": [RESOURCE]}, 60, lambda: store.see(CONFIG_MAPS, config(70)))
    asyncio.run(refresh(store, meanwhile))
    assert store.children(CHAT)


def test_an_etcd_that_was_restored_is_believed_though_its_versions_are_lower():
    """They were ignored for ever."""
    store = Store()
    store.see(CLUSTERS, cluster(500, image="new"))
    store.see(CONFIG_MAPS, config(501, uid="new"))
    store.forget(PODS, member(0, 502))
    restored = {"ElixirCluster": [cluster(300, image="old")], "Pod": [member(0, 290)]}
    assert asyncio.run(refresh(store, Listed(restored, 310))) == {CHAT}
    assert store.cluster(CHAT)["spec"] == {"image": "old"}
    assert store.children(CHAT) == {}
    assert store.see(CLUSTERS, cluster(311, image="newer")) == CHAT


def test_the_answer_to_a_write_that_was_under_way_during_a_list_brings_nothing_back():
    """What had been deleted was forgotten at each list."""
    store = filled()
    store.see(CONFIG_MAPS, config(10))
    store.forget(CONFIG_MAPS, config(12))
    asyncio.run(refresh(store, Listed({"ElixirCluster": [RESOURCE], "StatefulSet": [workload()]}, 60)))
    store.absorb(CONFIG_MAPS, config(11))
    assert ("ConfigMap", "chat-config") not in store.children(CHAT)


def test_the_answer_to_a_write_that_a_list_has_overtaken_brings_nothing_back():
    """The child was made and deleted before anybody had heard of it; it stayed until the next list of all."""
    store = Store()
    store.see(CLUSTERS, RESOURCE)
    asyncio.run(refresh(store, Listed({"ElixirCluster": [RESOURCE]}, 60)))
    store.absorb(CONFIG_MAPS, config(59))
    assert store.children(CHAT) == {}
    store.absorb(CONFIG_MAPS, config(61))
    assert store.children(CHAT)


def test_a_list_is_believed_though_what_it_holds_was_deleted_in_a_time_that_an_etcd_forgot():
    """The versions had gone on past the deletion by then, so that the list itself was not older than what was seen."""
    store = Store()
    store.see(CONFIG_MAPS, config(10))
    store.forget(CONFIG_MAPS, config(40))
    assert store.see_listed(CONFIG_MAPS, config(10), "39") is None
    assert store.see_listed(CONFIG_MAPS, config(10), "40") == CHAT
    assert store.see_listed(CONFIG_MAPS, config(10), "41") is None, "it tells nothing new"
