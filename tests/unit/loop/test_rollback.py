"""A revision that fails, and what is in its place then."""

from __future__ import annotations

import asyncio

import pytest

from elixircluster.kube.kinds import CLUSTERS, STATEFUL_SETS
from tests.fake import clock
from tests.fake.kubelet import image_of
from tests.fake.world import USER, World

TIMEOUT_SECONDS = 60


class Story:
    """A resource of three nodes that are up, with `chat:1`."""

    def __init__(self, world):
        self.world = world

    @property
    def status(self):
        return self.world.resource("chat")["status"]

    @property
    def history(self):
        """Images and results, newest first."""
        return [(entry["image"], entry["result"]) for entry in self.status["history"]]

    @property
    def images(self):
        return [image_of(pod) for pod in self.world.pods("chat")]

    @property
    def uids(self):
        return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in self.world.pods("chat")}

    def condition(self, kind):
        said = next(item for item in self.status["conditions"] if item["type"] == kind)
        return said["status"], said["reason"]

    async def change(self, **spec):
        self.world.change("chat", **spec)
        await self.world.settle()


def told(story, *, on_failure="Rollback", pace="instant", **spec):
    async def live():
        world = World(pace=pace)
        operator = world.start()
        world.create("chat", update={"onFailure": on_failure, "timeoutSeconds": TIMEOUT_SECONDS}, **spec)
        await world.settle()
        await story(Story(world))
        for one in world.running:
            one.stop()
        assert world.judge.verdicts == []
        return operator

    clock.run(live())


@pytest.mark.parametrize("pace", ["instant", "brisk", "wild"])
@pytest.mark.parametrize("image", ["chat:broken", "chat:late"])
def test_a_revision_that_fails_costs_its_first_node_and_gives_it_back(image, pace):
    async def story(it):
        before = it.uids
        await it.change(image=image)
        await asyncio.sleep(10 * TIMEOUT_SECONDS)
        await it.world.settle()
        assert it.images == ["chat:1"] * 3
        assert {name for name, uid in it.uids.items() if uid != before[name]} == {"chat-2"}
        assert it.history == [("chat:1", "Complete"), (image, "RolledBack"), ("chat:1", "Complete")]
        assert it.condition("Stalled") == ("True", "RolledBack")
        assert it.condition("Ready") == ("False", "RolledBack")
        assert it.condition("Available") == ("True", "NodesReady")

    told(story, pace=pace)


def test_by_itself_a_revision_that_fails_stays_where_it_stands():
    async def story(it):
        await it.change(image="chat:broken")
        await asyncio.sleep(2 * TIMEOUT_SECONDS)
        assert it.images == ["chat:1", "chat:1", "chat:broken"]
        assert it.history == [("chat:broken", "Failed"), ("chat:1", "Complete")]
        assert it.condition("Stalled") == ("True", "ProgressDeadlineExceeded")

    told(story, on_failure="Pause")


async def gone_back(it):
    await it.change(image="chat:broken")
    await asyncio.sleep(2 * TIMEOUT_SECONDS)
    await it.world.settle()
    assert it.condition("Stalled") == ("True", "RolledBack")


def test_what_has_failed_is_not_tried_again_by_a_change_of_size():
    async def story(it):
        await gone_back(it)
        await it.change(replicas=5)
        assert it.images == ["chat:1"] * 5
        assert it.condition("Stalled") == ("True", "RolledBack")

    told(story)


def test_what_has_failed_is_not_tried_again_by_a_new_operator():
    async def story(it):
        await gone_back(it)
        before = it.world.child("chat", STATEFUL_SETS.kind)["metadata"]["resourceVersion"]
        it.world.running[0].stop()
        it.world.start()
        await it.world.settle()
        assert it.world.child("chat", STATEFUL_SETS.kind)["metadata"]["resourceVersion"] == before
        assert it.condition("Stalled") == ("True", "RolledBack")

    told(story)


