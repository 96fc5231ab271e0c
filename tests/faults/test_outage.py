"""The API server away for a while: the operator waits and goes on, the pods notice nothing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.cluster import Cluster, images

from .client import Body, Client
from .conftest import CAMPAIGN
from .process import Operator, supervised, until
from .scenarios import resource

AWAY_SECONDS = 60 if CAMPAIGN else 20
BACK_SECONDS = 15
NODES = 2
OFF = {"disabled": True}
SLEEPS = {
    "image": "localhost/busybox:test",
    "imagePullPolicy": "IfNotPresent",
    "replicas": NODES,
    "release": {"command": ["/bin/sh", "-c", "trap exit TERM; while sleep 1; do :; done"]},
    "health": {"startup": OFF, "readiness": OFF},
    "scheduling": {},
}


async def restarts(client: Client, namespace: str) -> dict[str, int]:
    """How often the containers of each pod were started again."""
    return {
        pod["metadata"]["uid"]: sum(status["restartCount"] for status in pod["status"].get("containerStatuses", []))
        for pod in await client.list("Pod", namespace)
    }


def ready(body: Body | None) -> bool:
    return bool(body and body.get("status", {}).get("readyReplicas") == NODES)


async def test_the_operator_outlives_the_api_server(cluster: Cluster, client: Client, tmp_path: Path) -> None:
    cluster.load(images.busybox())
    namespace = await client.fresh_namespace("outage")
    arguments = ["--namespace", namespace, "--lease-namespace", namespace]
    operator = Operator(cluster.kubeconfig, tmp_path / "operator.log", arguments=arguments)
    async with supervised(operator):
        await client.create(resource(namespace, "before", **SLEEPS))

        async def before_is_ready() -> bool:
            return ready(await client.get("ElixirCluster", namespace, "before"))

        await until(before_is_ready, 90, "two pods", step=0.2)
        pods = await restarts(client, namespace)
        await asyncio.to_thread(cluster.fault.api_stop)
        await asyncio.sleep(AWAY_SECONDS)
        await asyncio.to_thread(cluster.fault.api_start)
        back = time.monotonic()
        await client.create(resource(namespace, "after", **SLEEPS))
        await client.delete("PodDisruptionBudget", namespace, "before")

        async def all_is_well() -> bool:
            names = [
                (await client.get("StatefulSet", namespace, "after")),
                await client.get("PodDisruptionBudget", namespace, "before"),
            ]
            return all(names)

        await until(all_is_well, 120, "the operator to go on", step=0.1)
        took = time.monotonic() - back
        print(f"away for {AWAY_SECONDS} s, at work again {took:.1f} s after the return, {operator.starts - 1} restarts")
        # It ends once, when its lease is lost; the next one waits for the API server.
        assert operator.starts <= 2
        assert took <= BACK_SECONDS
        assert {uid: count for uid, count in (await restarts(client, namespace)).items() if uid in pods} == pods
        assert len(pods) == NODES
        assert set(pods.values()) == {0}
        assert "Traceback" not in operator.log.read_text()
    await client.delete("Namespace", None, namespace)
