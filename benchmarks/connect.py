"""From `kubectl apply` to three connected BEAM nodes: one resource, against the same objects without the operator."""

from __future__ import annotations

import asyncio
import json
import time
from statistics import median
from typing import Any

import aiohttp
import yaml

from tests.faults.client import Client
from tests.images import archive

from .bench import Bench, Body, Report, children, resource

PAIRS = 7
NODES = 3
PORT = 4000
LONGEST_SECONDS = 180


def chat(name: str, namespace: str) -> Body:
    return resource(name, namespace, scheduling={}, release={"name": "chat"})


async def connected(client: Client, session: aiohttp.ClientSession, namespace: str, name: str) -> None:
    """Return once each of the nodes says that it sees all of them."""
    waiting: set[str] = set()
    done: set[str] = set()
    deadline = time.monotonic() + LONGEST_SECONDS
    while len(done) < NODES:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(done)} of {NODES} nodes of {name} are connected after {LONGEST_SECONDS} s")
        if len(waiting | done) < NODES:
            pods = await client.list("Pod", namespace, f"elixircluster.dev/cluster={name}")
            waiting |= {pod["status"]["podIP"] for pod in pods if pod.get("status", {}).get("podIP")} - done
        for address in sorted(waiting):
            if len(await nodes(session, address)) == NODES:
                waiting.discard(address)
                done.add(address)
        await asyncio.sleep(0.05)


async def nodes(session: aiohttp.ClientSession, address: str) -> list[Any]:
    """What a node says of its mesh; nothing while it does not answer."""
    try:
        async with session.get(f"http://{address}:{PORT}/nodes") as response:
            return list(await response.json(content_type=None)) if response.status == 200 else []
    except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
        return []


async def once(bench: Bench, client: Client, bodies: list[Body], namespace: str, name: str) -> float:
    """Seconds from the start of `kubectl apply` to a full mesh."""
    timeout = aiohttp.ClientTimeout(total=0.5)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        started = time.perf_counter()
        text = yaml.safe_dump_all(bodies)
        await asyncio.to_thread(bench.kubectl, "apply", "--server-side", "-f", "-", text=text)
        await connected(client, session, namespace, name)
        return time.perf_counter() - started


async def run(bench: Bench) -> Report:
    bench.cluster.load(archive("chat"))
    operated, bare = [], []
    async with bench.client() as client, bench.operator(client):
        for number in range(PAIRS):
            for side in (True, False) if number % 2 else (False, True):
                name = f"{'c' if side else 'b'}{number}"
                async with bench.namespace(client, f"connect-{name}") as namespace:
                    body = chat(name, namespace)
                    bodies = [body] if side else children(body)
                    (operated if side else bare).append(await once(bench, client, bodies, namespace, name))
    mine, theirs = median(operated), median(bare)
    result = Report()
    result.add("operator, median", f"{mine:.2f} s")
    result.add("the same objects by `kubectl apply --server-side`, median", f"{theirs:.2f} s")
    result.add("ratio of medians", f"{mine / theirs:.2f}", "≤ 1.15", mine / theirs <= 1.15)
    pairs = ", ".join(f"{a:.1f}/{b:.1f}" for a, b in zip(operated, bare, strict=True))
    result.notes.append(f"{NODES} nodes of the chat example, {PAIRS} pairs in turn; seconds operator/by hand: {pairs}.")
    return result
