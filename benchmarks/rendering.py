"""How long it takes to render one resource: in the operator, and as a command."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from statistics import median

import yaml

from elixircluster.api.resource import parse
from elixircluster.render.objects import render
from elixircluster.render.templates import Templates
from tests.faults.process import ROOT

from .bench import Bench, Report, milliseconds, percentile, resource

TIMES = 500
COMMANDS = 15


def run(_: Bench) -> Report:
    body = resource("chat", "default")
    templates = Templates()
    render(parse(body), templates, "identity")
    samples = []
    for _number in range(TIMES):
        started = time.perf_counter()
        render(parse(body), templates, "identity")
        samples.append(time.perf_counter() - started)
    result = Report()
    result.add("parse and render one resource, p50", milliseconds(median(samples)))
    result.add("parse and render one resource, p99", milliseconds(percentile(samples, 0.99)))
    result.add("`elixircluster render` as a command, median", milliseconds(median(commands(yaml.safe_dump(body)))))
    result.notes.append(f"{TIMES} renderings, {COMMANDS} commands.")
    return result


def commands(text: str) -> list[float]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "operator")}
    command = [sys.executable, "-m", "elixircluster", "render", "-f", "-"]
    samples = []
    for _number in range(COMMANDS):
        started = time.perf_counter()
        subprocess.run(command, input=text, text=True, capture_output=True, check=True, env=environment)
        samples.append(time.perf_counter() - started)
    return samples