@pytest.mark.parametrize("seconds", range(0, 90, 9))
def test_an_operator_that_dies_in_the_midst_of_it_comes_to_the_same_end(seconds):
    async def story(it):
        it.world.change("chat", image="chat:broken")
        await asyncio.sleep(seconds)
        it.world.running[0].stop()
        it.world.start()
        await asyncio.sleep(3 * TIMEOUT_SECONDS)
        await it.world.settle()
        assert it.images == ["chat:1"] * 3
        assert it.history == [("chat:1", "Complete"), ("chat:broken", "RolledBack"), ("chat:1", "Complete")]

    told(story)


def test_another_spec_is_rolled_out_after_a_failure():
    async def story(it):
        await gone_back(it)
        await it.change(image="chat:3")
        assert it.images == ["chat:3"] * 3
        assert it.history[:2] == [("chat:3", "Complete"), ("chat:1", "Complete")]
        assert it.history[2] == ("chat:broken", "Failed")
        assert it.condition("Ready") == ("True", "UpToDate")

    told(story)


def test_a_change_that_is_taken_back_is_tried_again_when_it_comes_again():
    """The cause may have been beside it: a database that was down."""

    async def story(it):
        await gone_back(it)
        await it.change(image="chat:1")
        assert it.condition("Ready") == ("True", "UpToDate")
        it.world.change("chat", image="chat:broken")
        await asyncio.sleep(TIMEOUT_SECONDS / 2)
        assert it.images == ["chat:1", "chat:1", "chat:broken"]

    told(story)


def test_a_first_revision_has_nothing_to_go_back_to():
    async def story(it):
        await asyncio.sleep(2 * TIMEOUT_SECONDS)
        assert it.history == [("chat:broken", "Failed")]
        assert it.condition("Stalled") == ("True", "ProgressDeadlineExceeded")

    told(story, image="chat:broken")


def test_a_machine_that_is_lost_is_no_fault_of_a_revision():
    async def story(it):
        it.world.machines.lose("machine-0")
        await asyncio.sleep(TIMEOUT_SECONDS)
        await it.change(image="chat:2")
        await asyncio.sleep(3 * TIMEOUT_SECONDS)
        assert [result for _, result in it.history] == ["Progressing", "Complete"]

    told(story)


def test_a_canary_stays_alone_until_it_is_promoted_and_is_never_overdue():
    async def story(it):
        await it.change(update={"canary": {"nodes": 1}}, image="chat:2")
        await asyncio.sleep(20 * TIMEOUT_SECONDS)
        assert it.images == ["chat:1", "chat:1", "chat:2"]
        assert it.condition("Stalled") == ("False", "NothingStalled")
        assert it.status["update"]["step"] == "Canary"
        annotations = {"elixircluster.dev/promote": it.status["update"]["revision"]}
        it.world.server.merge(USER, CLUSTERS, "chat", {"metadata": {"annotations": annotations}})
        await it.world.settle()
        assert it.images == ["chat:2"] * 3
        assert it.history == [("chat:2", "Complete"), ("chat:1", "Complete")]

    told(story)


def test_a_canary_with_a_time_goes_on_by_itself():
    async def story(it):
        it.world.change("chat", update={"canary": {"nodes": 2, "pauseSeconds": 300}}, image="chat:2")
        await asyncio.sleep(250)
        assert it.images == ["chat:1", "chat:2", "chat:2"]
        await asyncio.sleep(100)
        assert it.images == ["chat:2"] * 3

    told(story)


def test_a_canary_that_is_taken_back_costs_no_other_node_and_waits_for_nobody():
    async def story(it):
        before = it.uids
        await it.change(update={"canary": {"nodes": 1}}, image="chat:2")
        await it.change(image="chat:1")
        assert it.images == ["chat:1"] * 3
        assert {name for name, uid in it.uids.items() if uid != before[name]} == {"chat-2"}

    told(story)
