"""What comes before the nodes of a new image, in the loop."""

from __future__ import annotations

import asyncio

import pytest

from elixircluster.kube.kinds import CLUSTERS, JOBS, STATEFUL_SETS
from tests.fake import clock
from tests.fake.actions import migrate, retry, touch_labels
from tests.fake.kubelet import image_of
from tests.fake.server import Ref
from tests.fake.world import USER, World

MIGRATION = {"command": ["/app/bin/migrate"], "timeoutSeconds": 60}


def in_a_world(story, pace="instant"):
    async def live():
        world = World(pace=pace)
        operator = world.start()
        await world.settle()
        await story(world, operator)
        operator.stop()
        assert world.judge.verdicts == []

    clock.run(live())


def jobs(world):
    return sorted(world.server.listed(JOBS.kind), key=lambda body: body["metadata"]["creationTimestamp"])


async def begun(world):
    for _ in range(1000):
        if jobs(world):
            return
        await asyncio.sleep(0.01)


def condition(world, name):
    told = world.resource("chat")["status"]["conditions"]
    return next(item for item in told if item["type"] == name)


def image(world):
    workload = world.child("chat", STATEFUL_SETS.kind)
    return image_of({"spec": workload["spec"]["template"]["spec"]}) if workload else None


@pytest.mark.parametrize("pace", ["instant", "brisk", "wild"])
def test_a_migration_runs_once_before_the_first_node_of_an_image(pace):
    async def story(world, operator):
        world.create("chat", migration=MIGRATION)
        await world.settle()
        assert len(jobs(world)) == 1
        assert world.resource("chat")["status"]["migration"]["images"] == ["chat:1"]
        world.change("chat", image="chat:2")
        await world.settle()
        assert world.resource("chat")["status"]["migration"]["images"] == ["chat:2", "chat:1"]
        assert image(world) == "chat:2"
        # The log of the last one is kept, and no other.
        assert [body["metadata"]["annotations"]["elixircluster.dev/migration-image"] for body in jobs(world)] == [
            "chat:2"
        ]

    in_a_world(story, pace)


def test_going_back_to_an_image_migrates_nothing():
    async def story(world, operator):
        world.create("chat", migration=MIGRATION)
        await world.settle()
        for wanted in ("chat:2", "chat:1"):
            world.change("chat", image=wanted)
            await world.settle()
        assert image(world) == "chat:1"
        made = [request.verb for request in operator.api.writes if request.kind == JOBS and request.verb == "create"]
        assert len(made) == 2

    in_a_world(story)


def test_a_migration_that_fails_leaves_the_nodes_as_they_are_until_somebody_acts():
    async def story(world, operator):
        world.create("chat")
        await world.settle()
        world.change("chat", image="chat:unfit", migration=MIGRATION)
        await world.settle()
        assert image(world) == "chat:1"
        assert condition(world, "Stalled")["reason"] == "MigrationFailed"
        assert condition(world, "Migrated")["status"] == "False"
        failed = jobs(world)
        retry(world, "chat")
        await world.settle()
        assert [body["metadata"]["name"] for body in jobs(world)] != [body["metadata"]["name"] for body in failed]
        assert len(jobs(world)) == 1
        world.change("chat", image="chat:2")
        await world.settle()
        assert image(world) == "chat:2"
        assert condition(world, "Ready")["status"] == "True"

    in_a_world(story)


def test_a_migration_that_cannot_even_begin_gives_way_to_a_corrected_one():
    async def story(world, operator):
        world.create("chat", image="chat:broken", migration=MIGRATION)
        await world.settle()
        assert condition(world, "Ready")["reason"] in {"Migrating", "MigrationFailed"}
        world.change("chat", image="chat:2")
        await world.settle()
        assert image(world) == "chat:2"

    in_a_world(story)


def test_an_operator_that_ends_in_the_middle_of_a_migration_does_not_begin_it_again():
    async def story(world, operator):
        world.create("chat", migration=MIGRATION)
        await begun(world)
        operator.stop()
        world.start()
        await world.settle()
        assert len(jobs(world)) == 1
        assert condition(world, "Ready")["status"] == "True"
        for running in world.running:
            running.stop()

    in_a_world(story)


def test_a_job_that_somebody_deletes_after_it_has_run_is_not_missed():
    async def story(world, operator):
        world.create("chat", migration=MIGRATION)
        await world.settle()
        world.server.delete(USER, JOBS, jobs(world)[0]["metadata"]["name"])
        await world.settle()
        world.change("chat", env=[{"name": "A", "value": "1"}])
        await world.settle()
        assert jobs(world) == []
        assert world.server.get(Ref(CLUSTERS.kind, "chat"))["status"]["migration"]["result"] == "Complete"

    in_a_world(story)


@pytest.mark.parametrize("wanted", ["chat:1", "chat:2"])
def test_a_job_whose_label_somebody_takes_away_is_found_and_gets_it_back(wanted):
    """No watch sees it then. It was made anew for ever; and beside it, where it still ran, another would have run."""

    async def story(world, operator):
        world.create("chat", migration=MIGRATION)
        await begun(world)
        touch_labels(world, "chat", "Job", "app.kubernetes.io/managed-by")
        world.change("chat", image=wanted)
        await world.settle()
        assert condition(world, "Ready")["status"] == "True"
        assert all(body["metadata"]["labels"]["app.kubernetes.io/managed-by"] for body in jobs(world))

    in_a_world(story, "wild")


def test_where_no_migration_is_wanted_any_more_nothing_is_waited_for():
    async def story(world, operator):
        world.create("chat", image="chat:unfit", migration=MIGRATION)
        await world.settle()
        assert image(world) is None
        migrate(world, "chat", False)
        await world.settle()
        assert image(world) == "chat:unfit"
        assert [item["type"] for item in world.resource("chat")["status"]["conditions"]].count("Migrated") == 0

    in_a_world(story)
