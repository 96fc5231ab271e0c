"""Other people's big objects in the same namespaces."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.cluster import Cluster

from .client import Client
from .process import Operator
from .scenarios import create, resource

OBJECTS = 300
SIZE = 200_000
LIMIT_MB = 10


async def fill(client: Client, namespace: str) -> None:
    slots = asyncio.Semaphore(16)

    async def one(number: int) -> None:
        kind = ("Secret", "ConfigMap")[number % 2]
        metadata = {"name": f"foreign-{number}", "namespace": namespace}
        data = {"stringData" if kind == "Secret" else "data": {"big": "x" * SIZE}}
        async with slots:
            await client.create({"apiVersion": "v1", "kind": kind, "metadata": metadata, **data})

    await asyncio.gather(*map(one, range(OBJECTS)))


async def measured(operator: Operator, client: Client, namespace: str, name: str) -> float:
    """RSS in MB of an operator that has made a resource and come to rest."""
    await client.create(resource(namespace, name))
    await asyncio.sleep(5)
    return operator.usage().rss_mb


async def test_big_foreign_objects_do_not_fill_the_memory(cluster: Cluster, client: Client, tmp_path: Path) -> None:
    namespace = await client.fresh_namespace("memory")
    operator = Operator(cluster.kubeconfig, tmp_path / "operator.log", arguments=["--lease-namespace", namespace])
    await operator.start()
    try:
        await operator.leads()
        await create(client, namespace)
        before = await measured(operator, client, namespace, "before")
        await fill(client, namespace)
        after = await measured(operator, client, namespace, "after")
        await operator.stop()
        await operator.start()
        await operator.leads()
        anew = await measured(operator, client, namespace, "anew")
        print(f"RSS {before:.0f} MB, with {OBJECTS} big objects {after:.0f} MB, started among them {anew:.0f} MB")
        assert after - before <= LIMIT_MB
        assert anew - before <= LIMIT_MB
    finally:
        await operator.kill()
        await client.delete("Namespace", None, namespace)
