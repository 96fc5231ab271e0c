"""Two operators and one lease: who is frozen writes nothing afterwards, who leaves hands over at once."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from .client import Client
from .process import Operator, until
from .proxy import Proxy
from .scenarios import NAME, create

# client-go's times: a lease of 15 s, and a look every 2 s at whether it changed and whether it has run out; and some
# for the new leader to see the world, and for a busy machine.
TAKEOVER_SECONDS = 15 + 2 + 2 + 3
# 1.1 s where nothing else runs; the standby looks every 2 s, and lists what there is.
HANDOVER_SECONDS = 10
THAWED_SECONDS = 15


@asynccontextmanager
async def operators(client: Client, folder: Path) -> AsyncIterator[tuple[str, list[Operator], list[Proxy]]]:
    """A leader and a standby, each behind a proxy of its own, so that each one's writes are known."""
    namespace = await client.fresh_namespace("leader")
    both: list[Operator] = []
    proxies: list[Proxy] = []
    try:
        for name in ("first", "second"):
            (folder / name).mkdir()
            proxy = await Proxy(client, folder / name).__aenter__()
            proxies.append(proxy)
            arguments = ["--namespace", namespace, "--lease-namespace", namespace]
            operator = Operator(proxy.kubeconfig, folder / f"{name}.log", lease="leader", pod=name, arguments=arguments)
            both.append(operator)
            await operator.start()
            if name == "first":
                await operator.leads()
        yield namespace, both, proxies
    finally:
        for operator in both:
            operator.signal(signal.SIGCONT)
            await operator.kill()
        for proxy in proxies:
            await proxy.__aexit__()
        await client.delete("Namespace", None, namespace)


async def replicas_of(client: Client, namespace: str) -> int | None:
    found = await client.get("StatefulSet", namespace, NAME)
    return found["spec"]["replicas"] if found else None


async def test_a_leader_that_was_frozen_beyond_its_lease_writes_nothing(client: Client, tmp_path: Path) -> None:
    async with operators(client, tmp_path) as (namespace, (first, second), (its, others)):
        await create(client, namespace)

        async def has(replicas: int) -> bool:
            return await replicas_of(client, namespace) == replicas

        await until(lambda: has(2), 30, "the StatefulSet")
        await asyncio.sleep(2)
        assert others.journal == []
        first.signal(signal.SIGSTOP)
        frozen, written = time.monotonic(), len(its.journal)
        # The frozen one finds these when it wakes: reasons to write.
        await client.patch("ElixirCluster", namespace, NAME, {"spec": {"replicas": 3}})
        await client.delete("ConfigMap", namespace, f"{NAME}-config")
        await until(lambda: has(3), TAKEOVER_SECONDS + 15, "the second operator to take over")
        takeover = time.monotonic() - frozen
        await client.patch("ElixirCluster", namespace, NAME, {"spec": {"replicas": 1}})
        await client.delete("PodDisruptionBudget", namespace, NAME)
        first.signal(signal.SIGCONT)
        await asyncio.sleep(THAWED_SECONDS)
        print(f"takeover after a freeze: {takeover:.1f} s; writes of the thawed leader: {len(its.journal) - written}")
        assert its.journal[written:] == []
        assert await has(1)
        assert takeover <= TAKEOVER_SECONDS
        assert not first.running, "it ended, to come back as a standby"
        assert "Traceback" not in first.said() + second.said()


async def test_a_leader_that_leaves_hands_over_at_once(client: Client, tmp_path: Path) -> None:
    async with operators(client, tmp_path) as (namespace, (first, second), _):
        await asyncio.sleep(3)
        left = time.monotonic()
        assert await first.stop() == 0
        await create(client, namespace)

        async def there() -> bool:
            return await replicas_of(client, namespace) is not None

        await until(there, HANDOVER_SECONDS, "the second operator to make the StatefulSet")
        handover = time.monotonic() - left
        print(f"handover: {handover:.1f} s")
        assert handover <= HANDOVER_SECONDS
        assert "Traceback" not in first.said() + second.said()
