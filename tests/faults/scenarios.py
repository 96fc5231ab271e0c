"""What a user does to a resource, and one run of it with or without a fault."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .client import Body, Client
from .process import Operator, supervised, until
from .proxy import Fault, Proxy
from .state import settled, snapshot

CONVERGED_SECONDS = 90
QUIET_SECONDS = 10
STEADY_SECONDS = 1.5
NAME = "chat"

Act = Callable[[Client, str], Awaitable[Any]]


def resource(namespace: str, name: str = NAME, **spec: Any) -> Body:
    """Pods stay pending: no Kubernetes node has such a label."""
    return {
        "apiVersion": "elixircluster.dev/v1alpha1",
        "kind": "ElixirCluster",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "image": "docker.io/library/chat:1.0.0",
            "replicas": 2,
            "web": {"port": 4000},
            "scheduling": {"nodeSelector": {"elixircluster.dev/test": "nowhere"}},
            **spec,
        },
    }


async def create(client: Client, namespace: str) -> None:
    await client.create(resource(namespace))


def change(spec: Body) -> Act:
    async def patch(client: Client, namespace: str) -> None:
        await client.patch("ElixirCluster", namespace, NAME, {"spec": spec})

    return patch


async def delete(client: Client, namespace: str) -> None:
    await client.delete("ElixirCluster", namespace, NAME)


async def recreate(client: Client, namespace: str) -> None:
    """The new one finds what the old one leaves behind."""
    await delete(client, namespace)
    await create(client, namespace)


@dataclass(frozen=True)
class Scenario:
    """What is there before, and what happens while the fault is armed."""

    name: str
    act: Act
    exists: bool = True


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("create", create, exists=False),
        Scenario("scale", change({"replicas": 3})),
        Scenario("image", change({"image": "docker.io/library/chat:2.0.0"})),
        Scenario("web removed", change({"web": None})),
        Scenario("recreate", recreate),
        Scenario("delete", delete),
    )
}


@dataclass
class Run:
    """What one run left behind."""

    state: dict[str, Any]
    writes: list[str]
    made: Counter[str]
    log: str
    hit: list[str]
    late: list[str] = field(default_factory=list)
    """Writes after everything had converged."""


async def play(client: Client, folder: Path, scenario: Scenario, fault: Fault | None, gap: str = "") -> Run:
    """One operator, one namespace, one fault. With `gap`, a child of that kind is deleted while its watch is deaf."""
    namespace = await client.fresh_namespace("faults")
    folder = folder / namespace
    folder.mkdir()
    async with Proxy(client, folder) as proxy, supervised(operator_of(proxy, folder, namespace)) as operator:
        if scenario.exists:
            await create(client, namespace)
            await converged(client, proxy, operator, namespace)
        proxy.arm(fault)
        if gap:
            proxy.hold(gap)
        await scenario.act(client, namespace)
        if gap:
            await lose(client, namespace, gap)
            proxy.expire(gap)
        await converged(client, proxy, operator, namespace)
        before = len(proxy.journal)
        await asyncio.sleep(QUIET_SECONDS)
        made = Counter(
            write.target for write in proxy.writes() if write.code == 201 or is_deletion(write.target, write.code)
        )
        run = Run(
            await snapshot(client, namespace),
            [write.name for write in proxy.journal[:before]],
            made,
            operator.log.read_text(),
            list(proxy.hit),
            [write.name for write in proxy.journal[before:]],
        )
    await client.delete("Namespace", None, namespace)
    return run


def is_deletion(target: str, code: int) -> bool:
    return target.startswith("DELETE ") and code == 200


def operator_of(proxy: Proxy, folder: Path, namespace: str) -> Operator:
    """An operator for this namespace only, that the proxy can kill."""
    operator = Operator(
        proxy.kubeconfig,
        folder / "operator.log",
        lease=namespace,
        arguments=["--namespace", namespace, "--lease-namespace", namespace],
    )
    proxy.crash = lambda: operator.signal(signal.SIGKILL)
    return operator


async def converged(client: Client, proxy: Proxy, operator: Operator, namespace: str) -> None:
    """Wait until all is as it should be, and an operator that is at work has written nothing for a while.

    One that was killed before its last write has still to make it: what it left looks as if it were done.
    """
    loop = asyncio.get_running_loop()
    known, since = -1, loop.time()

    async def steady() -> bool:
        nonlocal known, since
        at_work = operator.is_leading() and await settled(client, namespace)
        if not at_work or len(proxy.journal) != known:
            known, since = len(proxy.journal), loop.time()
        return loop.time() - since >= STEADY_SECONDS

    await until(steady, CONVERGED_SECONDS, f"{namespace} to converge", step=0.2)


async def lose(client: Client, namespace: str, plural: str) -> None:
    """Delete a child that nobody is told about."""
    kind, name = {
        "configmaps": ("ConfigMap", f"{NAME}-config"),
        "services": ("Service", NAME),
        "serviceaccounts": ("ServiceAccount", NAME),
        "poddisruptionbudgets": ("PodDisruptionBudget", NAME),
        "statefulsets": ("StatefulSet", NAME),
        "secrets": ("Secret", f"{NAME}-cookie"),
    }[plural]

    async def there() -> bool:
        return await client.get(kind, namespace, name) is not None

    await until(there, 30, f"{kind} {name}")
    await asyncio.sleep(0.5)
    await client.delete(kind, namespace, name)
    await asyncio.sleep(0.5)
