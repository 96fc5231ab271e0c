"""From the annotation to a cookie that every node has and no earlier one: three nodes, in the clear and over TLS."""

from __future__ import annotations

import asyncio
import time
from statistics import median

import aiohttp

from elixircluster.api.resource import KIND, ROTATE_ANNOTATION
from tests.faults.client import Client
from tests.faults.process import until
from tests.images import archive

from .bench import Bench, Body, Report, milliseconds, resource
from .connect import NODES, connected

ROTATIONS = 20
LONGEST_SECONDS = 120
TLS = {"plain TCP": "Disabled", "TLS": "SelfSigned"}


async def once(client: Client, namespace: str, name: str, value: str) -> float:
    """Seconds until the status says that it is done."""

    async def done() -> bool:
        found = await client.get(KIND, namespace, name) or {}
        return bool((found.get("status") or {}).get("cookieRotation") == value)

    started = time.perf_counter()
    await client.patch(KIND, namespace, name, {"metadata": {"annotations": {ROTATE_ANNOTATION: value}}})
    await until(done, LONGEST_SECONDS, "the cookie to be another", step=0.005)
    return time.perf_counter() - started


async def lives(client: Client, namespace: str) -> list[tuple[str, int]]:
    """What changes when a pod is replaced or a container starts again."""
    pods: list[Body] = await client.list("Pod", namespace)
    return sorted(
        (pod["metadata"]["uid"], status["restartCount"])
        for pod in pods
        for status in pod["status"].get("containerStatuses") or []
    )


async def run(bench: Bench) -> Report:
    bench.cluster.load(archive("chat"))
    result = Report()
    timeout = aiohttp.ClientTimeout(total=0.5)
    async with bench.client() as client, bench.operator(client), aiohttp.ClientSession(timeout=timeout) as session:
        for case, mode in TLS.items():
            async with bench.namespace(client, f"rotate-{mode.lower()}") as namespace:
                spec = {"scheduling": {}, "distribution": {"tls": {"mode": mode}}}
                await client.create(resource("chat", namespace, **spec))
                await connected(client, session, namespace, "chat")
                await asyncio.sleep(5)
                before = await lives(client, namespace)
                took = [await once(client, namespace, "chat", str(number)) for number in range(ROTATIONS)]
                same = before == await lives(client, namespace)
                result.add(f"{case}, median", milliseconds(median(took)))
                result.add(f"{case}, longest", milliseconds(max(took)))
                result.add(f"{case}, restarts", "none" if same else "some", "none", same)
    result.notes.append(f"{NODES} nodes of the chat example, {ROTATIONS} times each.")
    return result
