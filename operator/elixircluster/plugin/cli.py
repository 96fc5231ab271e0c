"""`kubectl elixir`: the group. A command's module is loaded when it is used, so that the others cost nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module

import click
from click.shell_completion import ShellComplete

from elixircluster.plugin.target import PluginCommand, target_options, wrong_usage

PROGRAM = "kubectl elixir"

COMMANDS: Mapping[str, str] = {
    "status": "elixircluster.plugin.status",
    "doctor": "elixircluster.doctor.command",
    "mesh": "elixircluster.plugin.mesh",
    "console": "elixircluster.plugin.remote",
    "rpc": "elixircluster.plugin.remote",
    "observer": "elixircluster.plugin.observer",
    "logs": "elixircluster.plugin.logs",
    "events": "elixircluster.plugin.events",
    "rollout": "elixircluster.plugin.revisions",
    "history": "elixircluster.plugin.revisions",
    "rollback": "elixircluster.plugin.revisions",
    "promote": "elixircluster.plugin.revisions",
    "retry": "elixircluster.plugin.changes",
    "restart": "elixircluster.plugin.changes",
    "pause": "elixircluster.plugin.changes",
    "resume": "elixircluster.plugin.changes",
    "rotate-cookie": "elixircluster.plugin.changes",
}
"""Where each command is defined, as a function of its name with `_` for `-`."""


class Commands(PluginCommand, click.Group):
    """A group that knows where its commands are."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, loaded."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), cmd_name.replace("-", "_"))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant. Raises `WrongUsage`."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise wrong_usage(error, ctx) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@target_options
def main() -> None:
    """See, ask and steer the BEAM clusters of ElixirCluster resources, with your own kubectl."""


def run() -> None:
    """The program `kubectl-elixir`."""
    main(prog_name=PROGRAM)


def complete() -> None:
    """The program `kubectl_complete-elixir`, which kubectl asks: a word a line, and at last that no files are meant."""
    *before, begun = sys.argv[1:] or [""]
    for item in ShellComplete(main, {}, PROGRAM, "").get_completions(before, begun):
        click.echo(item.value)
    click.echo(":4")
