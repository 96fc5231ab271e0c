"""python -m benchmarks NAME|all"""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable

import click

from tests.cluster import get, up
from tests.faults.process import ROOT

from . import burst, connect, create, drift, neighbours, rendering
from .bench import Bench, Report
from .results import show, store

BENCHMARKS: dict[str, Callable[[Bench], Report | Awaitable[Report]]] = {
    "render": rendering.run,
    "create": create.run,
    "burst": burst.run,
    "idle": burst.run_idle,
    "drift": drift.run,
    "neighbours": neighbours.run,
    "connect": connect.run,
}


@click.command()
@click.argument("names", nargs=-1, required=True, type=click.Choice([*BENCHMARKS, "all"]))
@click.option("--cluster", default="bench", show_default=True, help="Which test cluster; made where there is none.")
@click.option("--store/--no-store", "keep", default=True, help="Whether RESULTS.md is written.")
@click.option("--inside", is_flag=True, hidden=True)
def main(names: tuple[str, ...], cluster: str, keep: bool, inside: bool) -> None:
    """Run benchmarks on a real Kubernetes, and keep their figures in benchmarks/RESULTS.md."""
    if not inside:
        sys.exit(enter(cluster))
    bench = Bench(get(cluster))
    bench.prepare()
    for name in BENCHMARKS if "all" in names else names:
        found = BENCHMARKS[name](bench)
        report = found if isinstance(found, Report) else asyncio.run(awaited(found))
        show(name, report)
        if keep:
            store(name, report)


async def awaited(report: Awaitable[Report]) -> Report:
    assert inspect.isawaitable(report)
    return await report


def enter(name: str) -> int:
    """The same again inside of the cluster's network, so that no forwarder is measured."""
    cluster = up(name)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "operator"), str(ROOT)])}
    again = [sys.executable, "-m", "benchmarks", *sys.argv[1:], "--inside"]
    return subprocess.call(cluster.run_inside(again), env=environment, cwd=ROOT)


main(prog_name="python -m benchmarks")
