"""Lists: in pages, several at once, and what is not in them is gone."""

from __future__ import annotations

import asyncio

import pytest

from elixircluster.api.resource import Key
from elixircluster.control.listing import LISTS_AT_ONCE, Listing, relist
from elixircluster.kube.api import ApiError
from elixircluster.kube.kinds import CLUSTERS, CONFIG_MAPS, SOMETIMES_KNOWN, WATCHED
from elixircluster.observed.store import Store

from .server import body

CHAT = Key("default", "chat")


def page(*bodies, more="", version="1000"):
    return {"metadata": {"resourceVersion": version, "continue": more}, "items": list(bodies)}


class Lists:
    """Answers lists with pages, and fails where it is told to."""

    def __init__(self, pages=None, errors=None):
        self._pages = pages or {}
        self._errors = errors or {}
        self.now, self.most, self.asked = 0, 0, []

    async def pages(self, kind, namespace, _labels):
        self.now += 1
        self.most = max(self.most, self.now)
        self.asked.append((kind, namespace))
        try:
            await asyncio.sleep(0.001)
            if kind in self._errors:
                raise self._errors[kind]
            for one in self._pages.get(kind, [page()]):
                yield one
        finally:
            self.now -= 1


def test_what_is_on_no_page_is_gone_only_once_the_list_has_ended():
    store = Store()
    for name in ("a", "b"):
        store.see(CLUSTERS, body(CLUSTERS, name, 5))
    listing = Listing(store, CLUSTERS, None)
    assert listing.take(page(body(CLUSTERS, "chat", 7), more="2")) == [CHAT]
    assert len(store.keys()) == 3
    assert listing.take(page(body(CLUSTERS, "a", 5))) == [Key("default", "b")]
    assert set(store.keys()) == {CHAT, Key("default", "a")}


def test_a_list_of_metadata_without_an_item_is_null():
    assert Listing(Store(), CLUSTERS, None).take({"metadata": {"resourceVersion": "1"}, "items": None}) == []


async def test_lists_are_made_several_at_once_and_not_all():
    api, told = Lists({CLUSTERS: [page(body(CLUSTERS, "chat", 5))]}), []
    await relist(api, Store(), (CLUSTERS, *WATCHED), ("one", "two"), told.append)
    assert len(api.asked) == 2 * (1 + len(WATCHED))
    assert api.most == LISTS_AT_ONCE
    assert set(told) == {CHAT}


async def test_what_one_list_found_is_told_though_another_failed():
    """It is in the store by then, so that nobody would tell it again."""
    told = []
    api = Lists({CLUSTERS: [page(body(CLUSTERS, "chat", 5))]}, {CONFIG_MAPS: ApiError(503, {})})
    with pytest.raises(ApiError):
        await relist(api, Store(), (CONFIG_MAPS, CLUSTERS), (), told.append)
    assert told == [CHAT]


async def test_a_list_that_breaks_in_the_middle_takes_nothing_for_gone():
    store = Store()
    store.see(CLUSTERS, body(CLUSTERS, "old", 5))

    class Broken(Lists):
        async def pages(self, *_):
            yield page(body(CLUSTERS, "chat", 7), more="2")
            raise ApiError(410, {"reason": "Expired"})

    with pytest.raises(ApiError):
        await relist(Broken(), store, (CLUSTERS,), (), lambda _: None)
    assert set(store.keys()) == {CHAT, Key("default", "old")}


async def test_a_kind_that_the_api_server_may_not_know_is_left_out():
    api = Lists(errors=dict.fromkeys(SOMETIMES_KNOWN, ApiError(404, {})))
    await relist(api, Store(), (*SOMETIMES_KNOWN, CLUSTERS), (), lambda _: None)


async def test_a_kind_that_it_must_know_is_not():
    with pytest.raises(ApiError):
        await relist(Lists(errors={CLUSTERS: ApiError(404, {})}), Store(), (CLUSTERS,), (), lambda _: None)
