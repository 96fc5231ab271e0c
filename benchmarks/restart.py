"""2,000 resources that have converged: what they cost while nothing happens, and when the operator starts again."""

from __future__ import annotations

import asyncio

from tests.faults.client import Client
from tests.faults.process import Operator, Usage

from .bench import Bench, Body, Report, resource
from .burst import at_once

RESOURCES = 2000
IDLE_SECONDS = 60
QUIET_CORES = 0.05
"""What a process takes that has nothing to do, with room for a look at the clock."""


async def run(bench: Bench) -> Report:
    """Idle, then a start."""
    result = Report()
    async with bench.client() as client, bench.operator(client) as operator:
        namespace = await client.namespace("restart")
        # What the first one brings with it, as the templates and the schema, is needed once, however many there are.
        await fill(client, namespace, range(1))
        await bench.quiet(5, within=60)
        first = operator.usage()
        await fill(client, namespace, range(1, RESOURCES + 1))
        await bench.quiet(10, within=900)
        await idle(bench, operator, first, result)
        await operator.stop()
        await started(bench, operator, result)
    result.notes.append(f"{RESOURCES} resources with no replicas, seven children each.")
    return result


async def fill(client: Client, namespace: str, numbers: range) -> None:
    """Create these."""

    async def create(body: Body) -> None:
        await client.create(body)

    await at_once([resource(f"r{number}", namespace, replicas=0) for number in numbers], create)


async def idle(bench: Bench, operator: Operator, first: Usage, result: Report) -> None:
    """What they cost while nothing happens."""
    position, before = bench.cluster.audit_position(), operator.usage()
    await asyncio.sleep(IDLE_SECONDS)
    after = operator.usage()
    writes, share = sum(1 for _ in bench.writes(position)), after.cores_since(before) * 100
    growth = (after.rss_mb - first.rss_mb) * 1024 / RESOURCES
    result.add(f"idle, writes in {IDLE_SECONDS} s", str(writes), "0", writes == 0)
    result.add("idle, CPU", f"{share:.2f} % of a core", "≤ 1 %", share <= 1)
    result.add("idle, RSS", f"{after.rss_mb:.0f} MB, {growth:.1f} KB a resource", "≤ 30 KB", growth <= 30)


async def started(bench: Bench, operator: Operator, result: Report) -> None:
    """What a start costs: until it leads, and until it has looked at them all."""
    position = bench.cluster.audit_position()
    await operator.start()
    begun = operator.usage()
    await operator.leads(120)
    leads = operator.usage()
    settled = await until_quiet(operator)
    writes = sum(1 for _ in bench.writes(position))
    result.add("start, leads after", f"{leads.at - begun.at:.1f} s")
    seconds = settled.at - begun.at
    result.add("start, quiet after", f"{seconds:.1f} s", "≤ 10 s", seconds <= 10)
    result.add("start, CPU until then", f"{settled.cpu_seconds:.1f} s")
    result.add("start, writes", str(writes), "0", writes == 0)
    result.add("start, highest RSS", f"{settled.peak_mb:.0f} MB")
    result.add("start, RSS", f"{settled.rss_mb:.0f} MB")


async def until_quiet(operator: Operator) -> Usage:
    """When the process had nothing more to do: the beginning of the first second in which it rested."""
    while True:
        before = operator.usage()
        await asyncio.sleep(1)
        if operator.usage().cores_since(before) < QUIET_CORES:
            return before
