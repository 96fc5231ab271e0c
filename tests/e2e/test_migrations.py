"""What a release does once for an image, before its nodes start: with a release as people have them."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest

from . import storefront
from .shell import opened
from .storefront import NAME, shop
from .user import Namespace, comes_true

# A database that is there or not, and whether the one who asks is a node.
MIGRATE = """
System.get_env("DATABASE_URL") || raise("no database: set DATABASE_URL")
IO.puts("migrated, alive: #{Node.alive?()}, secret: #{byte_size(System.fetch_env!("SECRET_KEY_BASE")) > 40}")
"""
MIGRATION = {
    "command": ["bin/storefront", "eval", MIGRATE],
    "envFrom": [{"secretRef": {"name": "owner", "optional": True}}],
}
DATABASE = {"name": "DATABASE_URL", "value": "ecto://shop@db/shop"}


@dataclass
class Seen:
    """What was seen of one shop."""

    failed: dict[str, Any] = field(default_factory=dict)
    status: list[dict[str, Any]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    jobs: list[list[str]] = field(default_factory=list)
    sets: list[int] = field(default_factory=list)

    def look(self, namespace: Namespace) -> None:
        self.status.append(namespace.get("elixircluster", NAME)["status"]["migration"])
        jobs = namespace.items("jobs")
        self.jobs.append([job["metadata"]["name"] for job in jobs])
        self.sets.append(len(namespace.items("statefulsets")))
        self.told.append("".join(namespace.kubectl("logs", f"job/{name}") for name in self.jobs[-1]))


@pytest.fixture(scope="module")
def corrected(operator, namespaces, side_by_side) -> Future[Seen]:
    """The first migration fails; its spec is corrected; another image comes, and the first one again."""

    def story(namespace: Namespace) -> Seen:
        seen = Seen()
        namespace.apply(storefront.secret_key_base(), shop(migration=MIGRATION, **storefront.WEB))
        namespace.kubectl("wait", "--for=condition=Stalled", f"elixircluster/{NAME}", "--timeout=120s")
        seen.failed = namespace.condition(NAME, "Stalled")
        seen.look(namespace)
        namespace.patch(NAME, env=[*storefront.variables(), DATABASE])
        for image in (storefront.IMAGE, storefront.NEW_IMAGE, storefront.IMAGE):
            namespace.patch(NAME, image=image)
            namespace.wait_until_ready(NAME)
            seen.look(namespace)
        return seen

    started: Future[Seen] = side_by_side(story, namespaces("migrated"))
    return started


@pytest.fixture(scope="module")
def retried(operator, namespaces, side_by_side, tmp_path_factory) -> Future[Seen]:
    """What it needs comes later, and nothing of the spec is to change. Nodes that dial each other by name do not
    make one of it.
    """

    def story(namespace: Namespace) -> Seen:
        seen = Seen()
        strategy = {"strategy": "Static"}
        namespace.apply(storefront.secret_key_base(), shop(migration=MIGRATION, discovery=strategy, replicas=2))
        namespace.kubectl("wait", "--for=condition=Stalled", f"elixircluster/{NAME}", "--timeout=120s")
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "owner"}}
        namespace.apply({**secret, "stringData": {"DATABASE_URL": "ecto://owner@db/shop"}})
        assert namespace.condition(NAME, "Migrated")["reason"] == "MigrationFailed"
        opened(namespace, tmp_path_factory.mktemp("path")).run("retry", NAME)
        seen.look(namespace)
        return seen

    started: Future[Seen] = side_by_side(story, namespaces("retried"))
    return started


@pytest.fixture(scope="module")
def unlabelled(operator, namespaces, side_by_side) -> Future[Seen]:
    """Somebody takes the Job's labels away while it runs: no watch sees it, and no list by them."""

    def story(namespace: Namespace) -> Seen:
        seen = Seen()
        slow = {"command": ["bin/storefront", "eval", f"Process.sleep(10_000); {MIGRATE}"]}
        env = [*storefront.variables(), DATABASE]
        namespace.apply(storefront.secret_key_base(), shop(migration=slow, replicas=1, env=env))
        assert comes_true(lambda: namespace.items("jobs"), 60)
        namespace.kubectl("label", "jobs", "--all", "app.kubernetes.io/managed-by-", "elixircluster.dev/cluster-")
        namespace.wait_until_ready(NAME)
        seen.look(namespace)
        return seen

    started: Future[Seen] = side_by_side(story, namespaces("unlabelled"))
    return started


def test_a_job_whose_labels_somebody_takes_away_is_not_made_again(unlabelled):
    seen = unlabelled.result()
    assert seen.told == ["migrated, alive: false, secret: true\n"]
    assert seen.status[0]["result"] == "Complete"


def test_a_migration_that_fails_stops_the_first_node_and_tells_why(corrected):
    seen = corrected.result()
    assert seen.failed["reason"] == "MigrationFailed"
    assert "no database: set DATABASE_URL" in seen.failed["message"]
    assert seen.status[0]["result"] == "Failed"
    assert seen.sets == [0, 1, 1, 1]


def test_a_migration_runs_once_for_an_image_and_is_no_node(corrected):
    seen = corrected.result()
    assert seen.told[1] == "migrated, alive: false, secret: true\n"
    assert seen.status[2]["images"] == [storefront.NEW_IMAGE, storefront.IMAGE]
    assert len(seen.jobs[1]) == len(seen.jobs[2]) == 1
    assert seen.jobs[1] != seen.jobs[2]
    # Back, and nothing is migrated.
    assert seen.jobs[3] == []
    assert (seen.status[3]["image"], seen.status[3]["result"]) == (storefront.IMAGE, "Complete")


def test_what_failed_is_tried_again_when_somebody_asks(retried):
    seen = retried.result()
    assert seen.told == ["migrated, alive: false, secret: true\n"]
    assert seen.status[0]["result"] == "Complete"
