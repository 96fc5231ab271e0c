"""Images built with Docker: what it is going to ask a registry for."""

from __future__ import annotations

import pytest

from tests.images.catalogue import IMAGES, Image
from tests.images.docker import bases, to_pull

STAGES = """\
ARG BASE=debian:bookworm-slim
FROM ${BASE} AS dependencies
FROM golang:1.26 AS tools
FROM dependencies AS project
FROM ${BASE}
"""


@pytest.mark.parametrize(
    ("dockerfile", "arguments", "expected"),
    [
        ("FROM debian:bookworm-slim\nRUN true\n", {}, ["debian:bookworm-slim"]),
        (STAGES, {}, ["debian:bookworm-slim", "golang:1.26"]),
        (STAGES, {"BASE": "mine:1"}, ["mine:1", "golang:1.26"]),
    ],
)
def test_a_stage_starts_from_an_image_or_from_another_stage(dockerfile, arguments, expected):
    assert bases(dockerfile, arguments) == expected


def test_only_what_is_not_at_hand_is_pulled(laptop, tmp_path):
    """The build took minutes at this, and said nothing."""
    (tmp_path / "Dockerfile").write_text(STAGES)
    image = Image("docker.io/library/x:1", tmp_path, ())
    laptop.docker.add_image("golang:1.26")
    assert to_pull(image) == ["debian:bookworm-slim"]
    laptop.docker.add_image("debian:bookworm-slim")
    assert to_pull(image) == []


@pytest.mark.parametrize("name", IMAGES)
def test_our_images_start_from_debian_and_nothing_else(laptop, name):
    image = IMAGES[name]
    text = (image.context / image.dockerfile).read_text()
    assert all(base.startswith("debian:") for base in bases(text, image.settings))
