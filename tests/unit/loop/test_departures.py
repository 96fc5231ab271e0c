"""Nodes and how they are told to go, in the loop."""

from __future__ import annotations

import asyncio

import pytest

from elixircluster.kube.kinds import STATEFUL_SETS
from tests.fake import clock
from tests.fake.kubelet import BROKEN
from tests.fake.world import World


def in_a_world(story, pace="instant", **spec):
    async def live():
        world = World(pace=pace, probed=True)
        world.start()
        await world.settle()
        world.create("chat", **spec)
        await world.settle()
        await story(world)
        for running in world.running:
            running.stop()
        assert world.judge.verdicts == []

    clock.run(live())


def names(world):
    return {pod["metadata"]["uid"]: pod["metadata"]["name"] for pod in world.pods("chat")}


def replicas(world):
    return world.child("chat", STATEFUL_SETS.kind)["spec"]["replicas"]


@pytest.mark.parametrize("pace", ["instant", "brisk", "wild"])
def test_fewer_nodes_leave_from_the_top_one_after_the_other_and_know_it(pace):
    async def story(world):
        before = names(world)
        world.change("chat", replicas=2)
        await world.settle()
        told = [(before[uid], *how) for uid, how in world.kubelets.told.items()]
        assert told == [("chat-4", "leave"), ("chat-3", "leave"), ("chat-2", "leave")]
        assert sorted(names(world).values()) == ["chat-0", "chat-1"]

    in_a_world(story, pace, replicas=5)


def test_all_of_them_leave_and_come_again():
    async def story(world):
        world.change("chat", replicas=0)
        await world.settle()
        assert (names(world), [*world.kubelets.told.values()]) == ({}, [["leave"]] * 3)
        world.change("chat", replicas=3)
        await world.settle()
        assert sorted(names(world).values()) == ["chat-0", "chat-1", "chat-2"]

    in_a_world(story)


def test_who_is_replaced_is_told_that_it_comes_back():
    async def story(world):
        before = names(world)
        world.change("chat", image="chat:2")
        await world.settle()
        assert {before[uid]: how for uid, how in world.kubelets.told.items()} == {
            name: ["restart"] for name in before.values()
        }

    in_a_world(story)


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.5, 3.0])
def test_down_up_and_down_again_comes_to_what_was_wanted_last(seconds):
    async def story(world):
        for wanted in (1, 5, 2):
            world.change("chat", replicas=wanted)
            await asyncio.sleep(seconds)
        await world.settle()
        assert (len(names(world)), replicas(world)) == (2, 2)

    in_a_world(story, "brisk", replicas=4)


def test_nobody_leaves_while_a_new_node_is_broken():
    async def story(world):
        world.change("chat", image=f"chat:{BROKEN}", replicas=3)
        await world.settle()
        world.change("chat", replicas=1)
        await world.settle()
        # The broken one has nothing to lose; then the update goes on with the one that stays.
        assert [*world.kubelets.told.values()].count(["leave"]) <= 1

    in_a_world(story)


def test_an_operator_that_starts_in_the_middle_goes_on():
    async def story(world):
        world.change("chat", replicas=1)
        await asyncio.sleep(0.3)
        world.running[0].stop()
        world.start()
        await world.settle()
        assert (len(names(world)), replicas(world)) == (1, 1)

    in_a_world(story, "brisk", replicas=5)
