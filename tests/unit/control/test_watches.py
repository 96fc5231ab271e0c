"""The watches: what they list, what they tell, and what they survive."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import time

import aiohttp
import pytest

from elixircluster.api.resource import Key
from elixircluster.control import watches as module
from elixircluster.control.listing import Listing
from elixircluster.control.queue import Queue
from elixircluster.control.watches import Watches
from elixircluster.kube.kinds import CLUSTERS, CONFIG_MAPS, PODS, WATCHED
from elixircluster.observed.store import Store
from elixircluster.telemetry.health import LONGEST_BREAK_SECONDS, Streams

from .server import EXPIRED, Server, body, serving

CHAT = Key("default", "chat")


class World:
    """What a process knows while it watches."""

    def __init__(self, api, namespaces=()):
        self.store, self.queue, self.streams, self.stop = Store(), Queue(), Streams(), asyncio.Event()
        self.watches = Watches(api, self.store, self.queue, namespaces, self.streams)

    async def until(self, true, seconds=30.0):
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110 - whatever it is
                await asyncio.sleep(0.01)

    def queued(self):
        """The keys that wait, which are taken."""
        keys = [*self.queue._ready, *self.queue._background]
        for key in keys:
            self.queue._ready.pop(key, None)
            self.queue._background.pop(key, None)
            self.queue._dirty.pop(key)
        return keys


@contextlib.asynccontextmanager
async def watching(server):
    """A world that is watched, once everything has begun."""
    async with serving(server) as api:
        world = World(api)
        task = asyncio.create_task(world.watches.run(world.stop))
        try:
            await asyncio.wait_for(world.watches.begun.wait(), 30)
            yield world
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(module.Backoffs, "__iter__", lambda _: iter([0.01] * 1000))
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LOGINS", 0.01)
    logging.getLogger("kopf").setLevel(logging.CRITICAL)


@pytest.fixture
def server():
    return Server()


async def test_everything_is_listed_once(server):
    """The start listed everything three times."""
    server.put(CLUSTERS, body(CLUSTERS, "chat", 10))
    server.put(CONFIG_MAPS, *(body(CONFIG_MAPS, f"chat-{number}", 10, "chat") for number in range(7)))
    server.page = 3
    async with watching(server) as world:
        assert world.store.keys() == [CHAT]
        assert len(world.store.children(CHAT)) == 7
        assert world.queued() == [CHAT]
        assert server.asked["list", CLUSTERS.path(None)] == 1
        assert server.asked["list", CONFIG_MAPS.path(None)] == 3
        assert not world.streams.trouble()
        assert not world.watches._listings


async def test_what_is_listed_at_the_start_waits_for_what_changes(server):
    server.put(CLUSTERS, *(body(CLUSTERS, name, 10) for name in ("a", "b", "chat")))
    async with watching(server) as world:
        changed = {**body(CLUSTERS, "chat", 1001), "spec": {"replicas": 5}}
        server.tell(CLUSTERS, {"type": "MODIFIED", "object": changed})
        await world.until(lambda: world.queue._ready)
        assert world.queued() == [CHAT, Key("default", "a"), Key("default", "b")]


async def test_events_reach_the_store_and_the_queue(server):
    async with watching(server) as world:
        server.tell(CLUSTERS, {"type": "ADDED", "object": body(CLUSTERS, "chat", 1001)})
        await world.until(world.store.keys)
        assert world.queued() == [CHAT]
        server.tell(CLUSTERS, {"type": "DELETED", "object": body(CLUSTERS, "chat", 1002)})
        await world.until(lambda: not world.store.keys())
        assert world.queued() == [CHAT]


async def test_what_went_in_a_gap_is_gone_though_the_new_list_is_empty(server):
    """After a 410 whose list is empty kopf tells nothing: children of a deleted resource came again and again."""
    server.put(CLUSTERS, body(CLUSTERS, "chat", 10))
    async with watching(server) as world:
        world.queued()
        server.put(CLUSTERS)
        server.version = 2000
        server.tell(CLUSTERS, EXPIRED)
        await world.until(lambda: not world.store.keys())
        assert world.queued() == [CHAT]


async def test_a_gap_of_one_watch_lists_that_kind_and_no_other(server):
    async with watching(server) as world:
        before = server.asked.copy()
        server.put(CONFIG_MAPS, body(CONFIG_MAPS, "chat-config", 1500, "chat"))
        server.version = 2000
        server.tell(CONFIG_MAPS, EXPIRED)
        await world.until(lambda: world.store.children(CHAT))
        again = {path for (what, path), count in server.asked.items() if what == "list" and count > before[what, path]}
        assert again == {CONFIG_MAPS.path(None)}


async def test_what_came_after_the_list_is_not_taken_for_gone(server):
    """The answer to a write of ours may be newer than a list that was under way."""
    async with watching(server) as world:
        server.version, server.seconds = 2000, 0.2
        server.tell(CONFIG_MAPS, EXPIRED)
        await world.until(lambda: server.asked["list", CONFIG_MAPS.path(None)] == 2)
        world.store.see(CONFIG_MAPS, body(CONFIG_MAPS, "new", 3000, "chat"))
        await world.until(lambda: server.asked["watch", CONFIG_MAPS.path(None)] == 2)
        assert ("ConfigMap", "new") in world.store.children(CHAT)


@pytest.mark.parametrize("code", [403, 429, 500, 503])
async def test_a_refused_first_list_is_asked_for_again(server, code):
    server.refusals[CLUSTERS.path(None)] = [code] * 3
    server.put(CLUSTERS, body(CLUSTERS, "chat", 10))
    async with watching(server) as world:
        assert world.store.keys() == [CHAT]


async def test_a_retry_after_with_a_date_ends_no_watch(server):
    server.refusals[CLUSTERS.path(None)] = [429]
    server.headers = {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}
    server.put(CLUSTERS, body(CLUSTERS, "chat", 10))
    async with watching(server) as world:
        assert world.store.keys() == [CHAT]


async def test_a_token_that_is_refused_is_asked_for_anew(server):
    server.refusals["/api"] = [401]
    server.refusals[PODS.path(None)] = [401]
    async with watching(server) as world:
        assert not world.streams.trouble()
        assert len(world.watches._sessions) == 1


async def test_no_name_is_looked_up(server, monkeypatch):
    """kopf by itself asks for kubernetes.default.svc: with DNS down it waited for ever, while the lease was renewed."""
    asked, look_up = [], socket.getaddrinfo

    def none_but_addresses(host, *arguments, **options):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            asked.append(host)
            raise socket.gaierror(socket.EAI_AGAIN, "DNS is down") from None
        return look_up(host, *arguments, **options)

    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setattr(socket, "getaddrinfo", none_but_addresses)
    server.put(CLUSTERS, body(CLUSTERS, "chat", 10))
    async with watching(server) as world:
        assert world.store.keys() == [CHAT]
    assert not asked


async def test_a_watch_that_does_not_begin_is_told_and_holds_the_work(server):
    server.refusals[PODS.path(None)] = [403] * 10**6
    async with serving(server) as api:
        world = World(api)
        task = asyncio.create_task(world.watches.run(world.stop))
        await world.until(lambda: world.streams.trouble() == "watch of pods: HTTP 403")
        assert not world.watches.begun.is_set()
        server.refusals.clear()
        await asyncio.wait_for(world.watches.begun.wait(), 30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_watch_that_ends_and_is_not_answered_again_is_told(server):
    """It was told only where an attempt failed; one that nobody makes, or that waits for ever, fails never."""
    async with watching(server) as world:
        server.silent.add(PODS.path(None))
        server.tell(PODS, None)
        await world.until(lambda: "watch of pods" in world.streams._still)
        world.streams._clock = lambda: time.monotonic() + LONGEST_BREAK_SECONDS
        assert "ended, and not begun anew" in world.streams.trouble()


async def test_a_kind_that_discovery_hides_ends_the_watches(server):
    """kopf asks once; the watch would never have begun, and nobody would have known why."""
    server.kinds.remove(PODS)
    async with serving(server) as api:
        world = World(api)
        with pytest.raises(RuntimeError, match="does not know pods"):
            await asyncio.wait_for(world.watches.run(world.stop), 30)


async def test_kopf_keeps_nothing_of_an_object_and_writes_nothing(server):
    memories = module.NoMemories()
    assert await memories.recall(body(PODS, "chat-0", 1), noticed_by_listing=True)
    assert list(memories.iter_all_memories()) == []
    server.put(CLUSTERS, body(CLUSTERS, "chat", 10))
    async with watching(server) as world:
        server.tell(CLUSTERS, {"type": "MODIFIED", "object": body(CLUSTERS, "chat", 1001)})
        await world.until(lambda: world.store.cluster(CHAT)["metadata"]["resourceVersion"] == "1001")
    assert {what for what, _ in server.asked} == {"list", "watch"}


async def test_namespaces_are_watched_each_by_itself(server):
    async with serving(server) as api:
        world = World(api, ("one", "two"))
    assert len(world.watches._places) == 2 * (1 + len(WATCHED))
    assert "watch of pods in two: not begun" in world.streams.trouble()


async def test_an_api_server_behind_a_path_is_watched_there(server):
    async with serving(server) as api:
        api._configuration.host = "https://rancher.example/k8s/clusters/c-1"
        world = World(api)
    page = {"metadata": {"resourceVersion": "9"}, "items": [body(CLUSTERS, "chat", 5)]}
    world.watches._listings["/k8s/clusters/c-1" + CLUSTERS.path(None)] = Listing(world.store, CLUSTERS, None)
    left = world.watches.listed("/k8s/clusters/c-1" + CLUSTERS.path(None), {}, page)
    assert left["items"] == []
    assert world.store.keys() == [CHAT]


async def test_what_is_no_list_of_ours_passes_as_it_is(server):
    async with serving(server) as api:
        world = World(api)
        async with api.session(module.response_class(world.watches.listed, world.watches._released)) as session:
            answer = await session.get(f"{api.server}/apis")
            assert (await answer.json())["groups"]
            assert isinstance(answer, aiohttp.ClientResponse)
