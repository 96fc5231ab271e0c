"""How long a child stays away, or stays wrong, after somebody deleted or edited it by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.faults.client import KINDS, Client
from tests.faults.process import until

from .bench import Bench, Body, Report, children, has_children, milliseconds, percentile, resource

TIMES = 10


@dataclass(frozen=True)
class Edit:
    """A merge patch, and where to see that it was undone."""

    patch: Body
    look: Callable[[Body], Any]


# The cookie's Secret is not among them: a good cookie that somebody writes into it is one for the nodes to follow.
EDITS = {
    ("ConfigMap", "d-config"): Edit({"data": {"remote.vm.args": "wrong"}}, lambda o: o["data"]["remote.vm.args"]),
    ("Service", "d-nodes"): Edit(
        {"spec": {"publishNotReadyAddresses": False}}, lambda o: o["spec"].get("publishNotReadyAddresses", False)
    ),
    ("Service", "d"): Edit({"spec": {"type": "NodePort"}}, lambda o: o["spec"]["type"]),
    ("ServiceAccount", "d"): Edit(
        {"automountServiceAccountToken": True}, lambda o: o.get("automountServiceAccountToken")
    ),
    ("PodDisruptionBudget", "d"): Edit({"spec": {"maxUnavailable": 2}}, lambda o: o["spec"]["maxUnavailable"]),
    ("NetworkPolicy", "d-distribution"): Edit(
        {"spec": {"policyTypes": ["Egress"]}}, lambda o: o["spec"]["policyTypes"]
    ),
    ("StatefulSet", "d"): Edit({"spec": {"replicas": 2}}, lambda o: o["spec"]["replicas"]),
}


class Child:
    """One object, as its watch shows it."""

    def __init__(self, client: Client, namespace: str, kind: str, name: str) -> None:
        self._client, self._namespace, self._kind, self._name = client, namespace, kind, name
        self._changes: asyncio.Queue[tuple[float, Body]] = asyncio.Queue()

    async def follow(self, opened: asyncio.Event) -> None:
        async for event in self._client.watch(KINDS[self._kind], self._namespace, whole=True):
            if not event:
                opened.set()
            elif event["object"]["metadata"]["name"] == self._name and event["type"] != "DELETED":
                self._changes.put_nowait((time.perf_counter(), event["object"]))

    async def becomes(self, wanted: Callable[[Body], bool]) -> float:
        """When it was seen so, on the clock `time.perf_counter`."""
        async with asyncio.timeout(30):
            while True:
                at, body = await self._changes.get()
                if wanted(body):
                    return at

    async def deleted(self) -> float:
        """Seconds from the reply to its deletion to its return."""
        before = await self._now()
        await self._client.delete(self._kind, self._namespace, self._name)
        started = time.perf_counter()
        uid = before["metadata"]["uid"]
        return await self.becomes(lambda body: body["metadata"]["uid"] != uid) - started

    async def edited(self, edit: Edit) -> float:
        """Seconds from the reply to the edit until it is undone."""
        right = edit.look(await self._now())
        wrong = await self._client.patch(self._kind, self._namespace, self._name, edit.patch)
        started = time.perf_counter()
        version = int(wrong["metadata"]["resourceVersion"])

        def undone(body: Body) -> bool:
            return int(body["metadata"]["resourceVersion"]) > version and bool(edit.look(body) == right)

        return await self.becomes(undone) - started

    async def _now(self) -> Body:
        body = await self._client.get(self._kind, self._namespace, self._name)
        assert body, f"{self._kind} {self._name} is not there"
        return body


async def run(bench: Bench) -> Report:
    deletions: dict[str, list[float]] = {}
    edits: dict[str, list[float]] = {}
    async with bench.client() as client, bench.operator(client):
        namespace = await client.namespace("drift")
        body = resource("d", namespace)
        await client.create(body)
        await until(has_children(client, body), 30, "the children")
        for item in children(body):
            kind, name = item["kind"], item["metadata"]["name"]
            child, opened = Child(client, namespace, kind, name), asyncio.Event()
            watch = asyncio.create_task(child.follow(opened))
            await opened.wait()
            for _ in range(TIMES):
                await asyncio.sleep(0.3)
                deletions.setdefault(f"{kind} {name}", []).append(await child.deleted())
                if edit := EDITS.get((kind, name)):
                    await asyncio.sleep(0.3)
                    edits.setdefault(f"{kind} {name}", []).append(await child.edited(edit))
            watch.cancel()
    return report(deletions, edits)


def report(deletions: dict[str, list[float]], edits: dict[str, list[float]]) -> Report:
    result = Report()
    for what, found in (("deleted", deletions), ("edited", edits)):
        values = [value for values in found.values() for value in values]
        slowest = max(found, key=lambda name: max(found[name]))
        result.add(f"{what}: back after, p50", milliseconds(median(values)))
        result.add(f"{what}: back after, p95", milliseconds(percentile(values, 0.95)))
        result.add(f"{what}: longest ({slowest})", milliseconds(max(values)), "≤ 1 s", max(values) <= 1)
    result.notes.append(
        f"{TIMES} times each: {len(deletions)} objects deleted, {len(edits)} edited. A good cookie that somebody "
        "writes into its Secret is none to mend."
    )
    return result
