"""A history lived to its end, and what was done wrong in it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from elixircluster.kube.kinds import OWNED
from elixircluster.rollout.boot import UNASKED
from elixircluster.rollout.history import stood_back_from
from tests.fake import clock
from tests.fake.actions import ACTIONS
from tests.fake.history import NAMES, History
from tests.fake.kubelet import BROKEN, HUNG, UNFIT
from tests.fake.oracles import Judge, is_true
from tests.fake.outcome import differences, outcome
from tests.fake.server import controller
from tests.fake.world import USER, World, kind_of

Body = dict[str, Any]

SHORT_REST = 12
"""Rounds: a flaky node never rests."""


async def live(history: History) -> World:
    """Let it happen, and wait until nothing happens any more."""
    random.seed(history.seed)
    world = World(history.seed, history.pace, probed=history.probed)
    world.start(elects=history.elects)
    for seconds, action, *arguments in history.steps:
        await asyncio.sleep(seconds)
        world.backups.append((asyncio.get_running_loop().time(), world.server.snapshot()))
        if action == "settle":
            await world.settle(SHORT_REST)
        else:
            ACTIONS[action](world, *arguments)
    await asyncio.sleep(1.0)
    come_to_rest(world, history)
    if not (await world.settle() and await all_told(world) and await none_stands_back(world, history)):
        world.judge.accuse("it comes to rest", "something goes on and on")
    return world


async def all_told(world: World) -> bool:
    """What is believed of a node that is not asked, as one too many, is told after a while. Then it rests again."""
    await asyncio.sleep(UNASKED.seconds)
    return await world.settle()


async def none_stands_back(world: World, history: History) -> bool:
    """Where it is mended, what has failed is not wanted any more. Then it rests again."""
    failed = [name for name in NAMES if history.mended and stands_back(world.resource(name))]
    for name in failed:
        world.change(name, image="chat:10")
    return await world.settle() if failed else True


def stands_back(cluster: Body | None) -> bool:
    """Whether its nodes are what they were before what it wants."""
    return bool(stood_back_from((cluster or {}).get("status") or {}))


def come_to_rest(world: World, history: History) -> None:
    """No faults any more, nobody in the way, and, where it is mended, a spec that can be fulfilled."""
    world.set_errors(0.0)
    world.statefulsets.quota = None
    world.kubelets.calm = True
    world.machines.all_back()
    for body in list(world.server.objects.values()):
        if body["kind"] in OWNED and body["kind"] != "Pod" and controller(body) is None:
            world.server.delete(USER, kind_of(body), body["metadata"]["name"])
    if history.mended:
        for name in NAMES:
            spec = (world.resource(name) or {"spec": {}})["spec"]
            if spec.get("paused"):
                world.change(name, paused=False)
            if {BROKEN, HUNG, UNFIT} & {*spec.get("image", "").split(":")}:
                world.change(name, image="chat:9")


async def judge(history: History) -> Judge:
    """All of it, and its end."""
    world = await live(history)
    if not world.judge.verdicts:
        await judge_rest(world, history)
    for operator in world.running:
        operator.stop()
    return world.judge


async def judge_rest(world: World, history: History) -> None:
    """At the end: the state is that of fresh resources, and nobody has anything to do."""
    operator = next((operator for operator in world.running if operator.leading), None)
    if operator is None:
        world.judge.accuse("somebody leads", "nobody does")
        return
    await judge_silence(world, operator, "no key is lost", operator.by_hand)
    await judge_silence(world, operator, "nothing is written after convergence", operator.look_again)
    await judge_silence(world, operator, "nothing is written after convergence", operator.by_hand)
    if history.mended:
        judge_outcome(world)
    for old in world.running:
        old.stop()
    new = world.start()
    await world.settle()
    if new.writes:
        world.judge.accuse("a restart writes nothing", told(new.writes))


async def judge_silence(world: World, operator: Any, law: str, act: Callable[[], Any]) -> None:
    """Whatever is done makes no write."""
    before = len(operator.writes)
    await act()
    await world.settle()
    if operator.writes[before:]:
        world.judge.accuse(law, told(operator.writes[before:]))


def judge_outcome(world: World) -> None:
    """As if each resource had been made now, with its last spec."""
    for name in NAMES:
        cluster = world.resource(name)
        if cluster is None:
            left = [body["metadata"]["name"] for body in world.pods(name) if controller(body)]
            if left:
                world.judge.accuse("what is deleted goes", f"{left} are left")
            continue
        if not has_lost_its_cookie(cluster):
            world.judge.expected.append((name, cluster["spec"], outcome(world, name)))


def has_lost_its_cookie(cluster: Body) -> bool:
    """The Secret went while nobody knew what was in it, and the nodes may not be asked: a person must decide."""
    said = {item["type"]: item for item in (cluster.get("status") or {}).get("conditions") or []}
    return is_true(said, "Stalled") and said["Stalled"]["reason"] == "CookieChanged"


def told(requests: list[Any]) -> str:
    """Writes, as a sentence holds them."""
    return ", ".join(f"{item.verb} {item.kind.kind} {item.name} {item.subresource}".strip() for item in requests[:6])


def fresh(spec: Body, name: str) -> Body:
    """What comes of a resource with this spec in an empty world."""

    async def make() -> Body:
        world = World()
        world.kubelets.calm = True
        world.create(name, **spec)
        world.start()
        await world.settle()
        result = outcome(world, name)
        for operator in world.running:
            operator.stop()
        return result

    result: Body = clock.run(make())
    return result


def check(history: History) -> list[str]:
    """Run it. What was done wrong, in sentences; empty where nothing was."""
    try:
        verdict: Judge = clock.run(judge(history))
    except clock.Stuck:
        return ["it comes to rest: time does not pass any more"]
    for name, spec, found in verdict.expected:
        for difference in differences(fresh(spec, name), found):
            verdict.accuse("the end is that of a fresh resource", f"{name}: {difference}")
    return verdict.verdicts
