"""Whether 60 resources that cannot be made slow down the making of others in their namespace."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.faults.client import Client, Sight
from tests.faults.process import until

from .bench import Bench, Body, Report, children, milliseconds, percentile, resource
from .create import PAUSE_SECONDS, by_operator

BAD = 60
ROUNDS = 3
CREATIONS = 40

# Each stalls in another way: a Secret that is not there, objects that the API server refuses, an unsuitable overlay.
MISTAKES: list[dict[str, Any]] = [
    {"distribution": {"cookie": {"secretKeyRef": {"name": "not-there", "key": "cookie"}}}},
    {"resources": {"requests": {"memory": "not a quantity"}}},
    {"volumes": [{"name": "Not_A_Label", "emptyDir": {}}]},
    {"podTemplate": {"spec": {"restartPolicy": "Never"}}},
]


async def stall(client: Client, namespace: str, number: int) -> list[Body]:
    """Resources that all say that a person must act."""
    bodies = [resource(f"bad{number}-{index}", namespace, **MISTAKES[index % len(MISTAKES)]) for index in range(BAD)]
    await asyncio.gather(*(client.create(body) for body in bodies))

    async def all_stalled() -> bool:
        found = [
            item for item in await client.list("ElixirCluster", namespace) if item["metadata"]["name"][:3] == "bad"
        ]
        return sum(is_stalled(item) for item in found) == BAD

    await until(all_stalled, 120, "the bad resources to stall", step=0.2)
    return bodies


def is_stalled(body: Body) -> bool:
    conditions = body.get("status", {}).get("conditions", [])
    return any(item["type"] == "Stalled" and item["status"] == "True" for item in conditions)


async def creations(client: Client, sight: Sight, namespace: str, prefix: str) -> list[float]:
    samples = []
    for number in range(CREATIONS):
        body = resource(f"{prefix}{number}", namespace)
        samples.append(await by_operator(client, sight, body, children(body)))
        await asyncio.sleep(PAUSE_SECONDS)
    return samples


async def run(bench: Bench) -> Report:
    alone, among = [], []
    async with (
        bench.client() as client,
        bench.operator(client),
        Sight(client, namespace := await client.namespace("neighbours")) as sight,
    ):
        for number in range(ROUNDS):
            alone += await creations(client, sight, namespace, f"a{number}-")
            bad = await stall(client, namespace, number)
            among += await creations(client, sight, namespace, f"n{number}-")
            for body in bad:
                await client.delete("ElixirCluster", namespace, body["metadata"]["name"])
            await bench.quiet()
    result = Report()
    for share in (0.5, 0.99):
        name, with_them, without = f"p{share * 100:.0f}", percentile(among, share), percentile(alone, share)
        result.add(f"creation among {BAD} that stall, {name}", milliseconds(with_them))
        result.add(f"creation alone, {name}", milliseconds(without))
        result.add(f"ratio, {name}", f"{with_them / without:.2f}")
    result.notes.append(f"{len(alone)} creations of each, {ROUNDS} rounds in turn, in one namespace.")
    return result
