"""How long one waits for `kubectl elixir`: until it begins, and until it has answered."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median

from elixircluster.plugin.cli import COMMANDS
from tests.cluster import binary
from tests.faults.process import ROOT

from .bench import Bench, Report, milliseconds

TIMES = 15
START_SECONDS = 0.2
PLUGIN = (sys.executable, "-c", "from elixircluster.plugin.cli import run; run()")


def run(bench: Bench) -> Report:
    result = Report()
    starts = {name: waited(bench, [*PLUGIN, name, "--help"]) for name in COMMANDS}
    slowest = max(starts, key=lambda name: starts[name])
    met = starts[slowest] <= START_SECONDS
    result.add(f"start-up of the slowest command ({slowest}), median", milliseconds(starts[slowest]), "≤ 200 ms", met)
    result.add("start-up of `status`, median", milliseconds(starts["status"]))
    bare = waited(bench, ["kubectl", "get", "elixirclusters"])
    result.add("`kubectl elixir status`, median", milliseconds(waited(bench, [*PLUGIN, "status"])))
    result.add("`kubectl get elixirclusters`, median", milliseconds(bare))
    result.notes.append(f"{TIMES} times each; start-up is `--help`, for which every module of the command is loaded.")
    return result


def waited(bench: Bench, command: Sequence[str]) -> float:
    """Seconds, the median."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "operator"),
        "KUBECONFIG": str(bench.kubeconfig),
        "PATH": f"{binary('kubectl').parent}{os.pathsep}{os.environ['PATH']}",
    }
    samples = []
    for _number in range(TIMES):
        started = time.perf_counter()
        subprocess.run(command, env=environment, capture_output=True, check=True)
        samples.append(time.perf_counter() - started)
    return median(samples)
