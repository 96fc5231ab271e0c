"""The docker command line, as far as it is used here and by kind."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .engine import NO_DAEMON, Container, DaemonError, Engine

VERSION = "28.2.2"
# What is said after the daemon's own words, where a command goes through several containers.
AFTERWARDS = {"start": "Error: failed to start containers: {}"}
REMEMBERED = "/kind/old-ipv4"


def main(words: Sequence[str]) -> None:
    options = parser().parse_args(words)
    sys.exit(options.run(Engine.of_environment(), options))


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("docker", allow_abbrev=False)
    commands = top.add_subparsers(required=True)
    add(commands, "info", info).add_argument("--format", default="")
    listing = add(commands, "ps", ps)
    listing.add_argument("-a", "--all", action="store_true", required=True)
    listing.add_argument("--filter", action="append", default=[])
    listing.add_argument("--format", required=True)
    for name in ("start", "stop", "kill", "restart", "pause", "unpause"):
        add(commands, name, each_one(name, getattr(Engine, name))).add_argument("names", nargs="+")
    removal = add(commands, "rm", each_one("rm", Engine.remove))
    removal.add_argument("-f", "--force", action="store_true", required=True)
    removal.add_argument("-v", "--volumes", action="store_true")
    removal.add_argument("names", nargs="+")
    looking = add(commands, "inspect", inspect)
    looking.add_argument("-f", "--format", required=True)
    looking.add_argument("names", nargs="+")
    inside = add(commands, "exec", execute)
    inside.add_argument("--privileged", action="store_true")
    inside.add_argument("-i", "--interactive", action="store_true")
    inside.add_argument("name")
    inside.add_argument("command", nargs=argparse.REMAINDER)
    networks = commands.add_parser("network").add_subparsers(required=True)
    for name, change in (("connect", Engine.connect), ("disconnect", Engine.disconnect)):
        moving = add(networks, name, network(change))
        moving.add_argument("network")
        moving.add_argument("name")
    seen = add(commands.add_parser("image").add_subparsers(required=True), "inspect", image_inspect)
    seen.add_argument("-f", "--format", default="")
    seen.add_argument("name")
    building = add(commands, "build", build)
    building.add_argument("--tag", required=True)
    building.add_argument("--file", type=Path, default=Path("Dockerfile"))
    building.add_argument("--build-arg", action="append", default=[])
    building.add_argument("context", type=Path)
    return top


Run = Callable[[Engine, argparse.Namespace], int]


def add(commands: Any, name: str, run: Run) -> argparse.ArgumentParser:
    found: argparse.ArgumentParser = commands.add_parser(name, allow_abbrev=False)
    found.set_defaults(run=run)
    return found


def said(words: str) -> int:
    print(words, file=sys.stderr)
    return 1


def refused(engine: Engine, error: DaemonError) -> int:
    return said(f"Error response from daemon: {error}" if engine.answers else NO_DAEMON)


def info(engine: Engine, options: argparse.Namespace) -> int:
    if not engine.answers:
        return said(NO_DAEMON)
    print({"{{.ServerVersion}}": VERSION, "": f"Server:\n Server Version: {VERSION}"}[options.format])
    return 0


def ps(engine: Engine, options: argparse.Namespace) -> int:
    if not engine.answers:
        return said(NO_DAEMON)
    wanted: dict[str, str | None] = {}
    for each in options.filter:
        key, _, value = each.removeprefix("label=").partition("=")
        wanted[key] = value or None
    for container in engine.containers(**wanted):
        print(shown(options.format, container))
    return 0


def shown(template: str, container: Container) -> str:
    """A line of Go's template, with the fields of `docker ps`."""
    fields = {
        ".Names": container.name,
        ".State": container.state,
        ".Image": container.image,
        ".Networks": ",".join(sorted(container.networks)),
    }

    def value(found: re.Match[str]) -> str:
        if label := re.fullmatch(r'\.Label "(.+)"', found[1]):
            return container.labels.get(label[1], "")
        return fields[found[1]]

    return re.sub(r"\{\{(.+?)\}\}", value, template)


def each_one(command: str, change: Callable[[Engine, str], None]) -> Run:
    """Does it to one container after the other, and says of which it could not."""

    def run(engine: Engine, options: argparse.Namespace) -> int:
        failed = []
        for name in options.names:
            try:
                if not engine.answers:
                    raise DaemonError
                change(engine, name)
                print(name)
            except DaemonError as error:
                refused(engine, error)
                failed.append(name)
        if failed and command in AFTERWARDS:
            said(AFTERWARDS[command].format(", ".join(failed)))
        return int(bool(failed))

    return run


def network(change: Callable[[Engine, str, str], None]) -> Run:
    def run(engine: Engine, options: argparse.Namespace) -> int:
        try:
            if not engine.answers:
                raise DaemonError
            change(engine, options.network, options.name)
        except DaemonError as error:
            return refused(engine, error)
        return 0

    return run


def inspect(engine: Engine, options: argparse.Namespace) -> int:
    if not engine.answers:
        return said(NO_DAEMON)
    for name in options.names:
        try:
            container = engine.container(name)
        except DaemonError:
            return said(f"Error: No such object: {name}")
        asked = re.fullmatch(r"\{\{\.NetworkSettings\.Networks\.(\w+)\.IPAddress\}\}", options.format)
        if asked is None:
            return said(f"template parsing error: nobody knows {options.format}")
        print(container.networks.get(asked[1], "<no value>"))
    return 0


def execute(engine: Engine, options: argparse.Namespace) -> int:
    try:
        if not engine.answers:
            raise DaemonError
        container = engine.ready_for_exec(options.name)
    except DaemonError as error:
        return refused(engine, error)
    if options.command != ["cat", REMEMBERED]:
        return said(f"nobody knows {options.command}")
    sys.stdout.write(container.started_as)
    return 0


def image_inspect(engine: Engine, options: argparse.Namespace) -> int:
    if not engine.answers:
        return said(NO_DAEMON)
    if options.name not in engine.images():
        if not options.format:
            print("[]")
        return said(f"Error response from daemon: No such image: {options.name}")
    print("" if options.format else json.dumps([{"RepoTags": [options.name]}]))
    return 0


def build(engine: Engine, options: argparse.Namespace) -> int:
    """Without an engine, as the tests build; what comes out is the image that Docker would have."""
    if not engine.answers:
        return said(NO_DAEMON)
    from tests.images.build import archive_of  # noqa: PLC0415 - that takes longer than all else here
    from tests.images.catalogue import IMAGES, Image  # noqa: PLC0415
    from tests.images.suites import BY_NAME, USUAL  # noqa: PLC0415

    context = options.context.resolve()
    file = options.file.resolve() if options.file.parent.name else context / options.file
    known = [image for image in IMAGES.values() if image.context / image.dockerfile == file]
    arguments = dict(argument.split("=", 1) for argument in options.build_arg)
    usual = known[0].suite if known else USUAL
    image = Image(
        reference=f"docker.io/library/{options.tag}",
        context=context,
        # What the Dockerfile copies, where that is known; else all that is there.
        inputs=known[0].inputs if known else tuple(each.name for each in context.iterdir()),
        suite=BY_NAME[arguments.get("DEBIAN", usual.name)],
        dockerfile=str(file.relative_to(context)),
        arguments=arguments,
    )
    engine.add_image(options.tag, str(archive_of(options.tag.partition(":")[0], image)))
    return 0
