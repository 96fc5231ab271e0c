"""What is as it was written is not rendered again, by the next process neither."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from elixircluster.control import children
from tests.fake import actions, clock
from tests.fake.world import World


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The resources that were rendered, one entry each time."""
    names: list[str] = []

    def counted(cluster, *rest):
        names.append(cluster.name)
        return render(cluster, *rest)

    render = children.render
    monkeypatch.setattr(children, "render", counted)
    return names


async def next_process(world: World) -> None:
    world.operators[-1].stop()
    world.start()
    assert await world.settle()


def test_a_process_that_starts_renders_nothing_that_is_as_it_was_written(rendered):
    """A start with 2,000 resources took 22 s, most of it for renderings that were equal to what was there."""

    async def story():
        world = World()
        world.start()
        world.create("chat")
        assert await world.settle()
        assert rendered
        rendered.clear()
        await next_process(world)
        assert rendered == []

    clock.run(story())


CHANGES = {
    "the spec": lambda world: actions.image(world, "chat", "chat:2"),
    "a child that somebody changed": lambda world: actions.drift(world, "chat", "NetworkPolicy"),
    "a child that somebody deleted": lambda world: actions.lose_child(world, "chat", "Service"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_another_by_now_is_rendered(rendered, what):
    async def story():
        world = World()
        world.start()
        world.create("chat")
        assert await world.settle()
        world.operators[-1].stop()
        rendered.clear()
        CHANGES[what](world)
        world.start()
        assert await world.settle()
        assert rendered

    clock.run(story())


def test_another_version_of_the_templates_is_rendered(rendered, monkeypatch):
    async def story():
        world = World()
        world.start()
        world.create("chat")
        assert await world.settle()
        rendered.clear()
        monkeypatch.setattr(world.operators[-1].reconciler._children._templates, "identity", "another")
        await next_process(world)
        assert rendered == ["chat"]

    clock.run(story())
