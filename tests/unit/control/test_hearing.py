"""When Kubernetes is asked why a pod is not made or not ready, how often, and what becomes of the answer."""

from __future__ import annotations

import asyncio

import pytest

from elixircluster.control.hearing import FIRST_SECONDS, LONGEST_SECONDS
from elixircluster.kube.kinds import EVENTS, PODS
from tests.fake.world import World

from .clock import Loop

EVENT_LOOP = Loop


class Scene:
    """One operator at work, and when it asked for Events."""

    def __init__(self):
        self.world = World()
        self.operator = self.world.start()
        self.asked: list[float] = []
        told = self.operator.api.issued

        def issued(request):
            told(request)
            if (request.verb, request.kind) == ("list", EVENTS):
                self.asked.append(asyncio.get_running_loop().time())

        self.operator.api.issued = issued

    def condition(self, kind):
        status = self.world.resource("chat").get("status") or {}
        found = {item["type"]: item for item in status.get("conditions", [])}
        return found.get(kind, {})

    def refused(self):
        found = self.condition("Stalled")
        return found["message"] if found.get("reason") == "PodsRefused" else ""


@pytest.fixture
async def scene():
    found = Scene()
    yield found
    found.operator.stop()


async def test_pods_that_kubernetes_does_not_make_are_told_with_the_quota(scene):
    """Status said "1 of 3 pods do not exist yet", for ever."""
    scene.world.statefulsets.quota = 2
    scene.world.create("chat")
    await asyncio.sleep(10)
    assert scene.refused().startswith("pod chat-2 is refused: exceeded quota: small, requested: pods=1; raise")
    scene.world.statefulsets.quota = 3
    await asyncio.sleep(60)
    assert scene.refused() == ""
    assert scene.condition("Ready")["status"] == "True"


async def test_who_has_all_of_its_pods_is_never_asked_about(scene):
    scene.world.create("chat")
    await asyncio.sleep(60)
    scene.world.change("chat", image="chat:2")
    await asyncio.sleep(60)
    assert scene.condition("Ready")["status"] == "True"
    assert scene.asked == []


async def test_it_is_asked_after_some_seconds_and_then_ever_less_often(scene):
    scene.world.statefulsets.quota = 2
    scene.world.create("chat")
    await asyncio.sleep(600)
    pauses = [round(after - before, 3) for before, after in zip(scene.asked, scene.asked[1:], strict=False)]
    assert scene.asked[0] >= FIRST_SECONDS
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(LONGEST_SECONDS, rel=0.1)
    assert len(pauses) < 20


async def test_a_refusal_of_an_earlier_template_says_nothing_of_the_new_one(scene):
    """A fix that is under way is not stalled."""
    scene.world.statefulsets.quota = 2
    scene.world.create("chat")
    await asyncio.sleep(10)
    assert scene.refused()
    scene.world.statefulsets.quota = None
    scene.world.change("chat", image="chat:2")
    await asyncio.sleep(0.5)
    assert scene.refused() == ""


async def test_while_it_is_paused_it_is_told_too(scene):
    scene.world.create("chat")
    await asyncio.sleep(10)
    scene.world.change("chat", paused=True)
    scene.world.statefulsets.quota = 2
    scene.world.server.delete("kubectl", PODS, "chat-1")
    await asyncio.sleep(10)
    assert "chat-1 is refused" in scene.refused()


async def test_events_that_cannot_be_read_stop_nothing(scene):
    """The role of an older chart does not give the right."""
    await asyncio.sleep(10)
    scene.world.statefulsets.quota = 2
    scene.operator.api.faults.next_ones.extend([("list", "500 before")] * 2)
    scene.world.create("chat")
    await asyncio.sleep(8)
    assert scene.refused() == ""
    await asyncio.sleep(60)
    assert scene.refused()


async def test_of_a_resource_that_is_gone_nothing_is_remembered(scene):
    scene.world.statefulsets.quota = 0
    scene.world.create("chat")
    await asyncio.sleep(10)
    assert scene.refused()
    scene.world.remove("chat")
    await asyncio.sleep(10)
    hearing = scene.operator.reconciler._hearing
    assert (hearing._turns, scene.operator.store._complaints) == ({}, {})
