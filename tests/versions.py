"""`python -m tests.versions`: the operator on each minor of Kubernetes that there is a build of, one after the other.

A campaign of hours: each build compiles for ten minutes, and each minor runs the integration tests and the core of
those that install the operator by its chart. What is told as supported is what passed here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import click
from rich.table import Table

from tests.cluster import VERSION_VARIABLE
from tests.cluster.build import KUBERNETES, binary, kubernetes_minors, newest_kubernetes
from tests.cluster.console import console, say
from tests.cluster.provider import choose
from tests.suites import LOGS, Suite

INTEGRATION = ("api", "deploy", "mesh", "operator")
CORE = ("examples", "nodes", "mesh", "runtimes", "updates", "shutdown", "operator", "cookie", "deletion", "rights")
CLUSTERS = ("test", "e2e")
ETCD, COBRA = "go.etcd.io/etcd/server/v3", "github.com/spf13/cobra"


@click.group()
def main() -> None:
    """Other minors of Kubernetes than the newest."""


@main.command()
@click.argument("version")
def modules(version: str) -> None:
    """Write go.mod and go.sum of Kubernetes VERSION (1.34.4), which replace those of its minor."""
    folder = KUBERNETES / version.rpartition(".")[0]
    folder.mkdir(exist_ok=True)
    (folder / "go.mod").write_text(requirements(version, Path(published(version)).read_text()))
    subprocess.run(["go", "mod", "tidy", f"-modfile={folder.name}/go.mod"], cwd=KUBERNETES, check=True)


def published(version: str) -> str:
    """Where Go keeps the go.mod that Kubernetes was published with."""
    listing = subprocess.run(
        ["go", "list", "-m", "-mod=mod", "-f", "{{.GoMod}}", f"k8s.io/kubernetes@v{version}"],
        cwd=KUBERNETES,
        check=True,
        capture_output=True,
        text=True,
    )
    return listing.stdout.strip()


def requirements(version: str, of_kubernetes: str) -> str:
    """A go.mod that builds it from published modules: in its own, the staged ones are folders beside it."""
    staged = re.findall(r"^\s*(?:replace )?(\S+) => \./staging/", of_kubernetes, re.M)
    known = dict(re.findall(r"^\s*(\S+) (v\S+)", of_kubernetes, re.M))
    found = re.search(r"^go (\S+)$", of_kubernetes, re.M)
    if not staged or found is None:
        raise ValueError(f"the go.mod of Kubernetes {version} has another form than that which is known here")
    of_staged = f"v0.{version.partition('.')[2]}"
    needed = {COBRA: known[COBRA], ETCD: known[ETCD], "k8s.io/component-base": of_staged}
    lines = [f"\t{name} {wanted}" for name, wanted in {**needed, "k8s.io/kubernetes": f"v{version}"}.items()]
    replaced = [f"\t{name} => {name} {of_staged}" for name in staged]
    blocks = [["require (", *lines, ")"], ["replace (", *replaced, ")"]]
    head = f"module elixircluster.dev/test/kube\n\ngo {found[1]}\n"
    return "\n".join([head, *("\n".join(block) + "\n" for block in blocks)])


@main.command("run")
@click.argument("minors", nargs=-1)
def run_all(minors: tuple[str, ...]) -> None:
    """Run on MINORS, or on all. The exit status is 1 where a test failed."""
    LOGS.mkdir(exist_ok=True)
    table = Table("Kubernetes", "suite", "passed", "failed", "skipped", "minutes", box=None)
    failed = False
    for minor in minors or kubernetes_minors():
        for suite in on(minor):
            failed |= bool(suite.status)
            table.add_row(minor, suite.name, *counted(suite))
    console.print(table)
    sys.exit(failed)


def on(minor: str) -> list[Suite]:
    """Both suites, done on a minor, with clusters of their own that are down before and after."""
    say(f"Kubernetes {minor}")
    binary("kube" if minor == newest_kubernetes() else f"kube-{minor}")
    os.environ[VERSION_VARIABLE] = minor
    suites = [
        Suite(f"integration-{minor}", tuple(f"tests/integration/{folder}" for folder in INTEGRATION)),
        Suite(f"e2e-{minor}", tuple(f"tests/e2e/test_{name}.py" for name in CORE)),
    ]
    for suite in suites:
        take_down()
        suite.run()
    take_down()
    return suites


def take_down() -> None:
    for name in CLUSTERS:
        choose(name).down()


def counted(suite: Suite) -> list[str]:
    """How many passed, failed and were skipped, and how long they took."""
    totals = ElementTree.parse(suite.results).getroot().find("testsuite")
    assert totals is not None
    tests, *others = (int(totals.get(key, 0)) for key in ("tests", "failures", "errors", "skipped"))
    failures, errors, skipped = others
    minutes = float(totals.get("time", 0)) / 60
    return [str(tests - sum(others)), str(failures + errors), str(skipped), f"{minutes:.0f}"]


if __name__ == "__main__":
    main()
