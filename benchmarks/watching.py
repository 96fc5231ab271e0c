"""What it costs to see the world: of a list, of events, and to keep it.

An API server of its own that holds ConfigMaps and nothing else, so that only seeing is measured, and no reconcile.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time

import aiohttp
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from elixircluster.api.resource import Key
from elixircluster.control.queue import Queue
from elixircluster.control.watches import Watches
from elixircluster.kube.api import Api
from elixircluster.kube.kinds import CONFIG_MAPS
from elixircluster.observed.store import Store
from elixircluster.telemetry.health import Streams
from tests.faults.process import ROOT, memory_mb
from tests.unit.control.server import Server, body, serving

from .bench import Report

OBJECTS = 2000
TIMES = 5
FIRST_EVENT = 100_000


def run() -> Report:
    with subprocess.Popen([sys.executable, "-m", "benchmarks.watching"], stdout=subprocess.PIPE, cwd=ROOT) as server:
        assert server.stdout
        address = server.stdout.readline().decode().strip()
        try:
            return asyncio.run(measured(address))
        finally:
            server.kill()


async def measured(address: str) -> Report:
    configuration = Configuration()
    configuration.host = address
    api = Api(ApiClient(configuration))
    store, result = Store(), Report()
    watches = Watches(api, store, Queue(), (), Streams())
    before, started = resident(), time.process_time()
    task = asyncio.create_task(watches.run(asyncio.Event()))
    await watches.begun.wait()
    result.add("CPU of an object that is listed", microseconds(time.process_time() - started, OBJECTS))
    result.add("memory of an object, with what kopf needs once", f"{(resident() - before) / OBJECTS:.1f} KB")
    started = time.process_time()
    await changes(address, store)
    result.add("CPU of an event", microseconds(time.process_time() - started, OBJECTS * TIMES))
    result.notes.append(f"{OBJECTS} ConfigMaps of 3 KB, each changed {TIMES} times; no reconcile.")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await api.close()
    return result


async def changes(address: str, store: Store) -> None:
    """All events, until the last is in the store."""
    async with aiohttp.ClientSession() as session:
        await session.post(f"{address}/go")
    last, version = name(OBJECTS - 1), str(FIRST_EVENT + OBJECTS * TIMES)

    def seen() -> str:
        return store.children(Key("default", last))["ConfigMap", last].resource_version

    while seen() != version:  # noqa: ASYNC110 - the store tells nobody
        await asyncio.sleep(0.05)


def microseconds(seconds: float, count: int) -> str:
    return f"{seconds / count * 1e6:.0f} µs"


def resident() -> float:
    """In KB."""
    gc.collect()
    return memory_mb("self")[0] * 1024


def name(number: int) -> str:
    return f"chat-{number}"


def config_map(number: int, version: int) -> dict[str, object]:
    plain = body(CONFIG_MAPS, name(number), version)
    fields = {"f:data": {f"f:key-{key}": {} for key in range(8)}, "f:metadata": {"f:labels": {"f:app": {}}}}
    plain["metadata"]["managedFields"] = [{"manager": "elixircluster", "operation": "Apply", "fieldsV1": fields}] * 2
    return {**plain, "data": {f"key-{key}": "x" * 250 for key in range(8)}}


async def serve() -> None:
    """The API server, which sends its events when it is told to."""
    server = Server()
    server.put(CONFIG_MAPS, *(config_map(number, 10 + number) for number in range(OBJECTS)))
    answer = server.handle

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path != "/go":
            return await answer(request)
        for change in range(OBJECTS * TIMES):
            object_ = config_map(change % OBJECTS, FIRST_EVENT + change + 1)
            server.tell(CONFIG_MAPS, {"type": "MODIFIED", "object": object_})
        return web.Response()

    server.handle = handle
    async with serving(server) as api:
        sys.stdout.write(f"{api.server}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
