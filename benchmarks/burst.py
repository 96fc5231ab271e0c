"""500 resources at once until all of their children are there, against the same objects written by hand; then quiet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from tests.faults.client import Client, Sight, identities
from tests.faults.process import Operator, Usage

from .bench import Bench, Body, Report, children, resource

RESOURCES = 500
IN_FLIGHT = 64
ROUNDS = 2
IDLE_SECONDS = 60
# The controllers make pods, endpoints and events in the meantime.
SETTLE_SECONDS = 15

T = TypeVar("T")


@dataclass
class Wave:
    """One burst by the operator."""

    seconds: float
    before: Usage
    after: Usage
    children: int
    writes: int


async def at_once(items: list[T], work: Callable[[T], Awaitable[None]]) -> None:
    """Work on all items, so many in flight."""
    rest = iter(items)

    async def worker() -> None:
        for item in rest:
            await work(item)

    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))


async def by_hand(client: Client, namespace: str) -> float:
    sets = [children(resource(f"b{number}", namespace, replicas=1)) for number in range(RESOURCES)]

    async def write(items: list[Body]) -> None:
        for item in items:
            await client.apply(item)

    async with Sight(client, namespace) as sight:
        started = time.perf_counter()
        await at_once(sets, write)
        return await sight.all_of([identity for items in sets for identity in identities(items)], 300) - started


async def by_operator(bench: Bench, client: Client, operator: Operator, namespace: str) -> Wave:
    bodies = [resource(f"c{number}", namespace, replicas=1) for number in range(RESOURCES)]
    wanted = [identity for body in bodies for identity in identities(children(body))]

    async def create(body: Body) -> None:
        await client.create(body)

    position, before = bench.cluster.audit_position(), operator.usage()
    async with Sight(client, namespace) as sight:
        started = time.perf_counter()
        await at_once(bodies, create)
        seconds = await sight.all_of(wanted, 300) - started
    after = operator.usage()
    await bench.quiet()
    return Wave(seconds, before, after, len(wanted), sum(1 for _ in bench.writes(position)))


async def run(bench: Bench) -> Report:
    hand, waves = [], []
    # Nothing is deleted in between: what the cluster then does for minutes would be measured too.
    async with bench.client() as client, bench.operator(client) as operator:
        for number in range(ROUNDS):
            for side in (True, False) if number % 2 else (False, True):
                namespace = await client.namespace(f"burst-{'c' if side else 'b'}{number}")
                if side:
                    waves.append(await by_operator(bench, client, operator, namespace))
                else:
                    hand.append(await by_hand(client, namespace))
                await asyncio.sleep(SETTLE_SECONDS)
    return report(hand, waves)


def report(hand: list[float], waves: list[Wave]) -> Report:
    result = Report()
    mine, theirs = median(wave.seconds for wave in waves), median(hand)
    result.add("operator, sets per second", f"{RESOURCES / mine:.1f}", "≥ 8", mine <= RESOURCES / 8)
    result.add("by hand, sets per second", f"{RESOURCES / theirs:.1f}")
    result.add("ratio of medians", f"{mine / theirs:.2f}", "≤ 1.25", mine / theirs <= 1.25)
    busiest = max(waves, key=lambda wave: wave.after.cores_since(wave.before))
    result.add("operator's CPU meanwhile", f"{busiest.after.cores_since(busiest.before):.2f} cores")
    result.add("operator's highest RSS", f"{max(wave.after.peak_mb for wave in waves):.0f} MB")
    writes = median(wave.writes for wave in waves) / RESOURCES
    allowed = waves[0].children / RESOURCES + 1
    result.add(
        "writes per resource until quiet", f"{writes:.1f}", f"≤ {allowed:.0f}, its children and 1", writes <= allowed
    )
    times = ", ".join(f"{a.seconds:.1f}/{b:.1f}" for a, b in zip(waves, hand, strict=True))
    result.notes.append(
        f"{RESOURCES} resources, {waves[0].children} children, {IN_FLIGHT} in flight, each round in new "
        f"namespaces, order alternated; seconds operator/by hand: {times}."
    )
    return result


async def run_idle(bench: Bench) -> Report:
    """What it costs when there is nothing to do."""
    result = Report()
    async with bench.client() as client, bench.operator(client) as operator:
        await by_operator(bench, client, operator, await client.namespace("idle"))
        await bench.quiet(10)
        position, before = bench.cluster.audit_position(), operator.usage()
        await asyncio.sleep(IDLE_SECONDS)
        after = operator.usage()
    writes, leases = sum(1 for _ in bench.writes(position)), renewals(bench, position)
    share = after.cores_since(before) * 100
    result.add(f"writes in {IDLE_SECONDS} s", str(writes), "0", writes == 0)
    result.add("lease renewals meanwhile", str(leases))
    result.add("RSS", f"{after.rss_mb:.0f} MB", "≤ 150 MB", after.rss_mb <= 150)
    result.add("CPU", f"{share:.2f} % of a core", "≤ 2 %", share <= 2)
    result.notes.append(f"{RESOURCES} resources that have converged.")
    return result


def renewals(bench: Bench, since: int) -> int:
    """How often the operator wrote its lease."""
    return sum(
        1
        for event in bench.cluster.audit(since)
        if event.get("userAgent", "").startswith("elixircluster")
        and event["objectRef"]["resource"] == "leases"
        and event["verb"] == "update"
    )
