"""Links cut, meshes split, nodes frozen: how soon the status says so, and how soon after its end all is well again."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import aiohttp

from elixircluster.kube.kinds import CLUSTERS
from elixircluster.mesh.view import FORMING_SECONDS
from tests.faults.client import Client
from tests.faults.process import Operator, until
from tests.images import archive

from .bench import Bench, Body, Report, resource
from .connect import nodes

REPETITIONS = 5
LONG_REPETITIONS = 3
SILENT_CUTS = (3.0, 6.0, 12.0)
LONGEST_SECONDS = 180.0
NOTICED_SECONDS = 90.0
"""After the default `net_ticktime` of 60 s a node gives another up within 45 to 75 s."""


@dataclass(frozen=True)
class Cut:
    """Which pods are cut from which others, and what the status is to say of it."""

    name: str
    replicas: int
    left: Sequence[int]
    right: Sequence[int]
    reason: str
    reported: float = 3.0
    healed: float = 5.0


CUTS = (
    Cut("one link of 3", 3, (0,), (1,), "PartialMesh", healed=3.0),
    Cut("2|1", 3, (0, 1), (2,), "Partitioned"),
    Cut("2|2", 4, (0, 1), (2, 3), "Partitioned"),
)


@dataclass
class Mesh:
    """One resource of the chat example, its status as it is written, and its pods."""

    bench: Bench
    client: Client
    namespace: str
    size: int
    status: Body = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    lives: list[tuple[str, int]] = field(default_factory=list)

    @property
    def clustered(self) -> Body:
        return next((item for item in self.status.get("conditions", ()) if item["type"] == "Clustered"), {})

    def says(self, reason: str) -> Callable[[], bool]:
        return lambda: self.clustered.get("reason") == reason

    async def follow(self) -> None:
        """Keep the status as the API server tells it."""
        async for event in self.client.watch(CLUSTERS, self.namespace, whole=True):
            self.status = event.get("object", {}).get("status") or self.status

    async def pods(self) -> list[Body]:
        found = await self.client.list("Pod", self.namespace, "elixircluster.dev/cluster=chat")
        return sorted(found, key=lambda pod: pod["metadata"]["name"])

    async def remember(self) -> None:
        """Who is there, and where."""
        pods = await self.pods()
        self.addresses = [pod["status"]["podIP"] for pod in pods]
        self.lives = [life(pod) for pod in pods]

    async def is_as_before(self) -> bool:
        """Whether no pod was replaced or started again."""
        return [life(pod) for pod in await self.pods()] == self.lives

    def cut(self, cut: Cut) -> None:
        self.bench.fault.partition(*self.sides(cut))

    def sides(self, cut: Cut) -> tuple[list[str], list[str]]:
        return [self.addresses[place] for place in cut.left], [self.addresses[place] for place in cut.right]

    async def views(self) -> list[set[str]]:
        """The addresses of whom each node sees, itself among them, by the nodes' own words."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session:
            said = await asyncio.gather(*(nodes(session, address) for address in self.addresses))
        return [{name.partition("@")[2] for name in names} for names in said]

    async def has_noticed(self, cut: Cut) -> bool:
        """Whether no node lists one of the other side any more."""
        views, (left, right) = await self.views(), self.sides(cut)
        return not any(views[place] & set(right) for place in cut.left) and not any(
            views[place] & set(left) for place in cut.right
        )

    def dialled(self, log: str, cut: Cut | None = None) -> int:
        """How often the operator had one of these nodes dial another; with a cut, across it."""
        pairs = re.findall(rf"asked \S+@chat-(\d+)\S+{self.namespace}\S+ to connect with \S+@chat-(\d+)", log)
        sides = {place: side for side, places in enumerate((cut.left, cut.right)) for place in places} if cut else {}
        return sum(cut is None or {sides.get(int(a)), sides.get(int(b))} == {0, 1} for a, b in pairs)

    async def is_whole(self) -> bool:
        return all(len(view) == self.size for view in await self.views())


def life(pod: Body) -> tuple[str, int]:
    return pod["metadata"]["uid"], sum(item["restartCount"] for item in pod["status"]["containerStatuses"])


@dataclass
class Times:
    """What was measured of one story, a value per repetition."""

    reported: list[float] = field(default_factory=list)
    healed: list[float] = field(default_factory=list)
    across: int = 0
    """Dialled from one side of the cut to the other before its end."""
    redials: int = 0
    messages: set[str] = field(default_factory=set)


async def run(bench: Bench) -> Report:
    bench.cluster.load(archive("chat"))
    report = Report()
    async with bench.client() as client, bench.operator(client) as operator, meshes(bench, client) as found:
        for cut in CUTS:
            report_cut(report, cut, "until reported", await short_cuts(found[cut.name], cut, operator))
        for seconds in SILENT_CUTS:
            await silent_cut(report, found[CUTS[0].name], seconds)
        long = await long_cuts(found, operator)
        for cut in CUTS:
            report_cut(report, cut, "until the nodes had noticed", long[cut.name])
        await freeze(report, found[CUTS[0].name])
        unchanged = [await mesh.is_as_before() for mesh in found.values()]
        report.add(
            "pods replaced or started again in all of it", "none" if all(unchanged) else "some", "none", all(unchanged)
        )
    report.notes.append(
        f"The chat example with strategy Static, whose nodes do not look for each other by themselves; "
        f"`intervalSeconds: 1`; {REPETITIONS} repetitions, {LONG_REPETITIONS} of the long cuts; median and longest. "
        "Times are from the cut, the repair, the freeze or the thaw until the resource's status tells."
    )
    return report


