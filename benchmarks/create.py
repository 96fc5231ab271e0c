"""From the reply to a resource's creation to all of its children, against the same writes by hand."""

from __future__ import annotations

import asyncio
import time

from tests.faults.client import Client, Sight, identities

from .bench import Bench, Body, Report, children, milliseconds, percentile, resource

ROUNDS = 120
PAUSE_SECONDS = 0.15


async def by_operator(client: Client, sight: Sight, body: Body, wanted: list[Body]) -> float:
    """Seconds until all children of a new resource are there."""
    await client.create(body)
    started = time.perf_counter()
    return await sight.all_of(identities(wanted)) - started


async def by_hand(client: Client, sight: Sight, wanted: list[Body]) -> float:
    """Seconds until all objects are there, written one after another."""
    started = time.perf_counter()
    for item in wanted:
        await client.apply(item)
    return await sight.all_of(identities(wanted)) - started


async def run(bench: Bench) -> Report:
    operated, bare = [], []
    async with (
        bench.client() as client,
        bench.operator(client),
        Sight(client, namespace := await client.namespace("create")) as sight,
    ):
        for number in range(ROUNDS):
            for side in (True, False) if number % 2 else (False, True):
                body = resource(f"{'c' if side else 'b'}{number}", namespace)
                wanted = children(body)
                if side:
                    operated.append(await by_operator(client, sight, body, wanted))
                else:
                    bare.append(await by_hand(client, sight, wanted))
                await asyncio.sleep(PAUSE_SECONDS)
    return report(operated, bare, len(wanted))


def report(operated: list[float], bare: list[float], count: int) -> Report:
    result = Report()
    for share, target in ((0.5, 2.0), (0.99, 5.0)):
        mine, theirs = percentile(operated, share), percentile(bare, share)
        name = f"p{share * 100:.0f}"
        result.add(f"operator, {name}", milliseconds(mine))
        result.add(f"the same writes by hand, {name}", milliseconds(theirs))
        result.add(f"ratio, {name}", f"{mine / theirs:.2f}", f"≤ {target:.0f}", mine / theirs <= target)
    result.notes.append(f"{len(operated)} of each in turn, one after another, {count} children each, seen by watches.")
    return result
