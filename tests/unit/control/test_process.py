"""The process: what it waits for, what it survives, and in which order it begins."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest

from elixircluster.api.resource import Key
from elixircluster.control import leader as leases
from elixircluster.control import process, watches
from elixircluster.control.leader import Leader
from elixircluster.control.process import Settings, lead, resync, resynced, served
from elixircluster.control.queue import Queue
from elixircluster.control.reconcile import DONE
from elixircluster.kube.api import ApiError
from elixircluster.kube.kinds import CLUSTERS, CONFIG_MAPS, PODS, ROLES
from elixircluster.observed.store import Store
from elixircluster.telemetry import health
from elixircluster.telemetry.health import Health, Streams

from .leases import Leases
from .server import Server, body, serving

CHAT = Key("default", "chat")
SETTINGS = Settings((), "default", "default", "elixircluster", 0, 0, 2, None, 600.0)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(process, "FIRST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(watches.Backoffs, "__iter__", lambda _: iter([0.01] * 1000))
    logging.getLogger("kopf").setLevel(logging.CRITICAL)


async def until(true, seconds=30.0):
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - whatever it is
            await asyncio.sleep(0.01)


@pytest.fixture
def reconciled(monkeypatch):
    """The keys that were reconciled, and nothing is done about them."""
    keys = []

    class Reconciler:
        def __init__(self, *_):
            pass

        async def reconcile(self, key):
            keys.append(key)
            return DONE

    monkeypatch.setattr(process, "Reconciler", Reconciler)
    return keys


@contextlib.asynccontextmanager
async def leading(server, leader):
    probes, stop = Health(), asyncio.Event()
    probes.started = True
    async with serving(server) as api:
        await leader.acquire()
        task = asyncio.create_task(lead(SETTINGS, api, leader, probes, stop))
        await asyncio.sleep(0)
        try:
            yield probes, task
        finally:
            stop.set()
            await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 30)


async def test_the_lease_is_held_while_a_slow_api_server_lists_the_world(reconciled, monkeypatch):
    """It was not renewed until all had been listed: lost at once, started anew, for ever."""
    for name, seconds in (("RENEW_DEADLINE_SECONDS", 1.5), ("RETRY_SECONDS", 0.1), ("ATTEMPT_SECONDS", 0.7)):
        monkeypatch.setattr(leases, name, seconds)
    server = Server()
    server.seconds = 0.5
    server.put(CLUSTERS, body(CLUSTERS, "chat", 10))
    leader = Leader(Leases(), "default", "elixircluster", "a")
    async with leading(server, leader) as (probes, task):
        assert (await probes.ready(None)).status == 503
        await until(lambda: reconciled)
        leader.permit()
        assert not task.done()
        assert (await probes.ready(None)).status == 200
    assert reconciled == [CHAT]


async def test_nothing_is_reconciled_before_everything_was_listed(reconciled):
    """A child that is there and not yet seen would be made again."""
    server = Server()
    server.put(CLUSTERS, body(CLUSTERS, "chat", 10))
    server.refusals[CONFIG_MAPS.path(None)] = [503] * 10**6
    async with leading(server, Leader(Leases(), "default", "elixircluster", "a")) as (probes, task):
        await until(lambda: "watch of configmaps: HTTP 503" in probes.trouble())
        await until(lambda: "elixirclusters" not in probes.trouble())
        assert not reconciled
        assert not task.done()
        server.refusals.clear()
        await until(lambda: reconciled)


async def test_without_its_definition_the_operator_waits_and_begins_when_it_comes(reconciled, caplog):
    server = Server()
    server.kinds.remove(CLUSTERS)
    async with leading(server, Leader(Leases(), "default", "elixircluster", "a")) as (probes, task):
        await until(lambda: "CustomResourceDefinition elixirclusters.elixircluster.dev is not" in caplog.text)
        assert (await probes.ready(None)).status == 503
        assert not task.done()
        server.put(CLUSTERS, body(CLUSTERS, "chat", 10))
        server.kinds.append(CLUSTERS)
        await until(lambda: reconciled)
        assert (await probes.ready(None)).status == 200


@pytest.mark.parametrize("silent", ["/apis", "/api", PODS.path(None), ROLES.path(None)])
async def test_a_leader_that_gets_no_answer_lets_another_try(reconciled, caplog, monkeypatch, silent):
    """It held the lease, was ready, and did nothing, while the other replica stood by."""
    monkeypatch.setattr(health, "LONGEST_SILENCE_SECONDS", 0.3)
    monkeypatch.setattr(process, "SECONDS_BETWEEN_HEARINGS", 0.01)
    server = Server()
    server.kinds.append(ROLES)
    server.silent.add(silent)
    async with leading(server, Leader(Leases(), "default", "elixircluster", "a")) as (probes, task):
        assert (await probes.ready(None)).status == 503
        await asyncio.wait_for(task, 30)
    assert "hearing the API server ended" in caplog.text
    assert not reconciled


async def test_a_leader_that_is_refused_holds_on(reconciled, monkeypatch):
    """Any other would be refused as well, and the lease would go round. Here a second goes by with each refusal."""
    server = Server()
    server.refusals[CONFIG_MAPS.path(None)] = [403] * 10**6

    def refused():
        return server.asked["list", CONFIG_MAPS.path(None)]

    monkeypatch.setattr(health, "LONGEST_SILENCE_SECONDS", 5)
    monkeypatch.setattr(process, "SECONDS_BETWEEN_HEARINGS", 0.01)
    monkeypatch.setattr(health, "Streams", lambda: Streams(refused))
    async with leading(server, Leader(Leases(), "default", "elixircluster", "a")) as (probes, task):
        await until(lambda: refused() > 40)
        assert "watch of configmaps: HTTP 403" in probes.trouble()
        assert not task.done()
    assert not reconciled


async def test_a_lost_lease_ends_it(reconciled):
    server, stored = Server(), Leases()
    async with leading(server, Leader(stored, "default", "elixircluster", "a")) as (probes, task):
        await until(lambda: not probes.trouble())
        stored.version = 1
        stored._write(stored.lease)
        await asyncio.wait_for(task, 30)
    assert not reconciled


class Refusals:
    """Refuses so often, then answers."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.asked = 0

    async def _answer(self):
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)

    async def serves(self, _kind):
        await self._answer()
        return True

    async def pages(self, kind, _namespace, _labels):
        await self._answer()
        yield {"metadata": {"resourceVersion": "9"}, "items": [body(kind, "chat", 5)]}


