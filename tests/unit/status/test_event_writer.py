"""How many Events a resource that flaps writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from elixircluster.api.resource import Key
from elixircluster.kube.api import ApiError
from elixircluster.phase import Event
from elixircluster.status.correlation import BURST, LONGEST_MEMORY, Recent
from elixircluster.status.events import Events

KEY = Key("default", "chat")
DOWN = Event("Warning", "NoNodeReady", "no node is ready")
UP = Event("Normal", "UpToDate", "all nodes are ready")
START = datetime(2026, 1, 1, tzinfo=UTC)


class Server:
    """Keeps Events, and what was written."""

    def __init__(self):
        self.events = {}
        self.writes = 0

    async def create(self, _kind, body):
        self.writes += 1
        name = f"{body['metadata']['generateName']}{self.writes}"
        self.events[name] = body
        return {**body, "metadata": {**body["metadata"], "name": name}}

    async def merge(self, _kind, _namespace, name, patch):
        self.writes += 1
        if name not in self.events:
            raise ApiError(404, {"reason": "NotFound"})
        self.events[name] |= patch


def at(seconds):
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def server():
    return Server()


async def test_two_hundred_flips_are_two_events_and_twenty_five_writes(server):
    """Each of 200 flips of the readiness was an Event of its own."""
    events = Events(server)
    for flip in range(200):
        await events.tell(KEY, "uid", UP if flip % 2 else DOWN, at(flip))
    assert server.writes == BURST
    assert sorted(event["count"] for event in server.events.values()) == [12, 13]
    assert max(event["lastTimestamp"] for event in server.events.values()) == at(24)


async def test_five_minutes_later_one_more_is_written(server):
    events = Events(server)
    for second in range(30):
        await events.tell(KEY, "uid", DOWN, at(second))
    for second in (330, 331, 332):
        await events.tell(KEY, "uid", DOWN, at(second))
    assert server.writes == BURST + 1


async def test_one_resource_that_flaps_silences_no_other(server):
    events = Events(server)
    for second in range(100):
        await events.tell(KEY, "uid", DOWN, at(second))
    await events.tell(Key("default", "other"), "other", DOWN, at(100))
    assert server.writes == BURST + 1


async def test_an_event_that_the_api_server_has_forgotten_is_written_anew(server):
    events = Events(server)
    await events.tell(KEY, "uid", DOWN, at(0))
    server.events.clear()
    await events.tell(KEY, "uid", DOWN, at(7200))
    assert [event["count"] for event in server.events.values()] == [1]


async def test_a_resource_of_the_same_name_has_events_of_its_own(server):
    events = Events(server)
    await events.tell(KEY, "first", DOWN, at(0))
    await events.tell(KEY, "second", DOWN, at(1))
    assert [event["count"] for event in server.events.values()] == [1, 1]


async def test_a_refused_count_is_an_error_like_any_other(server):
    events = Events(server)
    await events.tell(KEY, "uid", DOWN, at(0))

    async def refuse(*_):
        raise ApiError(403, {"reason": "Forbidden"})

    server.merge = refuse
    with pytest.raises(ApiError):
        await events.tell(KEY, "uid", DOWN, at(1))


def test_what_is_remembered_has_a_bound():
    recent = Recent()
    for number in range(LONGEST_MEMORY + 10):
        recent.keep(number, "x")
    assert len(recent) == LONGEST_MEMORY
    assert 9 not in recent