@asynccontextmanager
async def meshes(bench: Bench, client: Client) -> AsyncIterator[dict[str, Mesh]]:
    """A mesh for each cut, old enough that no node counts as just started."""
    found, tasks = {}, []
    for number, cut in enumerate(CUTS):
        namespace = await client.namespace(f"partitions-{number}")
        spec: dict[str, Any] = {"scheduling": {}, "release": {"name": "chat"}, "replicas": cut.replicas}
        spec |= {"discovery": {"strategy": "Static"}, "mesh": {"intervalSeconds": 1}}
        found[cut.name] = Mesh(bench, client, namespace, cut.replicas)
        tasks.append(asyncio.create_task(found[cut.name].follow()))
        await client.create(resource("chat", namespace, **spec))
    try:
        for mesh in found.values():
            await until(mesh.says("FullMesh"), LONGEST_SECONDS, "a full mesh")
            await mesh.remember()
        await asyncio.sleep(FORMING_SECONDS)
        yield found
    finally:
        bench.fault.heal()
        for task in tasks:
            task.cancel()


async def short_cuts(mesh: Mesh, cut: Cut, operator: Operator) -> Times:
    """Each ends as soon as it is reported."""
    times = Times()
    for _ in range(REPETITIONS):
        await any_moment()
        before = len(operator.said())
        mesh.cut(cut)
        times.reported.append(await until(mesh.says(cut.reason), LONGEST_SECONDS, f"{cut.name} to be reported"))
        times.messages.add(str(mesh.clustered["message"]))
        times.across += mesh.dialled(operator.said()[before:], cut)
        mesh.bench.fault.heal()
        await healed(mesh, times)
        times.redials += mesh.dialled(operator.said()[before:])
    return times


async def long_cuts(found: dict[str, Mesh], operator: Operator) -> dict[str, Times]:
    """All meshes are cut at once, until their own ticks have told every node."""
    times = {cut.name: Times() for cut in CUTS}
    for _ in range(LONG_REPETITIONS):
        await any_moment()
        before = len(operator.said())
        for cut in CUTS:
            found[cut.name].cut(cut)
        await asyncio.gather(*(noticed(found[cut.name], cut, times[cut.name]) for cut in CUTS))
        meanwhile = operator.said()[before:]
        found[CUTS[0].name].bench.fault.heal()
        await asyncio.gather(*(healed(found[cut.name], times[cut.name]) for cut in CUTS))
        for cut in CUTS:
            times[cut.name].across += found[cut.name].dialled(meanwhile, cut)
            times[cut.name].redials += found[cut.name].dialled(operator.said()[before:])
    return times


async def noticed(mesh: Mesh, cut: Cut, times: Times) -> None:
    started = time.monotonic()
    await until(lambda: mesh.clustered.get("status") == "False", LONGEST_SECONDS, f"{cut.name} to be reported")
    times.reported.append(time.monotonic() - started)
    await until(lambda: mesh.has_noticed(cut), LONGEST_SECONDS, f"the nodes to notice {cut.name}", step=1.0)
    await asyncio.sleep(max(0.0, NOTICED_SECONDS - (time.monotonic() - started)))
    times.messages.add(str(mesh.clustered["message"]))


async def healed(mesh: Mesh, times: Times) -> None:
    times.healed.append(await until(mesh.says("FullMesh"), LONGEST_SECONDS, "a full mesh"))
    await until(mesh.is_whole, 5, "the nodes to say so themselves")


async def silent_cut(report: Report, mesh: Mesh, seconds: float) -> None:
    """A cut of so long, which the nodes do not notice: the link recovers when TCP sends again."""
    times = Times()
    for _ in range(REPETITIONS):
        await any_moment()
        mesh.cut(CUTS[0])
        await asyncio.sleep(seconds)
        mesh.bench.fault.heal()
        await healed(mesh, times)
    report.add(f"one link of 3, cut for {seconds:.0f} s: healed after its end", both(times.healed))


async def freeze(report: Report, mesh: Mesh) -> None:
    """Stop a node, and let it go on."""
    named, back = [], []
    pod = f"{mesh.namespace}/chat-1"
    for _ in range(REPETITIONS):
        await any_moment()
        mesh.bench.fault.freeze(pod)
        named.append(await until(mesh.says("NodeFrozen"), LONGEST_SECONDS, "NodeFrozen"))
        assert "chat-1" in mesh.clustered["message"], mesh.clustered
        mesh.bench.fault.thaw(pod)
        back.append(await until(mesh.says("FullMesh"), LONGEST_SECONDS, "a full mesh"))
    report.add("a frozen node: named", both(named), "≤ 3 s", max(named) <= 3)
    report.add("a thawed node: connected again", both(back), "≤ 5 s", max(back) <= 5)


def report_cut(report: Report, cut: Cut, how: str, times: Times) -> None:
    what = f"{cut.name}, cut {how}"
    met = max(times.reported) <= cut.reported
    report.add(f"{what}: reported", both(times.reported), f"≤ {cut.reported:.0f} s", met)
    met = max(times.healed) <= cut.healed
    report.add(f"{what}: healed after its end", both(times.healed), f"≤ {cut.healed:.0f} s", met)
    report.add(f"{what}: dialled across it", str(times.across), "0", times.across == 0)
    said = "; ".join(sorted(times.messages))
    report.notes.append(f"{what}: {times.redials} redials in all; the status said: {said}.")


async def any_moment() -> None:
    """So that no repetition begins at the same moment between two looks."""
    await asyncio.sleep(random.uniform(3, 4.5))


def both(values: Collection[float]) -> str:
    return f"{median(values):.1f} s, {max(values):.1f} s"
