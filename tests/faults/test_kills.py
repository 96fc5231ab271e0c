"""The operator killed at any moment, again and again."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

from tests.cluster import Cluster

from .client import Client
from .conftest import CAMPAIGN
from .process import Operator, until
from .scenarios import resource
from .state import cookie_of, differences, settled, snapshot

KILLS, CREATIONS = (50, 50) if CAMPAIGN else (8, 15)
LONGEST_LIFE_SECONDS = 3.0
SEED = 7


async def creations(client: Client, namespace: str, seconds: float) -> None:
    """A burst that lasts as long as the kills do."""
    for number in range(CREATIONS):
        await client.create(resource(namespace, f"c{number}", replicas=1))
        await asyncio.sleep(seconds / CREATIONS)


async def kills(operator: Operator, chance: random.Random) -> None:
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.5, LONGEST_LIFE_SECONDS))
        await operator.kill()
        await operator.start()


async def watch_cookies(client: Client, namespace: str, known: dict[str, set[str]]) -> None:
    while True:
        for name, cookie in cookie_of(await client.list("Secret", namespace)).items():
            known.setdefault(name, set()).add(cookie)
        await asyncio.sleep(0.2)


async def burst(
    cluster: Cluster, client: Client, folder: Path, namespace: str, *, killed: bool
) -> tuple[dict[str, Any], str, dict[str, set[str]]]:
    """The end state, the log, and every cookie that was ever seen."""
    arguments = ["--namespace", namespace, "--lease-namespace", namespace]
    operator = Operator(cluster.kubeconfig, folder / f"{namespace}.log", lease=namespace, arguments=arguments)
    cookies: dict[str, set[str]] = {}
    watching = asyncio.create_task(watch_cookies(client, namespace, cookies))
    await operator.start()
    try:
        if killed:
            length = KILLS * (LONGEST_LIFE_SECONDS + 0.5) / 2
            await asyncio.gather(creations(client, namespace, length), kills(operator, random.Random(SEED)))
        else:
            await creations(client, namespace, 0)

        async def all_there() -> bool:
            sets = await client.list("StatefulSet", namespace)
            return len(sets) == CREATIONS and await settled(client, namespace)

        await until(all_there, 120, f"{CREATIONS} resources in {namespace}", step=0.5)
        await asyncio.sleep(3)
        return await snapshot(client, namespace), operator.log.read_text(), cookies
    finally:
        watching.cancel()
        await operator.kill()


def made(cluster: Cluster, since: int, namespace: str) -> Counter[str]:
    """How often the operator made each object, by the audit log."""
    return Counter(
        f"{reference['resource']}/{reference.get('name')}"
        for event in cluster.audit(since)
        if (reference := event.get("objectRef", {})).get("namespace") == namespace
        and event.get("userAgent", "").startswith("elixircluster")
        and event["responseStatus"]["code"] == 201
        and reference["resource"] not in {"events", "leases"}
    )


async def test_kills_at_any_moment_change_nothing_in_the_end(cluster: Cluster, client: Client, tmp_path: Path) -> None:
    since = cluster.audit_position()
    quiet, deadly = await client.fresh_namespace("kills"), await client.fresh_namespace("kills")
    expected, _, _ = await burst(cluster, client, tmp_path, quiet, killed=False)
    state, log, cookies = await burst(cluster, client, tmp_path, deadly, killed=True)
    assert differences(expected, state) == []
    times = made(cluster, since, deadly)
    print(f"{KILLS} kills, {CREATIONS} resources, {len(times)} objects")
    assert len(times) >= 6 * CREATIONS
    assert {name: number for name, number in times.items() if number > 1 and not name.endswith("/None")} == {}
    assert {name for name, values in cookies.items() if len(values) > 1} == set()
    assert len(cookies) == CREATIONS
    assert "Traceback" not in log
    for namespace in (quiet, deadly):
        await client.delete("Namespace", None, namespace)
