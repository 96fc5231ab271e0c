"""The command line: python -m tests.cluster …"""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
from rich.table import Table

from . import binary, get, images, up
from .build import kubernetes_minors
from .console import console, say
from .layout import NETWORKS
from .provider import choose, known_names
from .state import read_state

EXPECTED_ERRORS = (RuntimeError, OSError, ValueError, LookupError, subprocess.CalledProcessError)

named = click.option("--name", default="test", show_default=True, help="Which cluster.")


def plain_errors(command: Callable[..., None]) -> Callable[..., None]:
    """What went wrong in one line: a traceback tells a user nothing."""

    @functools.wraps(command)
    def wrapped(**options: object) -> None:
        try:
            command(**options)
        except EXPECTED_ERRORS as error:
            raise click.ClickException(str(error)) from error

    return wrapped


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A real Kubernetes to test on: yours, kind's, or one built here from Go modules."""


@main.command("up")
@named
@click.option("--dns-ttl", default=30, show_default=True, help="Seconds that DNS answers are kept for.")
@click.option(
    "--ip-family", type=click.Choice(sorted(NETWORKS)), default="IPv4", show_default=True, help="Of everything."
)
@click.option("--nodes", default=1, show_default=True, help="How many machines.")
@click.option("--kubernetes", type=click.Choice(kubernetes_minors()), help="Which minor; by default the newest.")
@plain_errors
def up_command(name: str, dns_ttl: int, ip_family: str, nodes: int, kubernetes: str | None) -> None:
    """Bring a cluster up and print the path of its kubeconfig."""
    click.echo(up(name, dns_ttl, ip_family, nodes, kubernetes).kubeconfig)


@main.command()
@named
@click.option("--all", "every", is_flag=True, help="All clusters, also unfinished ones.")
@plain_errors
def down(name: str, every: bool) -> None:
    """Remove a cluster; nothing of it is left."""
    for each in known_names() if every else [name]:
        choose(each).down()
        say(f"cluster {each} is down")


@main.command()
@named
@click.option("--node", "nodes", multiple=True, help="Only this one; may be repeated.")
@click.argument("archives", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@plain_errors
def load(name: str, nodes: tuple[str, ...], archives: tuple[Path, ...]) -> None:
    """Load images from OCI or Docker archives."""
    get(name).load(*archives, nodes=nodes or None)


@main.command()
@named
@plain_errors
def status(name: str) -> None:
    """Show the clusters that are there, and the components of the named one."""
    table = Table("cluster", "provider", "DNS TTL", "kubeconfig", box=None)
    for each in known_names():
        provider = choose(each)
        state = read_state(provider.layout)
        made_by = provider.kind if state else f"{provider.kind}, unfinished"
        table.add_row(each, made_by, str(state.get("dns_ttl", "")), str(provider.kubeconfig))
    console.print(table)
    parts = choose(name).parts()
    if not parts:
        raise RuntimeError(f"nothing of cluster {name} runs here")
    for part, how in parts.items():
        click.echo(f"{part}\t{how}")


@main.command()
@named
@click.argument("component")
@click.option("-f", "--follow", is_flag=True)
@plain_errors
def logs(name: str, component: str, follow: bool) -> None:
    """Print the log of a component (`status` lists them)."""
    file = choose(name).log(component)
    if not file.exists():
        raise LookupError(f"{file}: no such log")
    sys.exit(subprocess.call(["tail", "-n", "+1", *(["-f"] if follow else []), str(file)]))


@main.command("binary")
@click.argument("program")
@plain_errors
def binary_command(program: str) -> None:
    """Print the path of a program (helm, kwok, kubectl …), built now if need be."""
    click.echo(binary(program))


@main.command()
@named
@plain_errors
def busybox(name: str) -> None:
    """Load the image localhost/busybox:test."""
    get(name).load(images.busybox())


@main.group()
def fault() -> None:
    """Break something, or mend it. A pod is NAME or NAMESPACE/NAME."""


@fault.command()
@named
@click.argument("left")
@click.argument("right")
@plain_errors
def partition(name: str, left: str, right: str) -> None:
    """Cut two pods (names or addresses) from each other."""
    get(name).fault.partition(left, right)


def _simple(command: str, help_text: str) -> None:
    @named
    @plain_errors
    def run(name: str) -> None:
        getattr(get(name).fault, command.replace("-", "_"))()

    fault.command(command, help=help_text)(run)


def _on(target: str, command: str, help_text: str) -> None:
    @named
    @click.argument("target", metavar=target)
    @plain_errors
    def run(name: str, target: str) -> None:
        getattr(get(name).fault, command.replace("-", "_"))(target)

    fault.command(command, help=help_text)(run)


_simple("heal", "Undo every partition.")
_simple("dns-stop", "Stop CoreDNS.")
_simple("dns-start", "Start CoreDNS.")
_simple("api-stop", "Kill the API server.")
_simple("api-start", "Start the API server.")
_on("POD", "freeze", "Stop every process of a pod.")
_on("POD", "thaw", "Let a frozen pod go on.")
_on("NODE", "machine-cut", "Cut a machine off from all others.")
_on("NODE", "machine-kill", "Take a machine's power away.")
_on("NODE", "machine-freeze", "Stop every process of a machine.")
_on("NODE", "machine-back", "End a machine's outage.")
