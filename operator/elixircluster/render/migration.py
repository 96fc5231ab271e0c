"""The Job that runs a migration: the release's image and surroundings, and no node."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from elixircluster.api.migration import Migration
from elixircluster.api.resource import GROUP, ElixirCluster
from elixircluster.render.environment import environment_alone
from elixircluster.render.names import COMPONENT_LABEL, CONTAINER, MIGRATION, labels, names
from elixircluster.render.pod import pod

ATTEMPT_ANNOTATION = f"{GROUP}/migration-attempt"
"""On the Job: a short name for the spec that it was made of. A migration that failed is tried again with another."""
IMAGE_ANNOTATION = f"{GROUP}/migration-image"
"""On the Job: the image whose migration it is, whatever a podTemplate makes of the container's."""
ATTEMPT_LENGTH = 10
OF_NODES = ("lifecycle", "livenessProbe", "ports", "readinessProbe", "startupProbe")
"""What a container has as a node."""
BESIDE = {"replicas", "paused", "update"}
"""Fields that a migration does not depend on."""

Json = Any


def attempt(cluster: ElixirCluster) -> str:
    """A short name for what is tried: the spec, and what was asked for by `kubectl elixir retry`."""
    said = [cluster.uid, cluster.spec.model_dump(by_alias=True, exclude_defaults=True, exclude=BESIDE), cluster.retry]
    text = json.dumps(said, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:ATTEMPT_LENGTH]


def migration_name(cluster: ElixirCluster) -> str:
    """The Job of this attempt."""
    return f"{cluster.name}-{MIGRATION}-{attempt(cluster)}"


def migration_job(cluster: ElixirCluster, migration: Migration, config: dict[str, str]) -> dict[str, Json]:
    """What the Job's template needs beside its pod."""
    return {
        "name": migration_name(cluster),
        "annotations": {ATTEMPT_ANNOTATION: attempt(cluster), IMAGE_ANNOTATION: cluster.spec.image},
        "backoff_limit": migration.backoff_limit,
        "timeout_seconds": migration.timeout_seconds,
        "pod": migration_pod(cluster, migration, config),
    }


def migration_pod(cluster: ElixirCluster, migration: Migration, config: dict[str, str]) -> dict[str, Json]:
    """A node's pod without all by which it is one.

    A sidecar would keep it from its end. A proxy to the database that it needs is an init container with
    `restartPolicy: Always`.
    """
    spec = cluster.spec
    disks = {disk.name for disk in spec.storage}
    node = pod(cluster, config, "")
    return {
        **node,
        "service_account": migration.service_account_name or names(cluster).service_account,
        "labels": {**spec.pod_metadata.labels, **labels(cluster), COMPONENT_LABEL: MIGRATION},
        "annotations": spec.pod_metadata.annotations,
        "restart_policy": "Never",
        "command": migration.command,
        "args": [],
        "env": environment_alone(cluster),
        "env_from": [*spec.env_from, *migration.env_from],
        "ports": [],
        "probes": {},
        "lifecycle": {},
        "sidecars": [],
        "affinity": spec.scheduling.affinity,
        "spread": None,
        "volume_mounts": [mount for mount in node["volume_mounts"] if mount.get("name") not in disks],
    }


def without_a_node(template: dict[str, Json]) -> dict[str, Json]:
    """A pod template without what a podTemplate for nodes has brought back. What is none the API server refuses."""
    spec = template.get("spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(containers, list):
        return template
    own = [item for item in containers if isinstance(item, dict) and item.get("name") == CONTAINER]
    plain = [{key: value for key, value in container.items() if key not in OF_NODES} for container in own]
    return {**template, "spec": {**spec, "containers": plain, "restartPolicy": "Never"}}
