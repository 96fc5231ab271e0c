"""Pods' names before what the pods say, each in its colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "bright_red")


def painted(pods: Sequence[str], *, coloured: bool) -> Mapping[str, str]:
    """The names in one width, in a colour each."""
    width = max(map(len, pods), default=0)
    names = {pod: pod.ljust(width) for pod in pods}
    if not coloured:
        return names
    return {pod: click.style(name, COLOURS[index % len(COLOURS)]) for index, (pod, name) in enumerate(names.items())}
