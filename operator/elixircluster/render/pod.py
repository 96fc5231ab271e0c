"""The parts of the pod template that take a decision: environment, probes, volumes, spread."""

from __future__ import annotations

from typing import Any

from elixircluster.api.distribution import EPMD_PORT
from elixircluster.api.resource import GROUP, ElixirCluster
from elixircluster.api.service import Check
from elixircluster.render import vm
from elixircluster.render.config import FILES_PREFIX, identity
from elixircluster.render.discovery import strategy
from elixircluster.render.environment import environment
from elixircluster.render.names import (
    COMPONENT_LABEL,
    CONTAINER,
    certificate_secret,
    cookie_key,
    labels,
    names,
    selector,
)
from elixircluster.render.runtimes import TEMPORARY, runtime

# What old and new nodes must have in common to talk to each other.
DISTRIBUTION_ANNOTATION = f"{GROUP}/distribution"
COOKIE_ANNOTATION = f"{GROUP}/cookie"

# The files of a Secret belong to root and to the pod's fsGroup.
READABLE_BY_GROUP = 0o440

Json = Any


def pod(cluster: ElixirCluster, config: dict[str, str], cookie_identity: str) -> dict[str, Json]:
    """What the StatefulSet's template needs beside the spec."""
    spec = cluster.spec
    return {
        "container": CONTAINER,
        "token": strategy(cluster).asks_api,
        "labels": {**spec.pod_metadata.labels, **labels(cluster), COMPONENT_LABEL: "node"},
        "annotations": {
            **spec.pod_metadata.annotations,
            # What a running node has read at its start; where it changes, nodes must be replaced.
            f"{GROUP}/config": identity(cluster),
            DISTRIBUTION_ANNOTATION: distribution(cluster),
            COOKIE_ANNOTATION: cookie_identity,
        },
        "image_pull_secrets": [{"name": reference.name} for reference in spec.image_pull_secrets],
        "env": environment(cluster),
        "ports": ports(cluster),
        "probes": probes(cluster),
        "stop": runtime(cluster).stop,
        "spread": spread(cluster),
        "volumes": volumes(cluster, config),
        "volume_mounts": [
            {"name": "tmp", "mountPath": TEMPORARY},
            {"name": "config", "mountPath": vm.CONFIG_FOLDER, "readOnly": True},
            {"name": "cookie", "mountPath": vm.COOKIE_FOLDER, "readOnly": True},
            *([{"name": "tls", "mountPath": vm.TLS_FOLDER, "readOnly": True}] if vm.encrypted(cluster) else []),
            *spec.volume_mounts,
        ],
    }


def ports(cluster: ElixirCluster) -> list[dict[str, Json]]:
    """The container's ports."""
    spec = cluster.spec
    web = [{"name": "http", "containerPort": spec.web.port}] if spec.web else []
    epmd = [{"name": "epmd", "containerPort": EPMD_PORT}] if spec.distribution.epmd == "Enabled" else []
    return [{"name": "dist", "containerPort": spec.distribution.port}, *epmd, *web]


def distribution(cluster: ElixirCluster) -> str:
    """What must not differ between nodes that are to meet: protocol, port and how they are named."""
    said = cluster.spec.distribution
    epmd = "epmd" if said.epmd == "Enabled" else "no-epmd"
    return f"{vm.protocol(cluster)}/{said.port}/{epmd}/{strategy(cluster).naming}"


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
        {"name": "cookie", "secret": cookie_volume(cluster)},
        *([{"name": "tls", "secret": {"secretName": certificate_secret(cluster)}}] if vm.encrypted(cluster) else []),
        *cluster.spec.volumes,
    ]


def cookie_volume(cluster: ElixirCluster) -> Json:
    """The cookie's key of its Secret and no other, for the pods' group alone: the kubelet follows what is in it."""
    reference = cookie_key(cluster)
    item = {"key": reference.key, "path": vm.COOKIE_FILE.rpartition("/")[2]}
    return {"secretName": reference.name, "defaultMode": READABLE_BY_GROUP, "items": [item]}
