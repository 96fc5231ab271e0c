"""`kubectl elixir doctor`: why the nodes of a resource do not connect."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from elixircluster.doctor import report
from elixircluster.doctor.checks import ALL
from elixircluster.doctor.finding import examine
from elixircluster.doctor.gather import gather
from elixircluster.plugin import resources, terminal
from elixircluster.plugin.kubectl import Kubectl, KubectlError
from elixircluster.plugin.target import PluginCommand, output_option, target


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@output_option
@target
def doctor(kubectl: Kubectl, name: str, output: str | None) -> None:
    """Why nodes do not connect: cause, evidence, and what to do.

    Looks into the pods with kubectl exec, and from a pod of its own that it removes again. Exit status: 0 where nothing
    is wrong, 1 where a cause was found, 2 where it could not be examined.
    """
    try:
        with _progress() as step:
            facts = gather(kubectl, name, step)
    except KubectlError as error:
        error.show()
        sys.exit(report.NOT_EXAMINED)
    findings = examine(facts, ALL)
    if output:
        terminal.show_value(report.as_json(facts, findings), output)
    else:
        terminal.show(*report.report(facts, findings))
    sys.exit(report.exit_status(facts, findings))


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A function that tells the step; on a terminal a spinner turns beside it."""
    screen = terminal.console(error=True)
    if not screen.is_terminal:
        yield lambda _: None
        return
    with screen.status("") as status:
        yield status.update
