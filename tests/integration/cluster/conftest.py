"""Two clusters side by side, for the tests of the test cluster itself."""

from __future__ import annotations

import os

import pytest

from tests import cluster
from tests.cluster import images
from tests.cluster.embedded import Embedded
from tests.cluster.provider import choose

LEFT, RIGHT = "self-left", "self-right"


@pytest.fixture(scope="session")
def embedded_only():
    """These tests look at the machine that the cluster runs on."""
    if os.geteuid() != 0 or not isinstance(choose(LEFT), Embedded):
        pytest.skip("needs root and the embedded provider")


def _cluster(name, **options):
    try:
        up = cluster.up(name, **options)
        up.load(images.busybox())
        yield up
    finally:
        choose(name).down()


@pytest.fixture(scope="module")
def left(embedded_only):
    yield from _cluster(LEFT)


@pytest.fixture(scope="module")
def right(embedded_only):
    yield from _cluster(RIGHT, dns_ttl=7)
