"""`history`, `rollback`, `promote`, `rollout`: what became of revisions, the way back and on, and how far it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.text import Text

from elixircluster.plugin import changes, resources, terminal
from elixircluster.plugin.kubectl import Kubectl, KubectlError
from elixircluster.plugin.plain import plain_line
from elixircluster.plugin.resources import Object
from elixircluster.plugin.status import age
from elixircluster.plugin.target import PluginCommand, output_option, target
from elixircluster.plugin.terminal import BAD, BUSY, GOOD, UNKNOWN, table

RESULTS = {"Complete": GOOD, "Progressing": BUSY, "Superseded": UNKNOWN}
"""Colours; the others are bad."""
PROMOTE = "elixircluster.dev/promote"
"""Names the revision that may go on from its first nodes to the others."""
WAITS = "Canary"
BESIDE = ("replicas", "paused", "update")
"""Fields of a spec that are no part of a revision: they stay as they are."""
MISSING = object()


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@output_option
@target
def history(kubectl: Kubectl, name: str, output: str | None) -> None:
    """The last revisions, newest first, and what became of them."""
    entries = resources.one(kubectl, name).get("status", {}).get("history") or []
    if output:
        terminal.show_value(entries, output)
    elif entries:
        columns = ["REVISION", "RESULT", "IMAGE", "AGE", "TOOK", "WHY"]
        terminal.show(table(columns, rows(entries, datetime.now(UTC))))
    else:
        click.echo(f"{name} has no revision yet", err=True)


def rows(entries: Sequence[Object], now: datetime) -> Iterator[list[str | Text]]:
    """A line for each revision."""
    for entry in entries:
        result, ended = entry["result"], entry.get("endedAt")
        took = age(entry["startedAt"], datetime.fromisoformat(ended)) if ended else ""
        yield [
            entry["revision"],
            Text(result, RESULTS.get(result, BAD)),
            entry.get("image", ""),
            age(entry["startedAt"], now),
            took,
            entry.get("message", ""),
        ]


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@click.argument("revision", required=False)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@changes.timeout_option
@target
def rollback(kubectl: Kubectl, name: str, revision: str | None, dry_run: bool, timeout: float) -> None:
    """Write the spec of an earlier revision, and wait for it.

    By default of the last that was complete. replicas, paused and update stay as they are.
    """
    resources.one(kubectl, name)
    # As it is: what is shown is made plain, and this is to be written.
    body = json.loads(kubectl.text("get", resources.KIND, name, "-o", "json"))
    if body["spec"].get("paused") and not dry_run:
        raise KubectlError(f"{name} is paused; before: kubectl elixir resume {name}")
    entry = chosen(body, revision)
    patch = ("patch", resources.KIND, name, "--type=json", "--patch", json.dumps(operations(body, entry)), "-o", "json")
    # With the defaults of the API server in it, a spec can be compared.
    would = json.loads(kubectl.text(*patch, "--dry-run=server"))
    told = list(differences(body["spec"], would["spec"], "spec"))
    if not told:
        raise KubectlError(f"{name} is of revision {entry['revision']} already")
    if not dry_run:
        kubectl.text(*patch)
    click.echo(f"{'would write' if dry_run else 'wrote'} the spec of revision {entry['revision']}:")
    for line in told:
        click.echo(f"  {plain_line(line)}")
    if not dry_run:
        changes.wait(kubectl, name, changes.rollout, timeout)


def chosen(body: Object, revision: str | None) -> Object:
    """The entry of the history that is meant. Raises `KubectlError`."""
    name, entries = body["metadata"]["name"], body.get("status", {}).get("history") or []
    kept: dict[str, Object] = {}
    for entry in entries:
        if entry.get("spec"):
            kept.setdefault(entry["revision"], entry)
    if revision:
        # As it is shown, or with the StatefulSet's name before it.
        if found := kept.get(revision.removeprefix(f"{name}-")):
            return found
        raise KubectlError(f"{revision} is no revision of {name} with a spec; there are {', '.join(kept) or 'none'}")
    wanted = wanted_revision(entries)
    spec = kept.get(wanted, {}).get("spec")
    for entry in kept.values():
        # What nodes read of a Secret may have changed, and not the spec: that is not to be had back from here.
        if entry["result"] == "Complete" and entry["revision"] != wanted and entry["spec"] != spec:
            return entry
    raise KubectlError(f"no earlier revision of {name} was complete; see kubectl elixir history {name}")


def wanted_revision(entries: Sequence[Object]) -> str:
    """The newest, or the one that the newest stands for, since it has failed."""
    failed = (entry["revision"] for entry in entries if entry["result"] == "RolledBack")
    return next(failed, entries[0]["revision"] if entries else "")


def operations(body: Object, entry: Object) -> list[Mapping[str, Any]]:
    """The JSON patch that writes the spec of a revision, of the resource as it was seen and no other."""
    kept = {key: body["spec"][key] for key in BESIDE if key in body["spec"]}
    return [
        {"op": "test", "path": "/metadata/generation", "value": body["metadata"]["generation"]},
        {"op": "replace", "path": "/spec", "value": {**json.loads(entry["spec"]), **kept}},
    ]


def differences(before: Any, after: Any, path: str) -> Iterator[str]:
    """What is written: a line for each field."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from differences(before.get(key, MISSING), after.get(key, MISSING), f"{path}.{key}")
    elif after is MISSING:
        yield f"{path}: {shown(before)} is taken away"
    else:
        yield f"{path}: {shown(after)}" if before is MISSING else f"{path}: {shown(before)} → {shown(after)}"


