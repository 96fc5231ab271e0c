"""Three machines, the operator by its chart, and a cluster of three nodes: the stories follow each other on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests import cluster as clusters
from tests.cluster.provider import choose
from tests.cluster.state import read_state
from tests.e2e.release import Release
from tests.e2e.user import RESTRICTED, Namespace
from tests.images import archive

from .report import Report
from .stage import RESOURCE, Stage

HERE = Path(__file__).parent
CAMPAIGN = bool(os.environ.get("ELIXIRCLUSTER_CAMPAIGN"))
"""Every loss of every machine, and what takes minutes of waiting for Kubernetes."""

CLUSTER = "machines"
SYSTEM = "elixircluster-system"
USERS = "machines"

only_in_campaigns = pytest.mark.skipif(not CAMPAIGN, reason="takes minutes: ELIXIRCLUSTER_CAMPAIGN=1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """The cluster, left as it was found, up or down."""
    provider = choose(CLUSTER)
    was_up = bool(read_state(provider.layout))
    try:
        kubernetes = clusters.up(CLUSTER, dns_ttl=5, nodes=3)
        kubernetes.load(*map(archive, ("operator", "chat")))
        for name in (SYSTEM, USERS):
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}}
            kubernetes.kubectl("apply", "-f", "-", input=yaml.safe_dump(body))
        release = Release(kubernetes, Namespace(kubernetes, SYSTEM))
        release.install({"podAnnotations": {"image": archive("operator").stem}})
        namespace = Namespace(kubernetes, USERS)
        namespace.kubectl("delete", "elixirclusters", "--all")
        namespace.apply(RESOURCE)
        yield Stage(kubernetes, release, namespace)
    finally:
        if not was_up:
            provider.down()


@pytest.fixture
def whole(stage: Stage) -> Stage:
    """The stage, with one node on each machine."""
    stage.wait_until_whole()
    stage.spread()
    return stage


@pytest.fixture(scope="session")
def report() -> Iterator[Report]:
    """What the stories measured; a campaign writes it down."""
    found = Report()
    yield found
    print(f"\n{found.table()}")
    if CAMPAIGN:
        found.write()
