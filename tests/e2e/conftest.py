"""A cluster, the operator in it by its chart, and the examples applied: all tests here share them.

Most of the time is spent on waiting, so what does not depend on each other goes on at once: a fixture starts a few
stories side by side, and each test looks at how one of them went.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests import cluster as clusters
from tests.cluster import Cluster
from tests.cluster.provider import choose
from tests.cluster.state import read_state
from tests.images import IMAGES, UnavailableError, archive

from .release import Release
from .user import RESTRICTED, ROOT, Namespace, Object, together

HERE = ROOT / "tests" / "e2e"
NAME = "e2e"
SYSTEM = "elixircluster-system"
OTHER_STRATEGY = {"DNS": "DNSSRV", "DNSSRV": "DNS"}

# Who installs the operator as the pages say comes before everybody who needs one. What breaks things comes after what
# looks at them, and what looks at all that happened comes last.
ORDER = (
    "test_quickstart",
    "test_examples",
    "test_nodes",
    "test_mesh",
    "test_partitions",
    "test_runtimes",
    "test_plugin",
    "test_doctor",
    "test_updates",
    "test_starts",
    "test_migrations",
    "test_shutdown",
    "test_names_taken",
    "test_operator",
    "test_without_dns",
    "test_rotation",
    "test_cookie",
    "test_deletion",
    "test_rights",
)
LONGEST_SECONDS = 900  # the first test of all may build the images


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = [number for number, item in enumerate(items) if HERE in item.path.parents]
    ours = sorted((items[place] for place in places), key=lambda item: ORDER.index(item.path.stem))
    for place, item in zip(places, ours, strict=True):
        item.add_marker(pytest.mark.e2e)
        item.add_marker(pytest.mark.timeout(LONGEST_SECONDS))
        items[place] = item


@pytest.fixture(scope="session")
def kubernetes() -> Iterator[Cluster]:
    """A cluster with our images; left as it was found, up or down."""
    provider = choose(NAME)
    was_up = bool(read_state(provider.layout))
    try:
        # Kubernetes' own 30 s are the time that a node with a new address is unknown to the others.
        up = clusters.up(NAME, dns_ttl=5)
        try:
            up.load(*(archive(name) for name in needed_images()))
        except UnavailableError as why:
            pytest.skip(str(why))
        yield up
    finally:
        if not was_up:
            provider.down()


def needed_images() -> list[str]:
    examples = "".join(file.read_text() for file in (ROOT / "examples").glob("*.yaml"))
    return [
        "operator",
        "chat-v2",
        "chat-fly",
        "storefront",
        "storefront-v2",
        *(name for name, image in IMAGES.items() if f"{image.reference}\n" in examples),
    ]


def example_files() -> list[Any]:
    """Those of the chat, whose nodes answer `rpc`."""
    return sorted((ROOT / "examples").glob("chat*.yaml"))


@pytest.fixture(scope="session")
def audit_start(kubernetes: Cluster) -> int:
    """Where the audit log is when the tests begin."""
    try:
        return kubernetes.audit_position()
    except clusters.UnsupportedError:
        return 0


@pytest.fixture(scope="session")
def namespaces(kubernetes: Cluster) -> Iterator[Callable[[str], Namespace]]:
    """Makes namespaces, by the beginning of their names."""
    made: list[str] = []
    run = secrets.token_hex(2)

    def make(name: str) -> Namespace:
        full = f"{name}-{run}"
        metadata = {"name": full, "labels": RESTRICTED}
        kubernetes.kubectl("apply", "-f", "-", input=namespace_manifest(metadata))
        made.append(full)
        return Namespace(kubernetes, full)

    yield make
    if made:
        kubernetes.kubectl("delete", "namespace", "--wait=false", "--ignore-not-found", *made)


def namespace_manifest(metadata: Object) -> str:
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


@pytest.fixture(scope="session")
def operator(kubernetes: Cluster, audit_start: int) -> Release:
    """The operator, and the CustomResourceDefinition with it."""
    kubernetes.kubectl("apply", "-f", "-", input=namespace_manifest({"name": SYSTEM, "labels": RESTRICTED}))
    release = Release(kubernetes, Namespace(kubernetes, SYSTEM))
    # In a cluster that was up before, the same tag may have been another image.
    release.install({"podAnnotations": {"image": archive("operator").stem}})
    return release


@dataclass(frozen=True)
class Example:
    """A file of examples/, applied in a namespace of its own."""

    namespace: Namespace
    manifest: list[Object]

    @property
    def resource(self) -> Object:
        return next(body for body in self.manifest if body["kind"] == "ElixirCluster")

    @property
    def name(self) -> str:
        return str(self.resource["metadata"]["name"])

    @property
    def replicas(self) -> int:
        return int(self.resource["spec"]["replicas"])

    @property
    def strategy(self) -> str:
        return strategy_of(self.manifest)


def strategy_of(manifest: list[Object]) -> str:
    resource = next(body for body in manifest if body["kind"] == "ElixirCluster")
    return str(resource["spec"].get("discovery", {}).get("strategy", "DNS"))


def variants() -> dict[str, list[Object]]:
    """Every example as it is written, and once more under the other strategy of DNS."""
    found: dict[str, list[Object]] = {}
    for file in example_files():
        manifest = list(yaml.safe_load_all(file.read_text()))
        found[file.stem] = manifest
        if other := OTHER_STRATEGY.get(strategy_of(manifest)):
            turned = list(yaml.safe_load_all(file.read_text()))
            resource = next(body for body in turned if body["kind"] == "ElixirCluster")
            resource["spec"].setdefault("discovery", {})["strategy"] = other
            found[f"{file.stem}-by-{other.lower()}"] = turned
    return found


VARIANTS = sorted(variants())


@pytest.fixture(scope="session")
def examples(operator: Release, namespaces: Callable[[str], Namespace]) -> dict[str, Example]:
    """All examples, applied and ready."""
    found = {name: Example(namespaces(name), manifest) for name, manifest in variants().items()}
    together(*(lambda each=each: each.namespace.apply(*each.manifest) for each in found.values()))
    together(*(lambda each=each: each.namespace.wait_until_ready(each.name) for each in found.values()))
    return found


@pytest.fixture(scope="session")
def earlier_cookies() -> set[str]:
    """Cookies that were in use until nodes got another one."""
    return set()


@pytest.fixture(scope="module")
def side_by_side() -> Iterator[Callable[..., Future[Any]]]:
    """Starts stories that go on at once; a test waits for the one it is about."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        yield pool.submit
