"""`kubectl elixir status`: every resource in a line, or one as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from elixircluster.plugin import resources, terminal
from elixircluster.plugin.kubectl import Kubectl
from elixircluster.plugin.plain import plain_line
from elixircluster.plugin.resources import Object, condition
from elixircluster.plugin.target import PluginCommand, output_option, target
from elixircluster.plugin.terminal import BAD, BUSY, GOOD, ISLANDS, UNKNOWN, table

NOT_LOOKED_AT = "the operator has not looked at it; does it run?"
UNITS = (("d", 86400), ("h", 3600), ("m", 60))
UNDER_WAY = {"Booting", "Forming"}
"""Why nodes are not connected yet, where nothing is wrong."""
STATUS_PARTS = ("readyNodes", "clustered", "mesh", "nodes", "migration", "update", "console", "conditions")


@click.command(cls=PluginCommand)
@click.argument("name", required=False, shell_complete=resources.complete)
@click.option("-A", "--all-namespaces", is_flag=True, help="Of all namespaces.")
@output_option
@target
def status(kubectl: Kubectl, name: str | None, all_namespaces: bool, output: str | None) -> None:
    """How the clusters are; with NAME one of them in detail."""
    if name:
        body, pods = resources.one(kubectl, name), resources.pods(kubectl, name)
        if output:
            terminal.show_value(as_json(body, pods), output)
        else:
            terminal.show(*detail(body, pods))
        return
    bodies = resources.every(kubectl, all_namespaces=all_namespaces)
    if output:
        terminal.show_value([as_json(body) for body in bodies], output)
    elif bodies:
        terminal.show(overview(bodies, datetime.now(UTC), namespaces=all_namespaces))
    else:
        click.echo("no ElixirCluster here; another --namespace, or --all-namespaces?", err=True)


def overview(bodies: Sequence[Object], now: datetime, *, namespaces: bool) -> RenderableType:
    """A line for each resource."""
    columns = ["NAME", "READY", "NODES", "MESH", "IMAGE", "AGE", "WHAT"]
    rows = [line(body, now) for body in bodies]
    if namespaces:
        columns = ["NAMESPACE", *columns]
        rows = [[body["metadata"]["namespace"], *row] for body, row in zip(bodies, rows, strict=True)]
    return table(columns, rows)


def line(body: Object, now: datetime) -> list[str | Text]:
    """One line of the overview."""
    said, wanted = body.get("status", {}), body["spec"].get("replicas", 3)
    colour = colour_of(body)
    return [
        Text(body["metadata"]["name"], "bold"),
        Text(condition(body, "Ready").get("status", "Unknown"), colour),
        part(said.get("readyNodes"), wanted),
        part(said.get("clustered"), wanted),
        str(body["spec"].get("image", "")),
        age(body["metadata"]["creationTimestamp"], now),
        Text(what(body), "" if colour == GOOD else colour),
    ]


def part(said: str | None, wanted: int) -> Text:
    """`2/3` in the colour of how good that is."""
    if not said:
        return Text("?", UNKNOWN)
    have, _, of = said.partition("/")
    return Text(said, GOOD if have == of == str(wanted) else BAD if have == "0" else BUSY)


def colour_of(body: Object) -> str:
    """Green is well, yellow is at work or not known, red is for a person."""
    told = {kind: condition(body, kind).get("status") for kind in ("Ready", "Stalled", "Clustered", "Available")}
    if told["Stalled"] == "True" or told["Available"] == "False":
        return BAD
    if told["Clustered"] == "False" and condition(body, "Clustered").get("reason") not in UNDER_WAY:
        return BAD
    return GOOD if told["Ready"] == "True" else BUSY


def what(body: Object) -> str:
    """The one thing that is worth saying, in a line: what is wrong, else what happens, else that all is well."""
    return plain_line(_what(body))


def _what(body: Object) -> str:
    if not body.get("status"):
        return NOT_LOOKED_AT
    if body["status"].get("observedGeneration") != body["metadata"].get("generation"):
        return "a change was not looked at yet"
    for kind, status_value in (("Stalled", "True"), ("Paused", "True"), ("Ready", "False"), ("Clustered", "False")):
        said = condition(body, kind)
        if said.get("status") == status_value:
            return f"{said['reason']}: {said['message']}" if said.get("message") else str(said["reason"])
    return str(condition(body, "Clustered").get("message") or condition(body, "Ready").get("message", ""))


def detail(body: Object, pods: Sequence[Object]) -> Iterator[RenderableType]:
    """One resource, from the whole to its parts."""
    said, meta = body.get("status", {}), body["metadata"]
    yield Text.assemble((meta["name"], "bold"), f" in {meta['namespace']}: ", (what(body), colour_of(body)))
    yield ""
    yield table(["CONDITION", "STATUS", "REASON", "MESSAGE"], condition_rows(said.get("conditions") or []))
    yield ""
    columns = ["POD", "NODE", "READY", "SEES", "ISLAND", "VERSIONS", "RESTARTS", "WHAT"]
    yield table(columns, node_rows(body, pods))
    yield ""
    if (update := said.get("update")) and said.get("updatedReplicas") != said.get("replicas"):
        text = f"{update['strategy']} to revision {update['revision']}, {update['step']}: {update['message']}"
        yield Text.assemble(("update   ", "bold"), plain_line(text))
    if "image" in (migration := said.get("migration") or {}):
        text = f"{migration['result']} for {migration['image']}"
        details = ": ".join(filter(None, (migration.get("job"), migration.get("message"))))
        yield Text.assemble(("migrated ", "bold"), plain_line(f"{text}, {details}" if details else text))
    if said.get("console"):
        yield Text.assemble(("console  ", "bold"), plain_line(said["console"]))


# Those that are good when they are True, and those that are good when they are False.
COLOURS = {("True", True): GOOD, ("False", False): GOOD, ("Unknown", True): BUSY, ("Unknown", False): BUSY}
GOOD_WHEN = {"Ready": True, "Available": True, "Clustered": True, "Migrated": True, "Stalled": False}


def condition_rows(conditions: Iterable[Object]) -> Iterator[list[str | Text]]:
    """A line for each condition."""
    for item in conditions:
        good = GOOD_WHEN.get(item["type"])
        colour = "" if good is None else COLOURS.get((item["status"], good), BAD)
        yield [item["type"], Text(item["status"], colour), item["reason"], item.get("message", "")]


def node_rows(body: Object, pods: Sequence[Object]) -> Iterator[list[str | Text]]:
    """A line for each node."""
    said = body.get("status", {})
    nodes, restarted = said.get("nodes") or [], restarts(pods)
    islands = island_numbers(body)
    for node in nodes:
        pod, number = node["pod"], islands.get(node["pod"])
        sees = node.get("connected")
        full = sees == len(nodes) - 1
        yield [
            pod,
            node.get("node", ""),
            readiness(node),
            Text("?", BUSY) if sees is None else Text(f"{sees}/{len(nodes) - 1}", GOOD if full else BAD),
            Text("?", BUSY) if number is None else Text(str(number + 1), ISLANDS[number % len(ISLANDS)]),
            versions(node),
            Text(str(restarted.get(pod, 0)), BUSY if restarted.get(pod) else ""),
            node.get("message", ""),
        ]


def readiness(node: Object) -> Text:
    """Whether the pod is ready and its node has booted."""
    if node["ready"]:
        return Text("yes", GOOD)
    return Text("boots", BUSY) if node.get("booted") is False else Text("no", BAD)


def versions(node: Object) -> str:
    """`OTP 25, Elixir 1.14.0`, as far as they are known."""
    told = (("OTP", node.get("otpRelease")), ("Elixir", node.get("elixirVersion")))
    return ", ".join(f"{name} {version}" for name, version in told if version)


def island_numbers(body: Object) -> Mapping[str, int]:
    """The island of each pod, counted from 0, the largest first."""
    islands = (body.get("status", {}).get("mesh") or {}).get("islands") or []
    return {pod: number for number, island in enumerate(islands) for pod in island}


def restarts(pods: Iterable[Object]) -> dict[str, int]:
    """How often the release's container of each pod has ended and was started again."""
    return {
        pod["metadata"]["name"]: item["restartCount"]
        for pod in pods
        for item in pod.get("status", {}).get("containerStatuses") or []
        if item["name"] == resources.CONTAINER
    }


def as_json(body: Object, pods: Sequence[Object] = ()) -> dict[str, Any]:
    """What `status` shows, for programs."""
    said, restarted = body.get("status", {}), restarts(pods)
    result: dict[str, Any] = {
        "namespace": body["metadata"]["namespace"],
        "name": body["metadata"]["name"],
        "image": body["spec"].get("image"),
        "replicas": body["spec"].get("replicas", 3),
        "what": what(body),
        **{key: said[key] for key in STATUS_PARTS if key in said},
    }
    if restarted and "nodes" in result:
        result["nodes"] = [{**node, "restarts": restarted.get(node["pod"], 0)} for node in result["nodes"]]
    return result


def age(since: str, now: datetime) -> str:
    """`5m`: how long it is since a time in RFC 3339, in its largest unit."""
    seconds = int((now - datetime.fromisoformat(since)).total_seconds())
    return next((f"{seconds // size}{unit}" for unit, size in UNITS if seconds >= size), f"{max(0, seconds)}s")
