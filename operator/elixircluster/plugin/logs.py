"""`kubectl elixir logs`: of all pods at once. With --follow also of those that come later, as in a rollout."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import click

from elixircluster.plugin import resources
from elixircluster.plugin.kubectl import Kubectl, KubectlError
from elixircluster.plugin.names import COLOURS, painted
from elixircluster.plugin.remote import AT_ONCE
from elixircluster.plugin.resources import CONTAINER, Object, ordinal
from elixircluster.plugin.target import PluginCommand, WrongUsage, target

LOOK_SECONDS = 2.0
"""How soon the logs of a new container are followed."""
NO_POD = "{name} has no pod; see kubectl elixir status {name}"


@dataclass(frozen=True)
class Wanted:
    """Which lines: of which container, of its last life or of this one, and kubectl's options."""

    container: str = CONTAINER
    options: Sequence[str] = ()

    def command(self, pod: str, *options: str) -> Sequence[str]:
        """The arguments of kubectl for a pod."""
        return ("logs", pod, "-c", self.container, *self.options, *options)

    def whole(self) -> Wanted:
        """The same from the first line on."""
        return Wanted(self.container, [option for option in self.options if option == "--timestamps"])


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@click.option("-f", "--follow", is_flag=True, help="Go on as lines come, also of new pods.")
@click.option("-p", "--previous", is_flag=True, help="Of the container before the last restart.")
@click.option("-c", "--container", default=CONTAINER, help=f"Of another container than {CONTAINER}.")
@click.option("--since", help="Only newer than 5s, 2m or 3h.")
@click.option("--tail", type=int, help="Only so many lines of each pod.")
@click.option("--timestamps", is_flag=True, help="With the time before each line.")
@target
def logs(kubectl: Kubectl, name: str, follow: bool, container: str, **options: Any) -> None:
    """The logs of all nodes, each line after its pod's name."""
    if follow and options["previous"]:
        raise WrongUsage("--follow and --previous exclude each other", click.get_current_context())
    resources.one(kubectl, name)
    wanted = Wanted(container, list(given(options)))
    if not follow:
        past(kubectl, name, wanted)
        return
    with contextlib.suppress(KeyboardInterrupt), Streams(kubectl, wanted) as streams:
        streams.look(name)
        while not streams.closed.wait(LOOK_SECONDS):
            streams.look(name)


def given(options: Mapping[str, Any]) -> Iterator[str]:
    """Those that were given, as kubectl takes them."""
    for name, value in options.items():
        if value is True:
            yield f"--{name}"
        elif value is not None and value is not False:
            yield f"--{name}={value}"


def past(kubectl: Kubectl, name: str, wanted: Wanted) -> None:
    """Show the logs until now, one pod after the other. Raises `KubectlError` where no pod has any to show."""
    members = [pod["metadata"]["name"] for pod in resources.pods(kubectl, name)]
    if not members:
        raise KubectlError(NO_POD.format(name=name))
    labels = painted(members, coloured=sys.stdout.isatty())
    errors = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for pod, log in zip(members, pool.map(lambda pod: Log.of(kubectl, pod, wanted), members), strict=True):
            for line in log.lines:
                click.echo(f"{labels[pod]} {line}")
            if log.error:
                errors.append(f"{pod}: {log.error.message}")
    if len(errors) == len(members):
        raise KubectlError(errors[0] if len(errors) == 1 else f"{errors[0]}; and no pod has another answer")
    for error in errors:
        click.echo(error, err=True)


class Log(NamedTuple):
    """The lines of a pod, or why there are none."""

    lines: Sequence[str]
    error: KubectlError | None = None

    @classmethod
    def of(cls, kubectl: Kubectl, pod: str, wanted: Wanted) -> Log:
        """What kubectl prints of it."""
        try:
            return cls(list(lines_of(kubectl.text(*wanted.command(pod)))))
        except KubectlError as error:
            return cls((), error)


class Streams:
    """A kubectl for each container that has begun, whose lines come out one by one."""

    def __init__(self, kubectl: Kubectl, wanted: Wanted) -> None:
        self.closed = threading.Event()
        """Set when nobody reads any more."""
        self._kubectl = kubectl
        self._wanted = wanted
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
        found = containers(pods, self._wanted.container)
        width = max(map(len, found.values()), default=0)
        # Who comes later is followed from the first line on.
        wanted = self._wanted.whole() if self._seen else self._wanted
        for container in found.keys() - self._seen:
            threading.Thread(target=self._show, args=(found[container], width, wanted), daemon=True).start()
        self._seen |= found.keys()

    def _show(self, pod: str, width: int, wanted: Wanted) -> None:
        label = pod.ljust(width)
        if sys.stdout.isatty():
            label = click.style(label, COLOURS[ordinal(pod) % len(COLOURS)])
        with self._kubectl.start(*wanted.command(pod, "--follow")) as process:
            self._processes.append(process)
            try:
                for line in lines(process):
                    with self._printing:
                        click.echo(f"{label} {line}")
            except BrokenPipeError:
                self.closed.set()


def containers(pods: Sequence[Object], name: str) -> dict[str, str]:
    """The containers of a name that have begun, and the pod of each: a container that starts again is another one."""
    return {
        item["containerID"]: pod["metadata"]["name"]
        for pod in pods
        for kind in ("containerStatuses", "initContainerStatuses")
        for item in pod.get("status", {}).get(kind) or []
        if item["name"] == name and item.get("containerID")
    }


def lines_of(said: str) -> Iterator[str]:
    """Its lines; only a newline ends one."""
    yield from said.removesuffix("\n").split("\n") if said else ()


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """What it prints, and in the end what it complains of."""
    yield from (line.rstrip("\n") for line in process.stdout or ())
    if process.wait() > 0 and process.stderr:
        yield from process.stderr.read().splitlines()