ERRORS = (ApiError(429, {}), ApiError(503, {}), TimeoutError())


async def test_whether_the_kind_is_there_is_asked_until_there_is_an_answer():
    api = Refusals(*ERRORS)
    await served(api, CLUSTERS)
    assert api.asked == 4


async def test_a_list_is_made_until_it_has_worked():
    api, store = Refusals(*ERRORS), Store()
    await resynced(api, store, (CLUSTERS,), (), lambda _: None)
    assert store.keys() == [CHAT]


async def test_a_list_waits_as_long_as_it_is_asked_to(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(process.asyncio, "sleep", sleep)
    await resynced(Refusals(ApiError(429, {}, retry_after=40)), Store(), (CLUSTERS,), (), lambda _: None)
    assert [40 <= seconds <= 44 for seconds in slept] == [True]


async def test_a_resync_sees_what_nobody_told_and_looks_at_each_in_the_background():
    queue, store = Queue(), Store()
    store.see(CLUSTERS, body(CLUSTERS, "quiet", 3))
    store.see(CLUSTERS, body(CLUSTERS, "gone", 4))
    settings = Settings((), "default", "default", "elixircluster", 0, 0, 2, None, 0.05)
    api = Refusals()
    api.pages = lambda kind, *_: only(kind)
    task = asyncio.create_task(resync(api, store, queue, settings))
    await until(lambda: Key("default", "quiet") in queue._background)
    task.cancel()
    assert {CHAT, Key("default", "gone")} <= set(queue._ready)


async def only(kind):
    """Two resources, and no object of another kind."""
    there = [body(kind, "quiet", 3), body(kind, "chat", 5)] if kind == CLUSTERS else []
    yield {"metadata": {"resourceVersion": "9"}, "items": there}
