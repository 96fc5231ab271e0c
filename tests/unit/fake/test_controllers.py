"""The fake's StatefulSets, kubelets, garbage collector, watches and requests behave as those of Kubernetes."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from elixircluster.kube.api import ApiError
from elixircluster.kube.kinds import CONFIG_MAPS, PODS, STATEFUL_SETS
from tests.fake import clock
from tests.fake.api import Api, Faults
from tests.fake.machines import GRACE_SECONDS, TOLERATION_SECONDS
from tests.fake.server import Ref, controller
from tests.fake.statefulset import is_ready, revision
from tests.fake.watch import Watch
from tests.fake.world import World

LABELS = {"app": "chat"}
SET = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "chat"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {"containers": [{"name": "app", "image": "chat:1"}]},
        },
    },
}


def with_image(image):
    return {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}}


def config(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def in_a_world(story):
    async def live():
        await story(World())

    clock.run(live())


def ready(world):
    return {pod["metadata"]["name"]: is_ready(pod) for pod in world.server.listed(PODS.kind)}


def test_pods_are_made_and_become_ready_and_broken_ones_do_not():
    async def story(world):
        world.server.create("kubectl", STATEFUL_SETS, SET)
        await asyncio.sleep(1)
        assert ready(world) == {"chat-0": True, "chat-1": True}
        world.server.merge("kubectl", STATEFUL_SETS, "chat", with_image("chat:broken") | {})
        await asyncio.sleep(1)
        assert ready(world) == {"chat-0": True, "chat-1": True}, "OnDelete replaces nothing"
        world.server.delete("kubectl", PODS, "chat-1")
        await asyncio.sleep(1)
        assert ready(world) == {"chat-0": True, "chat-1": False}
        workload = world.server.get(Ref("StatefulSet", "chat"))
        assert workload["status"]["updateRevision"] == revision(workload)
        assert (workload["status"]["observedGeneration"], workload["status"]["updatedReplicas"]) == (2, 1)

    in_a_world(story)


def test_orphans_are_adopted_and_pods_of_others_are_not():
    async def story(world):
        job = {"apiVersion": "batch/v1", "kind": "Job", "name": "job", "uid": "job", "controller": True}
        pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": []}}
        world.server.create("x", PODS, {**pod, "metadata": {"name": "chat-0", "labels": LABELS}})
        world.server.create(
            "x", PODS, {**pod, "metadata": {"name": "chat-1", "labels": LABELS, "ownerReferences": [job]}}
        )
        world.server.create("kubectl", STATEFUL_SETS, SET)
        await asyncio.sleep(5)
        owners = [controller(world.server.get(Ref("Pod", name)))["kind"] for name in ("chat-0", "chat-1")]
        assert owners == ["StatefulSet", "Job"]

    in_a_world(story)


def test_what_belongs_to_nobody_any_more_is_collected():
    async def story(world):
        world.server.create("kubectl", STATEFUL_SETS, SET)
        await asyncio.sleep(1)
        world.server.delete("kubectl", STATEFUL_SETS, "chat")
        await asyncio.sleep(1)
        assert ready(world) == {}

    in_a_world(story)


def test_a_watch_tells_of_each_object_in_order_and_of_a_gap_nothing():
    async def story(world):
        told = []

        async def hear(type_, body):
            told.append((type_, body["metadata"]["name"], body["data"].get("a")))

        async def take(items, version):
            told.append([body["metadata"]["name"] for body in items])

        watch = Watch(world.server, CONFIG_MAPS, "", hear, lambda: take, Random(1))
        watch.open()
        for value in "123":
            world.server.apply("x", CONFIG_MAPS, config("c", a=value))
            await asyncio.sleep(1)
        watch.gap(10.0)
        world.server.create("x", CONFIG_MAPS, config("d"))
        world.server.delete("x", CONFIG_MAPS, "c")
        await asyncio.sleep(11)
        assert told == [[], ("ADDED", "c", "1"), ("MODIFIED", "c", "2"), ("MODIFIED", "c", "3"), ["d"]]

    in_a_world(story)


@pytest.mark.parametrize(("fault", "there"), [("500 before", False), ("500 after", True), ("timeout after", True)])
def test_a_request_that_fails_may_have_taken_effect(fault, there):
    async def story(world):
        api = Api(world.server, faults=Faults())
        api.faults.next_ones.append(("apply", fault))
        with pytest.raises((ApiError, TimeoutError)):
            await api.apply(CONFIG_MAPS, config("c"))
        assert (world.server.get(Ref("ConfigMap", "c")) is not None) is there

    in_a_world(story)


def test_a_write_arrives_though_its_process_is_gone():
    async def story(world):
        api = Api(world.server, latency=lambda: 1.0)
        request = asyncio.create_task(api.apply(CONFIG_MAPS, config("c")))
        await asyncio.sleep(0.5)
        request.cancel()
        await asyncio.sleep(5)
        assert world.server.get(Ref("ConfigMap", "c")) is not None

    in_a_world(story)


def test_a_list_comes_in_pages_and_is_of_one_moment():
    async def story(world):
        for number in range(5):
            world.server.create("x", CONFIG_MAPS, config(f"c-{number}"))
        api = Api(world.server, page=2)
        names = []
        async for page in api.pages(CONFIG_MAPS, None):
            names.append([item["metadata"]["name"] for item in page["items"]])
            world.server.create("x", CONFIG_MAPS, config(f"d-{len(names)}"))
        assert names == [["c-0", "c-1"], ["c-2", "c-3"], ["c-4"]]

    in_a_world(story)


def test_virtual_time_does_not_pass_by_itself():
    async def wait():
        await asyncio.sleep(1e6)
        return asyncio.get_running_loop().time()

    assert clock.run(wait()) == pytest.approx(1e6)


def test_who_waits_for_nothing_is_stuck():
    async def wait():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(clock.Stuck):
        clock.run(wait())


def test_a_lost_machine_is_told_as_kubernetes_does():
    """In 1.37: `MarkPodsNotReady`, the taint manager, and nobody who ends what was deleted."""

    async def story(world):
        world.server.create("kubectl", STATEFUL_SETS, SET)
        await asyncio.sleep(1)
        machine = world.server.get(Ref(PODS.kind, "chat-0"))["spec"]["nodeName"]
        world.machines.lose(machine)
        await asyncio.sleep(GRACE_SECONDS + 1)
        assert ready(world) == {"chat-0": False, "chat-1": True}
        conditions = {item["type"]: item for item in world.server.get(Ref(PODS.kind, "chat-0"))["status"]["conditions"]}
        assert (conditions["ContainersReady"]["status"], "reason" in conditions["Ready"]) == ("True", False)
        await asyncio.sleep(TOLERATION_SECONDS)
        deleted = world.server.get(Ref(PODS.kind, "chat-0"))["metadata"]
        await asyncio.sleep(TOLERATION_SECONDS)
        assert "deletionTimestamp" in deleted
        assert world.server.get(Ref(PODS.kind, "chat-0"))["metadata"]["uid"] == deleted["uid"]
        world.machines.give_up(machine)
        await asyncio.sleep(1)
        assert ready(world) == {"chat-0": True, "chat-1": True}
        assert world.server.get(Ref(PODS.kind, "chat-0"))["spec"]["nodeName"] != machine

    in_a_world(story)
