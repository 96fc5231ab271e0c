"""A Kubernetes of its own: what is broken here would break others' tests."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster, up

from .client import Client
from .process import ROOT

CAMPAIGN = bool(os.environ.get("ELIXIRCLUSTER_CAMPAIGN"))
"""All plans, not a sample of them: `make campaign-faults`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(7200 if CAMPAIGN else 600))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    made = up("bench-faults")
    made.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds" / "elixirclusters.yaml"))
    made.wait_until_served("elixirclusters.elixircluster.dev")
    yield made
    if not os.environ.get("ELIXIRCLUSTER_KEEP"):
        made.down()


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[Client]:
    async with Client.of(cluster.kubeconfig) as client:
        yield client
