"""A machine is lost, stage by stage as Kubernetes tells it: what the user reads in each."""

from __future__ import annotations

import asyncio

import pytest

from elixircluster.kube.kinds import EVENTS, PODS
from elixircluster.observed.machine import OVERDUE_SECONDS
from elixircluster.status.machines import PATIENCE_SECONDS
from tests.fake import clock
from tests.fake.machines import GRACE_SECONDS, TOLERATION_SECONDS
from tests.fake.server import Ref
from tests.fake.world import World

LOST = "machine-1"
"""Where chat-2 is."""


def in_a_world(story):
    """With a resource of three nodes on three machines that has come up."""

    async def live():
        world = World()
        world.create("chat")
        world.start()
        await world.settle()
        await story(world)
        for operator in world.running:
            operator.stop()

    clock.run(live())


def said(world, name):
    conditions = world.resource("chat")["status"]["conditions"]
    return next((item["status"], item["reason"], item["message"]) for item in conditions if item["type"] == name)


def node(world, pod="chat-2"):
    return next(item for item in world.resource("chat")["status"]["nodes"] if item["pod"] == pod)


def told(world):
    """The Events of machines, and how often each was told."""
    events = world.server.listed(EVENTS.kind)
    return {item["reason"]: item["count"] for item in events if item["reason"].startswith("Machine")}


async def lose(world, seconds):
    world.machines.lose(LOST)
    await asyncio.sleep(seconds)


def test_nothing_is_known_before_kubernetes_says_so():
    async def story(world):
        await lose(world, GRACE_SECONDS - 1)
        assert said(world, "Ready")[0] == "True"
        await asyncio.sleep(2)
        status, reason, message = said(world, "Ready")
        assert (status, reason) == ("False", "MachineLost")
        assert message.startswith(f"chat-2: the machine {LOST} does not answer (since ")
        assert f"kubectl taint node {LOST} node.kubernetes.io/out-of-service=" in message
        assert (node(world)["machine"], node(world)["ready"]) == (LOST, False)
        assert node(world)["message"].startswith(f"the machine {LOST} does not answer")
        assert (said(world, "Reconciling")[0], said(world, "Stalled")[0]) == ("True", "False")
        assert told(world) == {"MachineLost": 1}

    in_a_world(story)


def test_it_is_a_persons_business_once_it_stays_away():
    async def story(world):
        await lose(world, GRACE_SECONDS + 1)
        writes = len(world.running[0].writes)
        await asyncio.sleep(PATIENCE_SECONDS - 2)
        assert said(world, "Stalled")[0] == "False"
        assert len(world.running[0].writes) == writes
        await asyncio.sleep(TOLERATION_SECONDS)
        assert "deletionTimestamp" in world.server.get(Ref(PODS.kind, "chat-2"))["metadata"]
        assert said(world, "Stalled")[:2] == ("True", "MachineLost")
        assert said(world, "Ready")[1] == "MachineLost"
        assert node(world)["message"].startswith(f"the machine {LOST} does not answer")
        assert told(world) == {"MachineLost": 1}

    in_a_world(story)


def test_a_new_operator_tells_the_same_and_no_event_again():
    async def story(world):
        await lose(world, GRACE_SECONDS + 1)
        before = world.resource("chat")["status"]
        world.running[0].stop()
        world.start()
        await asyncio.sleep(30)
        assert world.resource("chat")["status"] == before
        assert told(world) == {"MachineLost": 1}

    in_a_world(story)


@pytest.mark.parametrize("seconds", [GRACE_SECONDS + 1, GRACE_SECONDS + TOLERATION_SECONDS + 1])
@pytest.mark.parametrize(("end", "reason"), [("back", "MachineBack"), ("give_up", "MachineLeft")])
def test_all_is_well_again_once_it_is_back_or_given_up(end, reason, seconds):
    async def story(world):
        await lose(world, seconds)
        getattr(world.machines, end)(LOST)
        await world.settle()
        assert said(world, "Ready")[:2] == ("True", "UpToDate")
        assert said(world, "Stalled")[0] == "False"
        assert "lostSince" not in node(world)
        assert (node(world)["machine"] == LOST) is (end == "back")
        assert told(world).keys() <= {"MachineLost", "MachineBack", "MachineLeft"}
        assert told(world)["MachineLost"] == 1
        assert sum(told(world).values()) == 2
        if end == "give_up" or seconds < TOLERATION_SECONDS:
            assert reason in told(world)

    in_a_world(story)


def test_a_pod_that_was_not_ready_before_is_told_once_it_should_have_ended_long_ago():
    async def story(world):
        world.kubelets.unready("chat-2", 1000.0)
        await asyncio.sleep(1)
        world.machines.lose(LOST)
        world.server.delete("kubectl", PODS, "chat-2")
        await asyncio.sleep(OVERDUE_SECONDS - 1)
        assert said(world, "Ready")[1] == "WaitingForReady"
        await asyncio.sleep(40)
        assert said(world, "Ready")[1] == "MachineLost"
        assert f"chat-2: the machine {LOST} was to end it by " in said(world, "Ready")[2]

    in_a_world(story)


def test_a_change_says_what_it_waits_for():
    async def story(world):
        await lose(world, GRACE_SECONDS + 1)
        world.change("chat", image="chat:2")
        await asyncio.sleep(10)
        assert "no other node is taken before" in said(world, "Ready")[2]
        assert world.resource("chat")["status"]["update"]["step"] == "MachineLost"
        world.change("chat", image="chat:3", update={"strategy": "Recreate"})
        await asyncio.sleep(10)
        assert all("deletionTimestamp" not in pod["metadata"] for pod in world.pods("chat"))

    in_a_world(story)
