"""Building with a Docker engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from .catalogue import Image
from .steps import console, output, run


@cache
def answers() -> bool:
    """Whether there is an engine to talk to: the client alone is no use."""
    return bool(output(["docker", "info", "--format", "{{.ServerVersion}}"]))


def build(image: Image, archive: Path) -> None:
    """Build the image and save it."""
    for base in to_pull(image):
        console.print(f"{base} is not at hand: docker pulls it")
    arguments = [f"--build-arg={key}={value}" for key, value in image.settings.items()]
    dockerfile = image.context / image.dockerfile
    run(
        f"docker build {image.reference}",
        ["docker", "build", *arguments, "--file", dockerfile, "--tag", image.reference, image.context],
    )
    run(f"docker save {image.reference}", ["docker", "save", "--output", archive, image.reference])


def to_pull(image: Image) -> list[str]:
    """What a registry is asked for; all else comes from Debian's and Python's package servers."""
    text = (image.context / image.dockerfile).read_text()
    return [base for base in bases(text, image.settings) if output(["docker", "image", "inspect", base]) is None]


def bases(dockerfile: str, arguments: Mapping[str, str]) -> list[str]:
    """The images that the stages of a Dockerfile start from, without those that are stages of it."""
    values = dict(re.findall(r"^ARG (\w+)=(\S+)$", dockerfile, re.M)) | dict(arguments)
    found: dict[str, None] = {}
    stages: set[str] = set()
    for name, stage in re.findall(r"^FROM (\S+)(?: AS (\S+))?$", dockerfile, re.M):
        base = name
        while "$" in base:
            base = re.sub(r"\$\{(\w+)\}", lambda variable: values[variable[1]], base)
        if base not in stages:
            found[base] = None
        stages.add(stage)
    return list(found)
