"""`python -m tests.suites`: every suite that needs a Kubernetes, two side by side, each on a cluster of its own.

Much of a suite's time is spent waiting for a Kubernetes, so two cores carry two. What a suite printed is in
`.suites/NAME.log`; of those that failed the end is shown. `prepare` builds the programs and images that they need.

Where a few tests of a suite fail, these have a second try, on a new cluster. What passes then is told all the same,
with how it failed: one of so many real nodes on two busy cores may be late, and a defect may be rare.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest

from tests.cluster.console import say
from tests.images import IMAGES
from tests.patience import VARIABLE

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / ".suites"
PROGRAMS_OF_TESTS = ("kube", "coredns", "helm", "apiserver")
SLOWEST = 25
TELL_SECONDS = 15.0
SIDE_BY_SIDE = 2
"""With more, two cores have so much to do that a node takes a minute to boot."""
PATIENCE = {VARIABLE: str(SIDE_BY_SIDE)}
LONGEST_SECONDS = 900
"""Of a test that says nothing of it."""
MOST_BY_CHANCE = 5
"""Where more tests of a suite fail, there is nothing to find out by a second try."""

COLLECTED = re.compile(r"collected (\d+) items?(?: / (\d+) deselected)?")
ENDED = re.compile(r"(?:^|\s)(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b.*\[\s*\d+%\]$")


@dataclass
class Suite:
    """Tests that share a cluster, run by one pytest."""

    name: str
    paths: tuple[str, ...]
    total: int = 0
    done: int = 0
    failures: list[str] = field(default_factory=list)
    passed: bool | None = None

    @property
    def log(self) -> Path:
        return LOGS / f"{self.name}.log"

    @property
    def second_log(self) -> Path:
        return LOGS / f"{self.name}-again.log"

    @property
    def results(self) -> Path:
        return LOGS / f"{self.name}.xml"

    def run(self) -> None:
        """Run it to its end, counting what it tells, and once more what failed of it."""
        self.second_log.unlink(missing_ok=True)
        status = self._pytest(self.log, "--cache-clear", "--junitxml", str(self.results))
        if status == pytest.ExitCode.TESTS_FAILED and len(self.failures) <= MOST_BY_CHANCE:
            say(f"{self.name}: {len(self.failures)} once more")
            status = self._pytest(self.second_log, "--last-failed", "--last-failed-no-failures", "none")
        self.passed = status == pytest.ExitCode.OK

    def _pytest(self, log: Path, *arguments: str) -> int:
        command = [sys.executable, "-u", "-m", "pytest", "-v", "--color=no", "--timeout", str(LONGEST_SECONDS)]
        command += ["-o", f"cache_dir={LOGS / self.name}", *arguments, *self.paths]
        with (
            log.open("w") as told,
            subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **PATIENCE},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as process,
        ):
            assert process.stdout
            self.done = 0
            for line in process.stdout:
                told.write(line)
                told.flush()
                self._count(line.rstrip())
        return process.returncode

    def _count(self, line: str) -> None:
        if found := COLLECTED.search(line):
            self.total = int(found[1]) - int(found[2] or 0)
        elif found := ENDED.search(line):
            self.done += 1
            if found[1] in {"FAILED", "ERROR"}:
                self.failures.append(line)
                say(f"{self.name}: {line}")

    def told(self) -> str:
        """How far it is."""
        if self.passed is None:
            return f"{self.name} {self.done} of {self.total or '…'}"
        if not self.passed:
            return f"{self.name} FAILED"
        return f"{self.name} passed" + (f" ({len(self.failures)} AT THE SECOND TRY)" if self.failures else "")


def suites() -> list[Suite]:
    """The longest first: they begin first."""
    return [
        Suite("e2e", ("tests/e2e",)),
        Suite("integration", ("tests/integration",)),
        Suite("faults", ("tests/faults",)),
        Suite("matrix", ("tests/matrix",)),
        Suite("machines", ("tests/machines",)),
    ]


def ticks() -> tuple[int, int]:
    """Since the machine's start: of work, and in all."""
    fields = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


@dataclass
class Machine:
    """How busy it was meanwhile: what more than its cores would have to do is time that tests wait for it."""

    began: float = field(default_factory=time.monotonic)
    before: tuple[int, int] = field(default_factory=ticks)

    def told(self) -> str:
        busy, everything = (now - then for now, then in zip(ticks(), self.before, strict=True))
        seconds = time.monotonic() - self.began
        return (
            f"{seconds // 60:.0f} min {seconds % 60:.0f} s, {os.cpu_count()} cores busy {100 * busy / everything:.0f} %"
        )


def slowest(chosen: Sequence[Suite]) -> list[str]:
    """The tests that took longest, with what was set up and taken down for them."""
    cases = [
        (float(case.get("time", 0)), f"{suite.name} {case.get('classname', '').rpartition('.')[2]}::{case.get('name')}")
        for suite in chosen
        if suite.results.exists()
        for case in ElementTree.parse(suite.results).iter("testcase")
    ]
    return [f"{seconds:7.1f} s  {name}" for seconds, name in sorted(cases, reverse=True)[:SLOWEST]]


def last_words(log: Path) -> str:
    """What pytest says of what failed, from its own heading on; all of it where there is none."""
    text = log.read_text()
    headings = [text.find(f"= {heading} =") for heading in ("ERRORS", "FAILURES")]
    return text[max(0, min((place for place in headings if place >= 0), default=0)) :]


@click.group()
def main() -> None:
    """The tests that need a Kubernetes."""


@main.command()
def prepare() -> None:
    """Build programs and images, at once: compilers wait for a processor, and images for packages."""
    programs = [[sys.executable, "-m", "tests.cluster", "binary", name] for name in PROGRAMS_OF_TESTS]
    # A Debian that moves is for campaigns.
    wanted = [name for name, image in IMAGES.items() if not image.suite.moves]
    images = [[sys.executable, "-m", "tests.images", "build", name] for name in wanted]
    with ThreadPoolExecutor() as pool:
        sys.exit(any(pool.map(in_turn, (programs, images))))


def in_turn(commands: Sequence[Sequence[str]]) -> int:
    """Run one after the other until one fails. Returns its exit status."""
    for command in commands:
        if status := subprocess.run(command, stdout=subprocess.DEVNULL, cwd=ROOT, check=False).returncode:
            say(f"failed: {' '.join(command[1:])}")
            return status
    return 0


@main.command()
@click.argument("names", nargs=-1)
def run(names: tuple[str, ...]) -> None:
    """Run the suites called NAMES, or all of them. The exit status is 1 where one failed."""
    LOGS.mkdir(exist_ok=True)
    chosen = [suite for suite in suites() if not names or suite.name in names]
    machine = Machine()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        running = {pool.submit(suite.run) for suite in chosen}
        while running:
            _, running = wait(running, TELL_SECONDS)
            say(", ".join(suite.told() for suite in chosen) + f"; {machine.told()}")
    for log in [log for suite in chosen if suite.failures or not suite.passed for log in (suite.log, suite.second_log)]:
        if log.exists():
            print(f"\n######## {log.stem}\n{last_words(log)}")
    print("\nthe slowest tests:", *slowest(chosen), sep="\n")
    print(f"\n{', '.join(suite.told() for suite in chosen)}; {machine.told()}")
    sys.exit(not all(suite.passed for suite in chosen))


if __name__ == "__main__":
    main()
