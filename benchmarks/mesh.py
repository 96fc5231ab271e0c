"""What looking at meshes costs: real nodes for a call and a look, pretended ones in another process for numbers.

A look is what the operator does every `mesh.intervalSeconds`: ask all nodes, have them call each other, judge. It needs
no Kubernetes.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
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
from tests.images import erlang
from tests.pretend import COOKIE, Encoded, Pretend, serve

from .bench import Bench, Report, milliseconds, percentile

CALLS = 2000
LOOKS = 300
MANY = 1000
ROUNDS = 10
INTERVAL_SECONDS = 5.0
"""The default of `mesh.intervalSeconds`."""
COST_SECONDS = 60.0
"""How long real nodes are watched, with looks and without."""
MOST_CPU = 0.1
"""Of a core, at a look every five seconds."""
MOST_CPU_OF_A_NODE = 0.001
MOST_MEMORY_MIB = 150.0
US = Identity("elixircluster@benchmark")


def run(_: Bench | None = None) -> Report:
    raise_limit()
    report = Report()
    with tempfile.TemporaryDirectory() as folder, beam.nodes(3, 71, Path(folder), erlang=erlang()) as nodes:
        asyncio.run(real(nodes, report))
    for size in (3, 100, MANY):
        with pretended(MANY, size) as members:
            asyncio.run(many(members, size, report))
    report.notes.append(
        f"{CALLS} calls, {LOOKS} looks at three, {ROUNDS} looks at {MANY}; the nodes share the machine."
    )
    return report


async def real(nodes: Sequence[beam.Node], report: Report) -> None:
    """Three nodes, as processes of this machine."""
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
    await look_and_listen(prober, members)
    await cost(nodes, members, prober, report)
    await prober.close()


async def cost(nodes: Sequence[beam.Node], members: Sequence[Member], prober: Prober, report: Report) -> None:
    """What looks take of a real node's processor, beside what it takes anyhow."""
    shares = {}
    for looking in (False, True):
        before = [node_seconds(node) for node in nodes]
        for _ in range(int(COST_SECONDS / INTERVAL_SECONDS)):
            await asyncio.sleep(INTERVAL_SECONDS)
            if looking:
                await look_and_listen(prober, members)
        used = [node_seconds(node) - then for node, then in zip(nodes, before, strict=True)]
        shares[looking] = max(used) / COST_SECONDS
    what = "CPU of a real node of three"
    report.add(f"{what}, left alone for {COST_SECONDS:.0f} s", f"{shares[False]:.4%} of a core")
    report.add(f"{what}, with a look every {INTERVAL_SECONDS:.0f} s", f"{shares[True]:.4%} of a core")
    more = shares[True] - shares[False]
    report.add(
        f"{what}, for the looks", f"{more:.4%} of a core", f"≤ {MOST_CPU_OF_A_NODE:.1%}", more <= MOST_CPU_OF_A_NODE
    )


def node_seconds(node: beam.Node) -> float:
    """Processor time of all its threads; /proc/PID/stat counts in hundredths of a second, which is too coarse."""
    assert node.process is not None
    threads = Path(f"/proc/{node.process.pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


async def many(members: Sequence[Member], size: int, report: Report) -> None:
    """A thousand nodes in meshes of this size, each with a prober of its own, as the operator has them."""
    gc.collect()
    before = memory_mib()
    meshes = [members[start : start + size] for start in range(0, len(members), size)]
    turns = asyncio.Semaphore(DIALS_AT_ONCE)
    probers = [Prober(COOKIE, US, turns=turns) for _ in meshes]
    what = f"{len(members)} nodes in meshes of {size}"
    started, cpu = time.perf_counter(), time.process_time()
    wrong = silent((await everything(probers, meshes))[0])
    report.add(f"{what}: first look at all, with connecting", milliseconds(time.perf_counter() - started))
    report.add(f"{what}: CPU of the first look", milliseconds(time.process_time() - cpu))
    walls, cpus, judging = [], [], []
    for _ in range(ROUNDS):
        started, cpu = time.perf_counter(), time.process_time()
        answers, unheard = await everything(probers, meshes)
        wrong += silent(answers) + sum(map(len, unheard))
        walls.append(time.perf_counter() - started)
        between = time.process_time()
        views = [view(mesh, said, None, lost) for mesh, said, lost in zip(meshes, answers, unheard, strict=True)]
        judging.append(time.process_time() - between)
        cpus.append(time.process_time() - cpu)
    links = sum(seen.links for seen in views) / sum(seen.expected_links for seen in views)
    report.add(f"{what}: links seen at the end", f"{links:.0%}", "100%", links == 1)
    report.add(f"{what}: nodes or links called silent that were not, in all looks", str(wrong), "0", wrong == 0)
    report.add(f"{what}: a look at all, p50", milliseconds(median(walls)), "≤ 1 s", median(walls) <= 1)
    report.add(f"{what}: CPU of a look", milliseconds(median(cpus)))
    report.add(f"{what}: CPU of judging in it", milliseconds(median(judging)))
    share = median(cpus) / INTERVAL_SECONDS
    met = share <= MOST_CPU
    report.add(
        f"{what}: CPU at a look every {INTERVAL_SECONDS:.0f} s", f"{share:.1%} of a core", f"≤ {MOST_CPU:.0%}", met
    )
    report.add(f"{what}: memory for it", f"{memory_mib() - before:.1f} MiB")
    met = memory_mib() <= MOST_MEMORY_MIB
    report.add(f"{what}: RSS of the process", f"{memory_mib():.0f} MiB", f"≤ {MOST_MEMORY_MIB:.0f} MiB", met)
    for prober in probers:
        await prober.close()


async def everything(
    probers: Sequence[Prober], meshes: Sequence[Sequence[Member]]
) -> tuple[list[dict], list[frozenset]]:
    looks = (look_and_listen(prober, mesh) for prober, mesh in zip(probers, meshes, strict=True))
    found = await asyncio.gather(*looks)
    return [answers for answers, _ in found], [unheard for _, unheard in found]


async def look_and_listen(prober: Prober, mesh: Sequence[Member]) -> tuple[dict, frozenset]:
    answers = await prober.look(mesh)
    return answers, await prober.listen(mesh, answers)


def silent(answers: list[dict]) -> int:
    return sum(not isinstance(item, Answer) for said in answers for item in said.values())


async def seconds_of(prober: Prober, members: Sequence[Member]) -> float:
    started = time.perf_counter()
    await look_and_listen(prober, members)
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
    node.names, node.up_seconds = seen, 3600
    return node


def raise_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__" and sys.argv[1:2] == ["serve"]:
    raise_limit()
    asyncio.run(pretend(int(sys.argv[2]), int(sys.argv[3])))
