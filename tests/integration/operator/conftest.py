"""One Kubernetes, one operator in front of it, and a namespace for each test."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import images as catalogue
from tests.cluster import Cluster, UnsupportedError, up
from tests.images.suites import BOOKWORM
from tests.integration.operator.client import Client, Namespace, eventually

ROOT = Path(__file__).resolve().parents[3]
NAMES = itertools.count(1)
OLDEST = catalogue.named("chat", BOOKWORM)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.cluster)


class Operator:
    """The operator as a process of this machine."""

    def __init__(self, cluster: Cluster, log: Path, port: int, *options: str) -> None:
        self._log = log
        ports = ("--metrics-port", str(port), "--health-port", str(port + 1))
        command = [sys.executable, "-m", "elixircluster", "run", *ports, *options]
        environment = {"KUBECONFIG": str(cluster.kubeconfig_inside), "PYTHONPATH": str(ROOT / "operator")}
        with log.open("w") as file:
            self._process = subprocess.Popen(
                cluster.run_inside(command), env=os.environ | environment, stderr=file, stdout=file, cwd=log.parent
            )

    def lines(self) -> list[dict[str, Any]]:
        """What it logged."""
        return [
            json.loads(line) if line.startswith("{") else {"message": line, "exception": line}
            for line in self._log.read_text().splitlines()
        ]

    def wait(self) -> None:
        """Until it is at work."""
        eventually(lambda: any("resources" in line["message"] for line in self.lines()), seconds=60)

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def stop(self) -> int:
        """Ask it to end; its exit status."""
        self._process.terminate()
        return self._process.wait(30)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """A Kubernetes that knows the resource."""
    found = up("test")
    found.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds" / "elixirclusters.yaml"))
    found.wait_until_served("elixirclusters.elixircluster.dev")
    return found


@pytest.fixture(scope="session")
def operator(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """The operator, at work; it ends well when it is asked to."""
    process = Operator(cluster, tmp_path_factory.mktemp("operator") / "log", 18080)
    try:
        process.wait()
        yield process
    finally:
        status = process.stop()
    assert status == 0


@pytest.fixture(autouse=True)
def no_tracebacks(operator: Operator) -> Iterator[None]:
    """Whatever a test does, the operator has an answer to it."""
    before = len(operator.lines())
    yield
    if not operator.alive():
        pytest.exit(f"the operator ended: {operator.lines()[-5:]}")
    assert [line for line in operator.lines()[before:] if "exception" in line] == []


@pytest.fixture(scope="session")
def client(cluster: Cluster) -> Client:
    return Client(cluster.kubeconfig)


def _namespace(client: Client) -> Iterator[Namespace]:
    name = f"t{os.getpid()}-{next(NAMES)}"
    client.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield Namespace(client, name)
    client.call("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def namespace(client: Client) -> Iterator[Namespace]:
    """A namespace for one test."""
    yield from _namespace(client)


@pytest.fixture(scope="module")
def shared(client: Client) -> Iterator[Namespace]:
    """A namespace for the tests of a module."""
    yield from _namespace(client)


@pytest.fixture(scope="session")
def images(cluster: Cluster) -> dict[str, str]:
    """The example release in two versions, and on the oldest OTP, by name."""
    names = ("chat", "chat-v2", OLDEST)
    try:
        cluster.load(*(catalogue.archive(name) for name in names))
    except UnsupportedError as reason:
        pytest.skip(str(reason))
    return {name: catalogue.IMAGES[name].reference for name in names}
