"""Nodes and what they read of Secrets and ConfigMaps that are not ours, in the loop."""

from __future__ import annotations

from elixircluster.kube.kinds import SECRETS
from tests.fake import clock
from tests.fake.actions import SETTINGS, lose_settings, refer, settings
from tests.fake.world import USER, World


def in_a_world(story, pace="instant"):
    async def live():
        world = World(pace=pace)
        operator = world.start()
        settings(world, "a")
        world.create("chat")
        refer(world, "chat", True)
        await world.settle()
        await story(world, operator)
        for running in world.running:
            running.stop()
        assert world.judge.verdicts == []

    clock.run(live())


def lives(world):
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in world.pods("chat")}


def ready(world):
    told = world.resource("chat")["status"]["conditions"]
    return next(item for item in told if item["type"] == "Ready")["status"]


def test_nodes_are_replaced_when_what_they_read_of_a_secret_is_another_thing():
    async def story(world, operator):
        before = lives(world)
        settings(world, "b")
        await world.settle()
        assert not set(before.values()) & set(lives(world).values())
        assert ready(world) == "True"

    in_a_world(story)


def test_what_says_the_same_replaces_no_node():
    async def story(world, operator):
        before = lives(world)
        world.server.merge(USER, SECRETS, SETTINGS, {"metadata": {"labels": {"team": "a"}}})
        await world.settle()
        assert lives(world) == before
        assert ready(world) == "True"

    in_a_world(story)


def test_what_goes_and_comes_again_as_it_was_replaces_no_node():
    """Without it no node starts; those that run have it."""

    async def story(world, operator):
        before = lives(world)
        lose_settings(world)
        await world.settle()
        assert lives(world) == before
        settings(world, "a")
        await world.settle()
        assert lives(world) == before

    in_a_world(story)


def test_a_secret_that_comes_after_the_resource_is_its_beginning():
    async def story(world, operator):
        world.remove("chat")
        lose_settings(world)
        await world.settle()
        world.create("chat", envFrom=[{"secretRef": {"name": SETTINGS}}])
        await world.settle()
        before = lives(world)
        settings(world, "b")
        await world.settle()
        assert lives(world) == before

    in_a_world(story)


def test_a_change_that_came_while_no_operator_ran_is_seen():
    async def story(world, operator):
        before = lives(world)
        operator.stop()
        settings(world, "b")
        world.start()
        await world.settle()
        assert not set(before.values()) & set(lives(world).values())

    in_a_world(story)


def test_an_operator_that_starts_replaces_no_node_and_reads_no_secret():
    async def story(world, operator):
        before = lives(world)
        operator.stop()
        asked = []
        new = world.start()
        new.api.issued = asked.append
        await world.settle()
        assert lives(world) == before
        assert [request for request in asked if (request.verb, request.name) == ("get", SETTINGS)] == []

    in_a_world(story)


def test_who_does_not_want_it_keeps_the_nodes_also_at_that_word():
    async def story(world, operator):
        settings(world, "b")
        await world.settle()
        before = lives(world)
        world.change("chat", update={"onReferenceChange": "Ignore"})
        settings(world, "c")
        await world.settle()
        assert lives(world) == before
        world.change("chat", update={"onReferenceChange": "Roll"})
        await world.settle()
        assert not set(before.values()) & set(lives(world).values())

    in_a_world(story)
