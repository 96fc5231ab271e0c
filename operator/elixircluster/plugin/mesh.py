"""`kubectl elixir mesh`: who sees whom, as a table, live, or as a picture."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from elixircluster.plugin import resources, terminal
from elixircluster.plugin.kubectl import Kubectl, KubectlError
from elixircluster.plugin.matrix import Matrix, Sight, matrix
from elixircluster.plugin.picture import picture
from elixircluster.plugin.plain import plain_line
from elixircluster.plugin.resources import Object, condition, ordinal
from elixircluster.plugin.status import colour_of
from elixircluster.plugin.target import PluginCommand, WrongUsage, output_option, target
from elixircluster.plugin.terminal import BAD, BUSY, GOOD, ISLANDS, UNKNOWN

COLOURS = {Sight.SELF: UNKNOWN, Sight.SEES: GOOD, Sight.MISSES: BAD, Sight.UNKNOWN: BUSY}
MOST_SHOWN = 60
"""Nodes that a table in a terminal takes; of more it shows those that are not like most."""


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@click.option("--svg", type=click.File("w"), help="Write a picture to this file; - is standard output.")
@click.option("-w", "--watch", is_flag=True, help="Go on showing it as it changes.")
@output_option
@target
def mesh(kubectl: Kubectl, name: str, svg: TextIO | None, watch: bool, output: str | None) -> None:
    """Who sees whom."""
    if sum(map(bool, (svg, watch, output))) > 1:
        raise WrongUsage("--svg, --watch and --output exclude each other", click.get_current_context())
    body = resources.one(kubectl, name)
    if output:
        terminal.show_value(as_json(body), output)
    elif svg:
        svg.write(picture(headline(body), matrix(body)))
    elif watch:
        with contextlib.suppress(KeyboardInterrupt):
            follow(kubectl, body)
    else:
        terminal.show(*drawing(body))


def follow(kubectl: Kubectl, body: Object) -> None:
    """Show the mesh until the user has seen enough, or the resource is gone."""
    screen, name = terminal.console(), body["metadata"]["name"]
    with Live(Group(*drawing(body)), console=screen, auto_refresh=False) as live:
        for seen in kubectl.watch(resources.KIND, name):
            live.update(Group(*drawing(seen)), refresh=True)
    raise KubectlError(f"{name} was deleted")


def as_json(body: Object) -> dict[str, Any]:
    """What `mesh` shows, for programs."""
    found, said = matrix(body), condition(body, "Clustered")
    return {
        "namespace": body["metadata"]["namespace"],
        "name": body["metadata"]["name"],
        "clustered": said.get("status", "Unknown"),
        "reason": said.get("reason", ""),
        "message": said.get("message", ""),
        "nodes": [{"pod": pod, "island": found.islands.get(pod), **_sights(found, pod)} for pod in found.pods],
    }


def _sights(found: Matrix, pod: str) -> Mapping[str, Sequence[str]]:
    row = found.rows[pod]
    kinds = {"sees": Sight.SEES, "misses": Sight.MISSES, "unknown": Sight.UNKNOWN}
    return {kind: [other for other in found.pods if row[other] is sight] for kind, sight in kinds.items()}


def headline(body: Object) -> str:
    """What the operator says of the mesh, in a line."""
    said = condition(body, "Clustered")
    words = said.get("message") or said.get("reason") or "the operator has not looked at it"
    return f"{body['metadata']['name']}: {plain_line(words)}"


def drawing(body: Object) -> Iterator[RenderableType]:
    """The table, and a line that says what it means."""
    found = matrix(body)
    yield Text(headline(body), colour_of(body))
    if not found.pods:
        return
    yield ""
    shown = worth_showing(found)
    yield grid(found, shown)
    if len(shown) < len(found.pods):
        yield Text(f"{len(found.pods) - len(shown)} more nodes are like most", UNKNOWN)
    if found.split:
        yield ""
        yield from islands(found)


def worth_showing(found: Matrix) -> Sequence[str]:
    """The pods for the table: all, or of very many those with a gap."""
    if len(found.pods) <= MOST_SHOWN:
        return found.pods
    odd = {Sight.MISSES, Sight.UNKNOWN}
    return [pod for pod in found.pods if odd & set(found.rows[pod].values())][:MOST_SHOWN]


def grid(found: Matrix, shown: Sequence[str]) -> Table:
    """Rows see columns."""
    result = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    result.add_column("SEES →", no_wrap=True)
    for other in shown:
        result.add_column(Text(str(ordinal(other)), island_colour(found, other)), justify="center", no_wrap=True)
    for pod in shown:
        marks = (Text(said.value, COLOURS[said]) for said in (found.rows[pod][other] for other in shown))
        result.add_row(Text(pod, island_colour(found, pod)), *marks)
    return result


def islands(found: Matrix) -> Iterator[Text]:
    """A line for each island."""
    for number in sorted(set(found.islands.values())):
        members = [pod for pod in found.pods if found.islands.get(pod) == number]
        yield Text(f"island {number + 1}: {', '.join(members)}", ISLANDS[number % len(ISLANDS)])


def island_colour(found: Matrix, pod: str) -> str:
    """The colour of a pod's island, where there are several."""
    if pod not in found.islands:
        return UNKNOWN
    return ISLANDS[found.islands[pod] % len(ISLANDS)] if found.split else ""
