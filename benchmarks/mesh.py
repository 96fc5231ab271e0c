"""What looking at meshes costs: real nodes for a call and a look, pretended ones in another process for numbers.

Needs no Kubernetes: python -m benchmarks.mesh prints the figures.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from elixircluster.mesh import calls
from elixircluster.mesh.connection import Identity
from elixircluster.mesh.external import encode
from elixircluster.mesh.member import Answer, Member
from elixircluster.mesh.probe import DIALS_AT_ONCE, Prober
from elixircluster.mesh.terms import Atom
from elixircluster.mesh.view import view
from tests import beam
from tests.faults.process import ROOT
from tests.pretend import COOKIE, Encoded, Pretend, serve

from .bench import Bench, Report, milliseconds, percentile
from .results import show

CALLS = 2000
LOOKS = 300
MANY = 1000
ROUNDS = 10
MOST_CPU_SECONDS = 0.5
"""A tenth of a core, at a look every five seconds."""
US = Identity("elixircluster@benchmark")


def run(_: Bench | None = None) -> Report:
    report = Report()
    if shutil.which("erl"):
        with tempfile.TemporaryDirectory() as folder, beam.nodes(3, 71, Path(folder)) as nodes:
            asyncio.run(real(nodes, report))
    for size in (3, 100, MANY):
        with pretended(MANY, size) as members:
            asyncio.run(many(members, size, report))
    report.notes.append(
        f"{CALLS} calls, {LOOKS} looks at three, {ROUNDS} looks at {MANY}; the nodes share the machine."
    )
    return report


async def real(nodes: Sequence[beam.Node], report: Report) -> None:
    """Three nodes of this machine's Erlang."""
    members = [node.member for node in nodes]
    prober = Prober(beam.COOKIE, US)
    first = await seconds_of(prober, members)
    for other in nodes[1:]:
        await prober.call(members[0], calls.connect_node(other.name), 10)
    one, look = [], []
    for _ in range(CALLS):
        started = time.perf_counter()
        await prober.call(members[0], calls.nodes("connected"))
        one.append(time.perf_counter() - started)
    look = [await seconds_of(prober, members) for _ in range(LOOKS)]
    seen = view(members, await prober.look(members))
    assert seen.links == 3, seen.verdict
    report.add("first look at three real nodes, with connecting", milliseconds(first))
    report.add("one call of a real node, p50", milliseconds(median(one)), "below 1 ms", median(one) < 0.001)
    report.add("one call of a real node, p99", milliseconds(percentile(one, 0.99)))
    report.add("a look at three real nodes, p50", milliseconds(median(look)), "below 5 ms", median(look) < 0.005)
    nodes[1].freeze()
    frozen = await seconds_of(prober, members)
    nodes[1].thaw()
    report.add("a look with one of them frozen", milliseconds(frozen), "below 1.1 s", frozen < 1.1)
    await prober.close()


async def many(members: Sequence[Member], size: int, report: Report) -> None:
    """A thousand nodes in meshes of this size, each with a prober of its own, as the operator has them."""
    gc.collect()
    before = memory_mib()
    meshes = [members[start : start + size] for start in range(0, len(members), size)]
    turns = asyncio.Semaphore(DIALS_AT_ONCE)
    probers = [Prober(COOKIE, US, turns=turns) for _ in meshes]
    what = f"{len(members)} nodes in meshes of {size}"
    started, cpu = time.perf_counter(), time.process_time()
    wrong = silent(await everything(probers, meshes))
    report.add(f"{what}: first look at all, with connecting", milliseconds(time.perf_counter() - started))
    report.add(f"{what}: CPU of the first look", milliseconds(time.process_time() - cpu))
    walls, cpus, judging = [], [], []
    for _ in range(ROUNDS):
        started, cpu = time.perf_counter(), time.process_time()
        answers = await everything(probers, meshes)
        wrong += silent(answers)
        walls.append(time.perf_counter() - started)
        cpus.append(time.process_time() - cpu)
        started = time.process_time()
        views = [view(mesh, said) for mesh, said in zip(meshes, answers, strict=True)]
        judging.append(time.process_time() - started)
    links = sum(seen.links for seen in views) / sum(seen.expected_links for seen in views)
    report.add(f"{what}: links seen at the end", f"{links:.0%}", "100%", links == 1)
    report.add(f"{what}: nodes called silent that were not, in all looks", str(wrong), "0", wrong == 0)
    report.add(f"{what}: a look at all, p50", milliseconds(median(walls)))
    met = median(cpus) < MOST_CPU_SECONDS
    report.add(f"{what}: CPU of a look", milliseconds(median(cpus)), f"below {milliseconds(MOST_CPU_SECONDS)}", met)
    report.add(f"{what}: CPU of judging the views", milliseconds(median(judging)))
    report.add(f"{what}: memory for it", f"{memory_mib() - before:.1f} MiB")
    for prober in probers:
        await prober.close()


async def everything(probers: Sequence[Prober], meshes: Sequence[Sequence[Member]]) -> list[dict]:
    return await asyncio.gather(*(prober.look(mesh) for prober, mesh in zip(probers, meshes, strict=True)))


def silent(answers: list[dict]) -> int:
    return sum(not isinstance(item, Answer) for said in answers for item in said.values())


async def seconds_of(prober: Prober, members: Sequence[Member]) -> float:
    started = time.perf_counter()
    await prober.look(members)
    return time.perf_counter() - started


def memory_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@contextmanager
def pretended(count: int, size: int) -> Iterator[list[Member]]:
    """So many servers in another process, in meshes of `size`."""
    command = [sys.executable, "-m", "benchmarks.mesh", "serve", str(count), str(size)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
    try:
        yield [Member(**item) for item in json.loads(process.stdout.readline())]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


async def pretend(count: int, size: int) -> None:
    names = [f"chat@10.{number // 65536}.{number // 256 % 256}.{number % 256}" for number in range(count)]
    members = []
    for index, name in enumerate(names):
        mesh = names[index - index % size :][:size]
        seen = Encoded(encode([Atom(other) for other in mesh if other != name])[1:])
        _, member = await serve(lambda name=name, seen=seen: pretended_node(name, seen), name)
        members.append({"pod": name, "node": name, "address": member.address, "port": member.port})
    print(json.dumps(members), flush=True)
    await asyncio.Event().wait()


def pretended_node(name: str, seen: Encoded) -> Pretend:
    node = Pretend(name)
    node.names = seen
    return node


def raise_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    raise_limit()
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(pretend(int(sys.argv[2]), int(sys.argv[3])))
    else:
        show("mesh", run())
