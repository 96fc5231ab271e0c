"""What changes a resource: `restart`, `pause`, `resume`, `retry`, `rotate-cookie`. The operator works, this waits."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import click

from elixircluster.plugin import resources
from elixircluster.plugin.kubectl import Kubectl, KubectlError
from elixircluster.plugin.plain import plain_line
from elixircluster.plugin.resources import Object, condition
from elixircluster.plugin.target import Duration, PluginCommand, target

RESTARTED_AT = "elixircluster.dev/restartedAt"
ROTATE = "elixircluster.dev/rotate-cookie"
RETRY = "elixircluster.dev/retry"
ROTATED = "elixircluster.dev/cookie-rotated"

OF_THE_MESH = {"MeshNotHealed", "NotDistributed", "NodeNameOverridden", "TlsNotSpoken"}
"""Reasons for which a resource can be stalled while the operator's work on it goes on."""
MACHINE_LOST = "MachineLost"


class Progress(NamedTuple):
    """How far a change has come: what to say of it, and whether that is the end, good or bad."""

    words: str
    done: bool = False
    failed: bool = False


Judge = Callable[[Object], Progress]
Teller = Callable[[Object], Iterable[str]]

timeout_option = click.option(
    "--timeout", type=Duration(), default="0", help="How long to wait, as 5m; by default without an end."
)


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@timeout_option
@target
def restart(kubectl: Kubectl, name: str, timeout: float) -> None:
    """Replace every node, one after the other, and wait for it."""
    change(kubectl, name, {"spec": {"podMetadata": {"annotations": {RESTARTED_AT: now()}}}}, work=True)
    wait(kubectl, name, rollout, timeout)


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@target
def pause(kubectl: Kubectl, name: str) -> None:
    """Have the operator change nothing, until it is resumed."""
    change(kubectl, name, {"spec": {"paused": True}})
    click.echo(f"{name} is paused: the operator looks and reports, and changes nothing")


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@target
def resume(kubectl: Kubectl, name: str) -> None:
    """Have the operator go on with a cluster that was paused."""
    change(kubectl, name, {"spec": {"paused": False}})
    click.echo(f"{name} is resumed")


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@timeout_option
@target
def retry(kubectl: Kubectl, name: str, timeout: float) -> None:
    """Try a failed migration again, and wait for the nodes."""
    migration = resources.one(kubectl, name).get("status", {}).get("migration") or {}
    if migration.get("result") != "Failed":
        raise KubectlError(f"{name} has no migration that failed; see kubectl elixir status {name}")
    change(kubectl, name, {"metadata": {"annotations": {RETRY: now()}}}, work=True)
    wait(kubectl, name, lambda body: retried(body, migration["job"]), timeout)


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@timeout_option
@target
def rotate_cookie(kubectl: Kubectl, name: str, timeout: float) -> None:
    """Give the running nodes another cookie, and wait for it. Nothing is restarted."""
    asked = now()
    change(kubectl, name, {"metadata": {"annotations": {ROTATE: asked}}}, work=True)
    wait(kubectl, name, lambda body: rotation(body, asked), timeout)
    refresh(kubectl, name, asked)


def refresh(kubectl: Kubectl, name: str, asked: str) -> None:
    """Have the file with the cookie follow at once, which `rpc` and `console` read.

    The kubelet writes it anew when its pod changes, else when it next looks, within a minute or two.
    """
    try:
        kubectl.text("annotate", "pods", "--overwrite", "--selector", resources.selector(name), f"{ROTATED}={asked}")
    except KubectlError:
        click.echo("console and rpc work again in a minute or two")


def change(kubectl: Kubectl, name: str, patch: Mapping[str, Any], *, work: bool = False) -> None:
    """Merge a patch; `work` tells that it is some for the operator. Raises `KubectlError`."""
    body = resources.one(kubectl, name)
    if work and body["spec"].get("paused"):
        raise KubectlError(f"{name} is paused; before: kubectl elixir resume {name}")
    kubectl.text("patch", resources.KIND, name, "--type=merge", "--patch", json.dumps(patch))


def nothing(_body: Object) -> Iterable[str]:
    """No lines."""
    return ()


def wait(kubectl: Kubectl, name: str, judge: Judge, seconds: float = 0.0, beside: Teller = nothing) -> None:
    """Tell each step until the change is done. Raises `KubectlError` where it cannot be, or not so soon.

    `beside`: more lines to tell of what is seen, before its step.
    """
    said = ""
    try:
        for body in kubectl.watch(resources.KIND, name, seconds=seconds):
            for line in beside(body):
                tell(line)
            progress = judge(body)
            words = plain_line(progress.words)
            if progress.failed:
                raise KubectlError(words)
            if words != said:
                said = words
                tell(said)
            if progress.done:
                return
    except TimeoutError:
        raise KubectlError(f"not done after {seconds:g} s, and the operator goes on: {said}") from None
    raise KubectlError(f"{name} was deleted")


def tell(line: str) -> None:
    """Print it, for a person with the time."""
    click.echo(f"{datetime.now().astimezone():%H:%M:%S} {line}" if sys.stdout.isatty() else line)


def rollout(body: Object) -> Progress:
    """How far an update of the nodes has come."""
    status = body.get("status", {})
    if status.get("observedGeneration") != body["metadata"]["generation"]:
        return WAITING
    ready = condition(body, "Ready")
    words = f"{status.get('updatedReplicas', 0)} of {body['spec'].get('replicas', 3)} new: {ready.get('message', '')}"
    return stopped(body) or Progress(words, done=ready.get("status") == "True")


def retried(body: Object, failed: str) -> Progress:
    """How far a change has come since the migration of this Job was to be tried again."""
    migration = body.get("status", {}).get("migration") or {}
    return WAITING if (migration.get("job"), migration.get("result")) == (failed, "Failed") else rollout(body)


def rotation(body: Object, asked: str) -> Progress:
    """How far the change of the cookie has come that was `asked` for."""
    if body.get("status", {}).get("cookieRotation") == asked:
        return Progress(f"{body['metadata']['name']} has another cookie", done=True)
    if condition(body, "Stalled").get("reason") == MACHINE_LOST:
        # What a rotation itself waits for is told as RotationWaiting: nobody waits for a node that was told to end.
        return WAITING
    reconciling = condition(body, "Reconciling")
    if reconciling.get("status") == "True" and reconciling.get("message"):
        return stopped(body) or Progress(reconciling["message"])
    return stopped(body) or WAITING


WAITING = Progress("waiting for the operator")


def stopped(body: Object) -> Progress | None:
    """Why a change does not go on."""
    stalled, name = condition(body, "Stalled"), body["metadata"]["name"]
    if body["spec"].get("paused"):
        return Progress(f"{name} was paused; to go on: kubectl elixir resume {name}", failed=True)
    beside = stalled.get("reason") in OF_THE_MESH and condition(body, "Ready").get("reason") != stalled["reason"]
    if stalled.get("status") == "True" and not beside:
        return Progress(f"{stalled['reason']}: {stalled['message']}", failed=True)
    return None


def now() -> str:
    """The time in RFC 3339."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
