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

from . import (
    burst,
    connect,
    create,
    dns_away,
    drift,
    mesh,
    neighbours,
    partitions,
    plugin,
    rendering,
    restart,
    rotate,
    watching,
)
from .bench import Bench, Report
from .results import show, store

BENCHMARKS: dict[str, Callable[[Bench], Report | Awaitable[Report]]] = {
    "render": rendering.run,
    "create": create.run,
    "burst": burst.run,
    "idle": burst.run_idle,
    "restart": restart.run,
    "drift": drift.run,
    "neighbours": neighbours.run,
    "connect": connect.run,
    "plugin": plugin.run,
    "dns-away": dns_away.run,
    "rotate": rotate.run,
    "partitions": partitions.run,
}
ALONE = {"mesh": mesh.run, "watching": watching.run}
"""Those that need no Kubernetes."""


@click.command()
@click.argument("names", nargs=-1, required=True, type=click.Choice([*BENCHMARKS, *ALONE, "all"]))
@click.option("--cluster", default="bench", show_default=True, help="Which test cluster; made where there is none.")
@click.option("--store/--no-store", "keep", default=True, help="Whether RESULTS.md is written.")
@click.option("--inside", is_flag=True, hidden=True)
def main(names: tuple[str, ...], cluster: str, keep: bool, inside: bool) -> None:
    """Run benchmarks on a real Kubernetes, and keep their figures in benchmarks/RESULTS.md."""
    wanted = [*BENCHMARKS, *ALONE] if "all" in names else list(names)
    if not inside:
        sys.exit(max(alone(name, keep) if name in ALONE else enter(cluster, name, keep) for name in wanted))
    bench = Bench(get(cluster))
    bench.prepare()
    for name in wanted:
        found = BENCHMARKS[name](bench)
        tell(name, found if isinstance(found, Report) else asyncio.run(awaited(found)), keep)


def tell(name: str, report: Report, keep: bool) -> None:
    show(name, report)
    if keep:
        store(name, report)


def alone(name: str, keep: bool) -> int:
    tell(name, ALONE[name](), keep)
    return 0


async def awaited(report: Awaitable[Report]) -> Report:
    assert inspect.isawaitable(report)
    return await report


def enter(cluster: str, name: str, keep: bool) -> int:
    """One benchmark, in a new cluster and inside of its network, so that no forwarder is measured."""
    get(cluster).down()
    there = up(cluster)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "operator"), str(ROOT)])}
    again = [sys.executable, "-m", "benchmarks", name, "--cluster", cluster, "--inside"]
    try:
        return subprocess.call(
            there.run_inside([*again, "--store" if keep else "--no-store"]), env=environment, cwd=ROOT
        )
    finally:
        there.down()


main(prog_name="python -m benchmarks")
