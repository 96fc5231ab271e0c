"""A Kubernetes with the examples of every runtime, and an operator in front of it."""

from __future__ import annotations

import contextlib
import inspect
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import cluster as clusters
from tests import images
from tests.cluster import Cluster, UnsupportedError
from tests.cluster.provider import choose
from tests.cluster.state import read_state
from tests.e2e.user import RESTRICTED, ROOT, Namespace, comes_true
from tests.images import UnavailableError

from .cells import RELEASES, SAMPLE, cells

HERE = Path(__file__).parent
CAMPAIGN = bool(os.environ.get("ELIXIRCLUSTER_CAMPAIGN"))
"""Every cell and every story, not a sample."""

NAME = "matrix"
DNS_TTL = 5
KNOWS_FAMILIES = "ip_family" in inspect.signature(clusters.up).parameters
IMAGES = {"chat-v2", "chat-fly", *RELEASES.values(), *(cell.image for cell in SAMPLE)}
IMAGES_OF_CAMPAIGNS = IMAGES | {cell.image for cell in cells()}

only_in_campaigns = pytest.mark.skipif(not CAMPAIGN, reason="takes minutes: ELIXIRCLUSTER_CAMPAIGN=1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(3600))


LEASE = "elixircluster-matrix"


class Operator:
    """The operator as a process of this machine; started again when it ends, as a kubelet does.

    Of several runs at once in one cluster the first one's works, and the others' stand by.
    """

    def __init__(self, kubernetes: Cluster, log: Path) -> None:
        self._kubernetes = kubernetes
        self._log = log
        self._stopping = threading.Event()
        self._process = self._start()
        self._watch = threading.Thread(target=self._start_again, daemon=True)
        self._watch.start()

    def is_at_work(self) -> bool:
        return bool(
            self._kubernetes.kubectl("get", "lease", LEASE, "-o", "jsonpath={.spec.holderIdentity}", check=False)
        )

    def stop(self) -> None:
        self._stopping.set()
        self._process.terminate()
        self._watch.join(30)

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "elixircluster", "run", "--lease-name", LEASE, "--lease-namespace", "default"]
        command += ["--metrics-port", str(free_port()), "--health-port", str(free_port())]
        environment = {"KUBECONFIG": str(self._kubernetes.kubeconfig_inside), "PYTHONPATH": str(ROOT / "operator")}
        with self._log.open("ab") as file:
            return subprocess.Popen(
                self._kubernetes.run_inside(command),
                env=os.environ | environment,
                stdout=file,
                stderr=file,
                cwd=self._log.parent,
            )

    def _start_again(self) -> None:
        while self._process.wait() is not None and not self._stopping.wait(1):
            self._process = self._start()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def families(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Cluster]]:
    """A Kubernetes of an address family, with the operator at work in it; each is left up or down as it was found."""
    made: dict[str, Cluster] = {}
    operators: list[Operator] = []
    were_down: list[str] = []
    one_at_a_time = threading.Lock()

    def get(family: str) -> Cluster:
        with one_at_a_time:
            if family not in made:
                make(family)
            return made[family]

    def make(family: str) -> None:
        name = NAME if family == "IPv4" else f"{NAME}6"
        if not read_state(choose(name).layout):
            were_down.append(name)
        options: dict[str, Any] = {} if family == "IPv4" else {"ip_family": family}
        kubernetes = clusters.up(name, dns_ttl=DNS_TTL, **options)
        try:
            kubernetes.load(*archives(), clusters.images.busybox())
        except UnsupportedError as reason:
            pytest.skip(str(reason))
        kubernetes.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
        kubernetes.wait_until_served("elixirclusters.elixircluster.dev")
        operators.append(Operator(kubernetes, tmp_path_factory.mktemp("operator") / f"{family}.log"))
        assert comes_true(operators[-1].is_at_work, 120), "the operator did not start"
        made[family] = kubernetes

    try:
        yield get
    finally:
        for operator in operators:
            operator.stop()
        for name in were_down:
            choose(name).down()


def archives() -> Iterator[Path]:
    """Of every image that can be had."""
    for name in sorted(IMAGES_OF_CAMPAIGNS if CAMPAIGN else IMAGES):
        with contextlib.suppress(UnavailableError):
            yield images.archive(name)


def ensure_available(image: str) -> None:
    """Skips where it is made from a Debian that cannot be had today, and says why."""
    try:
        images.archive(image)
    except UnavailableError as why:
        pytest.skip(str(why))


@pytest.fixture(scope="session")
def kubernetes(families: Callable[[str], Cluster]) -> Cluster:
    return families("IPv4")


@pytest.fixture(scope="session")
def namespaces() -> Iterator[Callable[[Cluster, str], Namespace]]:
    """Makes namespaces, by the beginning of their names."""
    made: list[Namespace] = []
    run = secrets.token_hex(2)

    def make(kubernetes: Cluster, name: str) -> Namespace:
        full = f"{name}-{run}"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": full, "labels": RESTRICTED}}
        kubernetes.kubectl("apply", "-f", "-", input=yaml.safe_dump(body))
        made.append(Namespace(kubernetes, full))
        return made[-1]

    yield make
    for namespace in made:
        namespace.kubernetes.kubectl("delete", "namespace", "--wait=false", "--ignore-not-found", namespace.name)


@pytest.fixture
def namespace(
    kubernetes: Cluster, namespaces: Callable[[Cluster, str], Namespace], request: pytest.FixtureRequest
) -> Iterator[Namespace]:
    """A namespace for one test; gone as soon as the test is over, for the sake of the machine."""
    made = namespaces(kubernetes, f"m{abs(hash(request.node.name)) % 10000}")
    yield made
    remove(made)


def remove(namespace: Namespace) -> None:
    """Everything in it first, at once: nobody waits for these pods."""
    namespace.kubectl("delete", "elixirclusters", "--all", "--wait=false")
    namespace.kubectl("delete", "namespace", "--wait=false", "--ignore-not-found", namespace.name)
    namespace.kubectl("delete", "pods", "--all", "--grace-period=0", "--force", "--wait=false", check=False)


@pytest.fixture(scope="session")
def side_by_side() -> Iterator[Callable[..., Future[Any]]]:
    """Starts stories that go on at once, a few at a time: each is three virtual machines that start."""
    with ThreadPoolExecutor(max_workers=int(os.environ.get("ELIXIRCLUSTER_MATRIX_WORKERS", "3"))) as pool:
        yield pool.submit
        pool.shutdown(cancel_futures=True)
