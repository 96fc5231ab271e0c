"""What status says, and when: as soon as somebody may wait for it, and else not at each step."""

from __future__ import annotations

import asyncio
import itertools

from elixircluster.kube.kinds import CLUSTERS, PODS, STATEFUL_SETS
from elixircluster.status.reporter import PACE_SECONDS
from tests.fake import clock
from tests.fake.server import Ref
from tests.fake.world import World


def in_a_world(story):
    async def live():
        world = World()
        operator = world.start()
        await world.settle()
        await story(world, operator)
        operator.stop()

    clock.run(live())


def statuses(operator):
    return [item.body["status"] for item in operator.writes if (item.kind, item.subresource) == (CLUSTERS, "status")]


def ready(status):
    return next(item["status"] for item in status["conditions"] if item["type"] == "Ready")


def test_what_a_resource_goes_through_in_its_first_second_is_one_status():
    """A write for each step made a burst of resources a fifth longer."""

    async def story(world, operator):
        world.create("chat", replicas=0)
        await world.settle()
        assert [ready(status) for status in statuses(operator)] == ["True"]

    in_a_world(story)


def test_what_goes_on_is_told_a_second_later_at_the_latest():
    async def story(world, operator):
        world.statefulsets.quota = 0
        world.create("chat")
        await asyncio.sleep(PACE_SECONDS + 0.1)
        assert [ready(status) for status in statuses(operator)] == ["False"]

    in_a_world(story)


def test_that_a_node_is_not_ready_any_more_is_told_at_once():
    async def story(world, operator):
        world.create("chat")
        await world.settle()
        pod = world.server.get(Ref(PODS.kind, "chat-0"))
        conditions = [{**item, "status": "False"} for item in pod["status"]["conditions"]]
        world.server.merge("kubelet", PODS, "chat-0", {"status": {"conditions": conditions}}, "status")
        await asyncio.sleep(PACE_SECONDS / 2)
        assert [ready(status) for status in statuses(operator)][-2:] == ["True", "False"]

    in_a_world(story)


def test_a_spec_that_cannot_be_fulfilled_is_told_at_once():
    async def story(world, operator):
        world.create("chat", image="")
        await asyncio.sleep(PACE_SECONDS / 2)
        assert [ready(status) for status in statuses(operator)] == ["False"]

    in_a_world(story)


def test_a_resource_that_is_paused_says_what_it_does_not_do():
    """It said that a pod was being replaced, and nobody did."""

    async def story(world, operator):
        world.create("chat")
        await world.settle()
        world.change("chat", paused=True)
        await world.settle()
        workload = world.child("chat", "StatefulSet")
        template = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}
        world.server.merge("kubectl", STATEFUL_SETS, workload["metadata"]["name"], {"spec": {"template": template}})
        await world.settle()
        told = statuses(operator)[-1]["update"]
        assert (told["step"], told["message"]) == (
            "Paused",
            "spec.paused is true, or this would come: replacing pod chat-2, 3 to go",
        )

    in_a_world(story)


def test_between_two_nodes_of_an_update_the_mesh_is_whole_for_a_while():
    """A node that is in the mesh may lose it again: `update.minMeshedSeconds`."""

    async def story(world, operator):
        world.create(
            "chat", replicas=5, mesh={"probe": "Enabled"}, update={"minMeshedSeconds": 30, "minReadySeconds": 0}
        )
        await world.settle()
        gone = []
        world.server.listeners.append(
            lambda change: gone.append(asyncio.get_running_loop().time()) if is_told_to_go(change) else None
        )
        world.change("chat", image="chat:2")
        await world.settle()
        assert len(gone) == 5
        assert all(30 <= later - earlier <= 35 for earlier, later in itertools.pairwise(gone))
        operator.stop()

    in_a_world(story)


def is_told_to_go(change):
    terminating = "deletionTimestamp" in (change.after or {}).get("metadata", {})
    return change.ref.kind == PODS.kind and change.verb == "delete" and terminating
