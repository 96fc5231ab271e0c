"""`kubectl elixir logs`: of all pods at once. With --follow also of those that come later, as in a rollout."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import click

from elixircluster.plugin import resources
from elixircluster.plugin.kubectl import Kubectl, KubectlError
from elixircluster.plugin.names import COLOURS, painted
from elixircluster.plugin.remote import AT_ONCE
from elixircluster.plugin.resources import CONTAINER, Object, ordinal
from elixircluster.plugin.target import target

LOOK_SECONDS = 2.0
"""How soon the logs of a new container are followed."""
NO_POD = "{name} has no pod; see kubectl elixir status {name}"


@click.command()
@click.argument("name", shell_complete=resources.complete)
@click.option("-f", "--follow", is_flag=True, help="Go on as lines come, also of new pods.")
@click.option("--since", help="As in kubectl: only newer than 5s, 2m or 3h.")
@click.option("--tail", type=int, help="Only so many lines of each pod.")
@target
def logs(kubectl: Kubectl, name: str, follow: bool, since: str | None, tail: int | None) -> None:
    """The logs of all nodes, each line after its pod's name."""
    resources.one(kubectl, name)
    options = [*([f"--since={since}"] if since else []), *([f"--tail={tail}"] if tail is not None else [])]
    if not follow:
        past(kubectl, name, options)
        return
    with contextlib.suppress(KeyboardInterrupt), Streams(kubectl, options) as streams:
        streams.look(name)
        while not streams.closed.wait(LOOK_SECONDS):
            streams.look(name)


def past(kubectl: Kubectl, name: str, options: list[str]) -> None:
    """Show the logs until now, one pod after the other. Raises `KubectlError` where there is no pod."""
    members = [pod["metadata"]["name"] for pod in resources.pods(kubectl, name)]
    if not members:
        raise KubectlError(NO_POD.format(name=name))
    labels = painted(members, coloured=sys.stdout.isatty())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for pod, said in zip(members, pool.map(lambda pod: log(kubectl, pod, options), members), strict=True):
            for line in said:
                click.echo(f"{labels[pod]} {line}")


def log(kubectl: Kubectl, pod: str, options: list[str]) -> list[str]:
    """The lines of a pod. Raises `KubectlError`."""
    with kubectl.start("logs", pod, "-c", CONTAINER, *options) as process:
        return list(lines(process))


class Streams:
    """A kubectl for each container that has begun, whose lines come out one by one."""

    def __init__(self, kubectl: Kubectl, options: list[str]) -> None:
        self.closed = threading.Event()
        """Set when nobody reads any more."""
        self._kubectl = kubectl
        self._options = options
        self._seen: set[str] = set()
        self._processes: list[subprocess.Popen[str]] = []
        self._printing = threading.Lock()

    def __enter__(self) -> Streams:
        """Ready to look."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what runs."""
        for process in self._processes:
            process.terminate()

    def look(self, name: str) -> None:
        """Follow the containers that were not there before. Raises `KubectlError` where there is no pod at all."""
        pods = resources.pods(self._kubectl, name)
        if not pods and not self._seen:
            raise KubectlError(NO_POD.format(name=name))
        found = containers(pods)
        width = max(map(len, found.values()), default=0)
        # Who comes later is followed from the first line on.
        options = [] if self._seen else self._options
        for container in found.keys() - self._seen:
            threading.Thread(target=self._show, args=(found[container], width, options), daemon=True).start()
        self._seen |= found.keys()

    def _show(self, pod: str, width: int, options: list[str]) -> None:
        label = pod.ljust(width)
        if sys.stdout.isatty():
            label = click.style(label, COLOURS[ordinal(pod) % len(COLOURS)])
        with self._kubectl.start("logs", pod, "-c", CONTAINER, "--follow", *options) as process:
            self._processes.append(process)
            try:
                for line in lines(process):
                    with self._printing:
                        click.echo(f"{label} {line}")
            except BrokenPipeError:
                self.closed.set()


def containers(pods: Sequence[Object]) -> dict[str, str]:
    """The release's containers that have begun, and the pod of each: a container that starts again is another one."""
    return {
        item["containerID"]: pod["metadata"]["name"]
        for pod in pods
        for item in pod.get("status", {}).get("containerStatuses") or []
        if item["name"] == CONTAINER and item.get("containerID")
    }


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """What it prints, and in the end what it complains of."""
    yield from (line.rstrip("\n") for line in process.stdout or ())
    if process.wait() > 0 and process.stderr:
        yield from process.stderr.read().splitlines()
