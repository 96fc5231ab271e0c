"""RESULTS.md: a section per benchmark, each as its last run left it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.process import ROOT

from .bench import Report

FILE = ROOT / "benchmarks" / "RESULTS.md"
HEAD = """# Results

Each section is what `python -m benchmarks NAME` printed when it was last run; it makes a Kubernetes of its own, or
uses the one that `KUBECONFIG` and `ELIXIRCLUSTER_TEST_CONTEXT` name. API server, etcd, controllers, operator and client
share the machine, so ratios between two sides of one run tell more than times.
"""


def show(name: str, report: Report) -> None:
    table = Table("figure", "value", "target", "", title=name, title_justify="left")
    for row in report.rows:
        table.add_row(row.what, row.value, row.target, verdict(row.met))
    console = Console()
    console.print(table)
    for note in report.notes:
        console.print(note)


def store(name: str, report: Report) -> None:
    """Put the section in place of the one before."""
    sections = read()
    sections[name] = section(name, report)
    FILE.write_text(HEAD + "".join(f"\n## {key}\n\n{text}" for key, text in sorted(sections.items())))


def read() -> dict[str, str]:
    if not FILE.exists():
        return {}
    parts = re.split(r"^## ([\w-]+)\n\n", FILE.read_text(), flags=re.MULTILINE)[1:]
    return {name: text.rstrip("\n") + "\n" for name, text in zip(parts[::2], parts[1::2], strict=True)}


def section(name: str, report: Report) -> str:
    lines = ["| figure | value | target | |", "| --- | --- | --- | --- |"]
    lines += [f"| {row.what} | {row.value} | {row.target} | {verdict(row.met)} |" for row in report.rows]
    about = f"`python -m benchmarks {name}`, {datetime.now(UTC):%Y-%m-%d}, revision {revision()}, {machine()}."
    return "\n".join([*lines, "", " ".join([*report.notes, about])]) + "\n"


def verdict(met: bool | None) -> str:
    return "" if met is None else "met" if met else "**missed**"


def revision() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, Linux {platform.release().partition('-')[0]}, Python "
        f"{platform.python_version()}, load {load[0]:.1f} over the last minute and {load[2]:.1f} over 15"
    )
