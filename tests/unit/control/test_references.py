"""The objects that resources refer to: who is woken, and when not to ask."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from elixircluster.api.resource import Key
from elixircluster.control.queue import Queue
from elixircluster.control.references import ReferenceWatch
from elixircluster.kube.api import ApiError
from elixircluster.kube.kinds import CLUSTERS, SECRETS
from elixircluster.observed.store import Store
from elixircluster.telemetry.health import Streams

from .clock import Loop
from .server import body

EVENT_LOOP = Loop

CHAT = Key("default", "chat")
GONE = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}


def event(kind, name, version):
    return {"type": kind, "object": {"metadata": {"namespace": "default", "name": name, "resourceVersion": version}}}


class Secrets:
    """A script of watches for Secrets, one after the other; after the last they stay open. ConfigMaps are still."""

    def __init__(self, *watches, lists=()):
        self._watches, self.lists = list(watches), list(lists)
        self.begun, self.watched_from = 0, []

    async def pages(self, kind, *_, **__):
        self.begun += kind == SECRETS
        listed = self.lists.pop(0) if kind == SECRETS and self.lists else []
        yield {"metadata": {"resourceVersion": "100"}, "items": [event("ADDED", *each)["object"] for each in listed]}

    @contextlib.asynccontextmanager
    async def watch_metadata(self, kind, _namespace, _labels, version, _seconds):
        script = None
        if kind == SECRETS:
            self.watched_from.append(version)
            script = self._watches.pop(0) if self._watches else None
        if isinstance(script, Exception):
            raise script
        yield self._events(script)

    async def _events(self, script):
        for one in script or ():
            yield one
        if script is None:
            await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def following(api, seconds=20.0):
    store, queue, streams = Store(), Queue(), Streams(asyncio.get_running_loop().time)
    resource = body(CLUSTERS, "chat", 5)
    store.see(CLUSTERS, {**resource, "spec": {"envFrom": [{"secretRef": {"name": "database"}}]}})
    store.see(CLUSTERS, body(CLUSTERS, "plain", 6))
    task = asyncio.create_task(ReferenceWatch(api, store, queue, streams).run(()))
    await asyncio.sleep(seconds)
    try:
        yield queue, streams
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_whoever_refers_to_an_object_that_changes_is_woken():
    async with following(Secrets([event("MODIFIED", "database", "101"), event("ADDED", "other", "102")])) as (queue, _):
        assert list(queue._ready) == [CHAT]


async def test_a_watch_that_ends_goes_on_where_it_was():
    api = Secrets([event("MODIFIED", "other", "101")], [event("BOOKMARK", "", "107")])
    async with following(api):
        assert api.watched_from == ["100", "101", "107"]
        assert api.begun == 1


GAPS = {
    "changed": ([[("database", "5")], [("database", "7")]], True),
    "deleted": ([[("database", "5")], []], True),
    "as it was": ([[("database", "5")], [("database", "5"), ("other", "9")]], False),
}


@pytest.mark.parametrize("broken", [[GONE], ApiError(410, {"reason": "Expired"})])
@pytest.mark.parametrize(("lists", "told"), GAPS.values(), ids=GAPS)
async def test_after_a_gap_it_is_seen_who_has_something_new_to_look_at(broken, lists, told):
    """What was deleted in the gap is not in the list, and no event tells of it."""
    api = Secrets([], broken, lists=lists)
    async with following(api, 0.1) as (queue, _):
        if queue._background:
            queue.done(await queue.get())
        await asyncio.sleep(20)
        assert api.begun == 2
        assert list(queue._background) == ([CHAT] if told else [])


async def test_watches_that_end_at_once_are_no_reason_to_spin():
    """Each was begun anew without a pause."""
    api = Secrets(*[[]] * 1000)
    async with following(api, 300):
        assert 10 < len(api.watched_from) < 25


async def test_a_refused_watch_is_told_until_it_flows():
    api = Secrets(*[ApiError(403, {"reason": "Forbidden"})] * 3)

    async def refuse(kind, *_, **__):
        if api.begun < 2:
            api.begun += kind == SECRETS
            raise ApiError(403, {"reason": "Forbidden", "message": "no"})
        yield {"metadata": {"resourceVersion": "100"}, "items": []}

    api.pages = refuse
    async with following(api, 0.1) as (_, streams):
        assert "watch of referenced secrets: 403 Forbidden: no" in streams.trouble()
        async with asyncio.timeout(200):
            while streams.trouble():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_watch_that_is_refused_though_it_can_be_listed_stays_told():
    """It was said to flow before there was an answer, and so was never broken for long."""
    api = Secrets([], *[ApiError(403, {"reason": "Forbidden"})] * 10**6)
    async with following(api, 300) as (_, streams):
        assert "watch of referenced secrets: broken for" in streams.trouble()
