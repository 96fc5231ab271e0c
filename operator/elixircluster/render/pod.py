"""The parts of the pod template that take a decision: environment, probes, volumes, spread."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from elixircluster.api.resource import GROUP, ElixirCluster
from elixircluster.api.service import Check
from elixircluster.render import discovery, vm
from elixircluster.render.names import (
    COMPONENT_LABEL,
    CONTAINER,
    GENERATED_COOKIE_KEY,
    labels,
    names,
    selector,
)

TEMPORARY = "/tmp"  # noqa: S108 - a folder of the container, an emptyDir of its own
FILES_PREFIX = "file."

# 64 MB: enough for a crash dump's head, and never a full disk.
CRASH_DUMP_BYTES = 64 * 1024 * 1024

Json = Any


def pod(cluster: ElixirCluster, config: dict[str, str], cookie_identity: str) -> dict[str, Json]:
    """What the StatefulSet's template needs beside the spec."""
    spec = cluster.spec
    return {
        "container": CONTAINER,
        "labels": {**spec.pod_metadata.labels, **labels(cluster), COMPONENT_LABEL: "node"},
        "annotations": {
            **spec.pod_metadata.annotations,
            # What a running node has read at its start; where it changes, nodes must be replaced.
            f"{GROUP}/config": digest(config),
            f"{GROUP}/cookie": cookie_identity,
        },
        "image_pull_secrets": [{"name": reference.name} for reference in spec.image_pull_secrets],
        "env": env(cluster),
        "ports": ports(cluster),
        "probes": probes(cluster),
        "spread": spread(cluster),
        "volumes": volumes(cluster, config),
        "volume_mounts": [
            {"name": "tmp", "mountPath": TEMPORARY},
            {"name": "config", "mountPath": vm.CONFIG_FOLDER, "readOnly": True},
            *spec.volume_mounts,
        ],
    }


def digest(config: dict[str, str]) -> str:
    """A short name for the content."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]


def config_files(cluster: ElixirCluster) -> dict[str, str]:
    """Data of the ConfigMap: the operator's files and the user's."""
    return {
        vm.REMOTE_VM_ARGS: vm.remote_vm_args(),
        vm.LIBCLUSTER_CONFIG: discovery.libcluster_config(cluster),
        **{f"{FILES_PREFIX}{name}": text for name, text in cluster.spec.files.items()},
    }


def env(cluster: ElixirCluster) -> list[dict[str, Json]]:
    """The container's environment. The kubelet expands `$(X)` from earlier entries only, so the order counts."""
    spec = cluster.spec
    reference = spec.distribution.cookie.secret_ref
    cookie = {
        "name": reference.name if reference else names(cluster).cookie,
        "key": reference.key if reference else GENERATED_COOKIE_KEY,
    }
    ours: dict[str, Json] = {
        "POD_NAME": _field("metadata.name"),
        "POD_NAMESPACE": _field("metadata.namespace"),
        "POD_IP": _field("status.podIP"),
        "RELEASE_DISTRIBUTION": "name",
        "RELEASE_NODE": discovery.node_name(cluster),
        "RELEASE_COOKIE": {"secretKeyRef": cookie},
        "RELEASE_REMOTE_VM_ARGS": f"{vm.CONFIG_FOLDER}/{vm.REMOTE_VM_ARGS}",
        "RELEASE_TMP": TEMPORARY,
        "HOME": TEMPORARY,
        "ERL_CRASH_DUMP": f"{TEMPORARY}/erl_crash.dump",
        "ERL_CRASH_DUMP_BYTES": str(CRASH_DUMP_BYTES),
        "ERL_AFLAGS": vm.distribution_flags(cluster),
        "ERL_FLAGS": vm.machine_flags(cluster),
        **({"PORT": str(spec.web.port), "PHX_SERVER": "true"} if spec.web else {}),
        **discovery.environment(cluster),
    }
    theirs = {entry.name: entry for entry in spec.env}
    return [
        *(_entry(name, value) for name, value in ours.items() if name not in theirs),
        *(entry.model_dump(by_alias=True, exclude_none=True) for entry in theirs.values()),
    ]


def _field(path: str) -> Json:
    return {"fieldRef": {"fieldPath": path}}


def _entry(name: str, value: Json) -> dict[str, Json]:
    return {"name": name, "value": value} if isinstance(value, str) else {"name": name, "valueFrom": value}


def ports(cluster: ElixirCluster) -> list[dict[str, Json]]:
    """The container's ports."""
    spec = cluster.spec
    web = [{"name": "http", "containerPort": spec.web.port}] if spec.web else []
    return [{"name": "dist", "containerPort": spec.distribution.port}, *web]


def probes(cluster: ElixirCluster) -> dict[str, Json]:
    """Startup gives a release five minutes to boot and looks every second, so that a fast one is ready at once."""
    health = cluster.spec.health
    wanted = {
        "startupProbe": (health.startup, {"periodSeconds": 1, "failureThreshold": 300}),
        "readinessProbe": (health.readiness, {"periodSeconds": 5, "failureThreshold": 3}),
        "livenessProbe": (health.liveness, {"periodSeconds": 10, "failureThreshold": 6}),
    }
    return {
        name: probe(cluster, check, defaults)
        for name, (check, defaults) in wanted.items()
        if check and not check.disabled
    }


def probe(cluster: ElixirCluster, check: Check, defaults: dict[str, int]) -> dict[str, Json]:
    """One probe, as in a container."""
    spec = cluster.spec
    default_port = spec.web.port if spec.web else spec.distribution.port
    if check.http_get:
        action = {"httpGet": {"path": check.http_get.path, "port": check.http_get.port or default_port}}
    else:
        action = {"tcpSocket": {"port": (check.tcp and check.tcp.port) or default_port}}
    said = {
        "periodSeconds": check.period_seconds,
        "timeoutSeconds": check.timeout_seconds,
        "failureThreshold": check.failure_threshold,
    }
    return {**action, **defaults, **{key: value for key, value in said.items() if value}}


def spread(cluster: ElixirCluster) -> list[Json]:
    """Over Kubernetes nodes where possible, so that one of them takes one member."""
    said = cluster.spec.scheduling.topology_spread_constraints
    if said is not None:
        return said
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector(cluster)},
        }
    ]


def volumes(cluster: ElixirCluster, config: dict[str, str]) -> list[Json]:
    """A writable folder, since the root is read-only; the files; the user's."""
    items = [
        {
            "key": key,
            "path": f"files/{key.removeprefix(FILES_PREFIX)}" if key.startswith(FILES_PREFIX) else key,
        }
        for key in config
    ]
    return [
        {"name": "tmp", "emptyDir": {}},
        {"name": "config", "configMap": {"name": names(cluster).config, "items": items}},
        *cluster.spec.volumes,
    ]
