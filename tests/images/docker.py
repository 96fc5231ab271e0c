"""Building with a Docker engine."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from .catalogue import Image
from .steps import output, run


@cache
def answers() -> bool:
    """Whether there is an engine to talk to: the client alone is no use."""
    return bool(output(["docker", "info", "--format", "{{.ServerVersion}}"]))


def build(image: Image, archive: Path) -> None:
    """Build the image and save it."""
    arguments = [f"--build-arg={key}={value}" for key, value in image.arguments.items()]
    dockerfile = image.context / image.dockerfile
    run(
        f"docker build {image.reference}",
        ["docker", "build", *arguments, "--file", dockerfile, "--tag", image.reference, image.context],
    )
    run(f"docker save {image.reference}", ["docker", "save", "--output", archive, image.reference])
