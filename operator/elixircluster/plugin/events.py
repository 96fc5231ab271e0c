"""`kubectl elixir events`: what was told of a resource, its StatefulSet and its pods, the oldest first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import click
from rich.text import Text

from elixircluster.plugin import resources, terminal
from elixircluster.plugin.kubectl import Kubectl
from elixircluster.plugin.plain import plain_line
from elixircluster.plugin.resources import Object
from elixircluster.plugin.status import age
from elixircluster.plugin.target import PluginCommand, output_option, target
from elixircluster.plugin.terminal import BAD


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@output_option
@target
def events(kubectl: Kubectl, name: str, output: str | None) -> None:
    """What happened to a cluster and its pods."""
    resources.one(kubectl, name)
    found = about(name, kubectl.json("get", "events")["items"])
    if output:
        terminal.show_value(found, output)
    elif found:
        rows = ([*line(event, datetime.now(UTC))] for event in found)
        terminal.show(terminal.table(["LAST", "TYPE", "ABOUT", "REASON", "COUNT", "MESSAGE"], rows))
    else:
        click.echo(f"no events of {name}; Kubernetes keeps them for an hour", err=True)


def about(name: str, events: Iterable[Object]) -> Sequence[Object]:
    """Those that are about a resource, its StatefulSet or its pods, the oldest first."""
    wanted = re.compile(rf"(ElixirCluster|StatefulSet)/{re.escape(name)}|Pod/{re.escape(name)}-\d+")
    found = [event for event in events if wanted.fullmatch(subject(event))]
    return sorted(found, key=last)


def subject(event: Object) -> str:
    """`Pod/chat-0`: what it is about."""
    said = event["involvedObject"]
    return f"{said.get('kind', '')}/{said.get('name', '')}"


def last(event: Object) -> str:
    """When it happened last, in RFC 3339."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return str(next((time for time in times if time), event["metadata"]["creationTimestamp"]))


def line(event: Object, now: datetime) -> Sequence[str | Text]:
    """One line."""
    count = (event.get("series") or {}).get("count") or event.get("count") or 1
    return [
        age(last(event), now),
        Text(event.get("type", ""), BAD if event.get("type") == "Warning" else ""),
        subject(event),
        event.get("reason", ""),
        str(count),
        plain_line(event.get("message", "")),
    ]
