"""How long one waits for `kubectl elixir`: until it begins, and until it has answered."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from elixircluster.plugin.cli import COMMANDS
from tests.cluster import binary
from tests.faults.process import ROOT

from .bench import Bench, Report, milliseconds

TIMES = 15
START_SECONDS = 0.2
PLUGIN = (sys.executable, "-c", "from elixircluster.plugin.cli import run; run()")


class Wait(NamedTuple):
    """Seconds, the medians: on the clock, and of a processor."""

    clock: float
    processor: float


def run(bench: Bench) -> Report:
    result = Report()
    starts = {name: waited(bench, [*PLUGIN, name, "--help"]) for name in COMMANDS}
    slowest = max(starts, key=lambda name: starts[name].processor)
    longest = starts[slowest].clock
    result.add(f"start-up of `{slowest}`, median", milliseconds(longest), "≤ 200 ms", longest <= START_SECONDS)
    result.add("processor time of it, the most of any command", milliseconds(starts[slowest].processor))
    for what, command in (
        ("`kubectl elixir status`", [*PLUGIN, "status"]),
        ("`kubectl get elixirclusters`", ["kubectl", "get", "elixirclusters"]),
    ):
        wait = waited(bench, command)
        result.add(f"{what}, median", milliseconds(wait.clock))
        result.add(f"{what}, processor time", milliseconds(wait.processor))
    result.notes.append(f"{TIMES} times each; start-up is `--help`, for which every module of the command is loaded.")
    return result


def waited(bench: Bench, command: Sequence[str]) -> Wait:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "operator"),
        "KUBECONFIG": str(bench.kubeconfig),
        "PATH": f"{binary('kubectl').parent}{os.pathsep}{os.environ['PATH']}",
    }
    clock, processor = [], []
    for _number in range(TIMES):
        started, used = time.perf_counter(), processor_time()
        subprocess.run(command, env=environment, capture_output=True, check=True)
        clock.append(time.perf_counter() - started)
        processor.append(processor_time() - used)
    return Wait(median(clock), median(processor))


def processor_time() -> float:
    """Of all programs that have run and ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