def shown(value: Any) -> str:
    """A value of a spec in a line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@changes.timeout_option
@target
def promote(kubectl: Kubectl, name: str, timeout: float) -> None:
    """Have a canary go on to the other nodes, and wait for them."""
    update = resources.one(kubectl, name).get("status", {}).get("update") or {}
    if update.get("step") != WAITS:
        raise KubectlError(f"{name} has no canary that waits; see kubectl elixir rollout {name}")
    changes.change(kubectl, name, {"metadata": {"annotations": {PROMOTE: update["revision"]}}}, work=True)
    changes.wait(kubectl, name, changes.rollout, timeout)


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@click.option("--watch/--no-watch", "-w", default=True, help="Wait for its end; else only say how it stands.")
@changes.timeout_option
@target
def rollout(kubectl: Kubectl, name: str, watch: bool, timeout: float) -> None:
    """How an update of the nodes gets on; fails where it does."""
    told: dict[str, str] = {}
    if watch:
        resources.one(kubectl, name)
        changes.wait(kubectl, name, changes.rollout, timeout, beside=lambda body: news(body, told))
        return
    body = resources.one(kubectl, name)
    for line in news(body, told):
        click.echo(line)
    progress = changes.rollout(body)
    if progress.failed:
        raise KubectlError(plain_line(progress.words))
    click.echo(plain_line(progress.words))


def news(body: Object, told: dict[str, str]) -> Iterator[str]:
    """A line for each node of which there is something new to tell; `told` remembers what was."""
    said = body.get("status", {})
    if said.get("observedGeneration") != body["metadata"]["generation"]:
        return
    nodes = {node["pod"]: node for node in said.get("nodes") or []}
    for pod in sorted({*nodes, *told}, key=resources.ordinal):
        line = state(nodes[pod], said.get("update", {}).get("revision", "")) if pod in nodes else "gone"
        if told.get(pod) != line:
            told[pod] = line
            yield plain_line(f"{pod}: {line}")


def state(node: Object, newest: str) -> str:
    """A node in a line."""
    which = "new" if node.get("revision") == newest else "old"
    if node["ready"]:
        return f"{which}, up"
    return f"{which}, {node.get('message') or 'not up yet'}"
