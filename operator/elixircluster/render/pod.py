"""What the pod template is made of."""

from __future__ import annotations

from typing import Any

from elixircluster.api.distribution import EPMD_PORT
from elixircluster.api.resource import GROUP, ElixirCluster
from elixircluster.api.storage import Storage
from elixircluster.render import vm
from elixircluster.render.config import FILES_PREFIX, identity
from elixircluster.render.discovery import strategy
from elixircluster.render.distribution import Distribution
from elixircluster.render.environment import environment
from elixircluster.render.names import CONTAINER, certificate_secret, cookie_key, labels, names, selector
from elixircluster.render.placement import affinity, spread
from elixircluster.render.probes import probes
from elixircluster.render.runtimes import TEMPORARY
from elixircluster.render.security import companion, pod_security_context, security_context
from elixircluster.render.shutdown import grace_period_seconds, lifecycle

# What old and new nodes must have in common to talk to each other.
DISTRIBUTION_ANNOTATION = f"{GROUP}/distribution"
COOKIE_ANNOTATION = f"{GROUP}/cookie"
CONTENTS_ANNOTATION = f"{GROUP}/references"
"""A short name for what was in the Secrets and ConfigMaps of others, from when that was changed."""
# Without it the cluster autoscaler takes no machine away on which a pod has an emptyDir.
SAFE_TO_EVICT = {"cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes": "tmp"}

# The files of a Secret belong to root and to the pod's fsGroup.
READABLE_BY_GROUP = 0o440

Json = Any


def pod(cluster: ElixirCluster, config: dict[str, str], cookie_identity: str, contents: str = "") -> dict[str, Json]:
    """What the StatefulSet's template needs beside the spec."""
    spec = cluster.spec
    return {
        "container": CONTAINER,
        "service_account": names(cluster).service_account,
        "token": token(cluster),
        "labels": {**spec.pod_metadata.labels, **labels(cluster), **selector(cluster)},
        "annotations": {
            **SAFE_TO_EVICT,
            **spec.pod_metadata.annotations,
            # What a running node has read at its start; where it changes, nodes must be replaced.
            f"{GROUP}/config": identity(cluster),
            DISTRIBUTION_ANNOTATION: distribution(cluster),
            COOKIE_ANNOTATION: cookie_identity,
            **({CONTENTS_ANNOTATION: contents} if contents else {}),
        },
        "restart_policy": "",
        "security_context": pod_security_context(cluster),
        "grace_period_seconds": grace_period_seconds(cluster),
        "image_pull_secrets": [{"name": reference.name} for reference in spec.image_pull_secrets],
        "command": spec.release.command,
        "args": spec.release.args,
        "env": environment(cluster),
        "env_from": spec.env_from,
        "ports": ports(cluster),
        "probes": probes(cluster),
        "lifecycle": lifecycle(cluster),
        "container_security_context": security_context(cluster),
        "init_containers": [companion(container) for container in spec.init_containers],
        "sidecars": [companion(container) for container in spec.sidecars],
        "affinity": affinity(cluster),
        "spread": spread(cluster),
        "volumes": volumes(cluster, config),
        "volume_mounts": [
            {"name": "tmp", "mountPath": TEMPORARY},
            {"name": "config", "mountPath": vm.CONFIG_FOLDER, "readOnly": True},
            {"name": "cookie", "mountPath": vm.COOKIE_FOLDER, "readOnly": True},
            *([{"name": "tls", "mountPath": vm.TLS_FOLDER, "readOnly": True}] if vm.encrypted(cluster) else []),
            *({"name": disk.name, "mountPath": disk.mount_path} for disk in spec.storage),
            *spec.volume_mounts,
        ],
        "claims": [claim(disk) for disk in spec.storage],
    }


def token(cluster: ElixirCluster) -> bool:
    """Whether pods get their ServiceAccount's token."""
    said = cluster.spec.service_account.automount_token
    return strategy(cluster).asks_api if said is None else said


def ports(cluster: ElixirCluster) -> list[dict[str, Json]]:
    """The container's ports."""
    spec = cluster.spec
    web = [{"name": "http", "containerPort": spec.web.port}] if spec.web else []
    epmd = [{"name": "epmd", "containerPort": EPMD_PORT}] if spec.distribution.epmd == "Enabled" else []
    return [{"name": "dist", "containerPort": spec.distribution.port}, *epmd, *web]


def distribution(cluster: ElixirCluster) -> str:
    """What must not differ between nodes that are to meet, as their pods say it."""
    return str(Distribution.of(cluster))


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
        {"name": "tmp", "emptyDir": {"sizeLimit": cluster.spec.tmp.size_limit}},
        {"name": "config", "configMap": {"name": names(cluster).config, "items": items}},
        {"name": "cookie", "secret": cookie_volume(cluster)},
        *([{"name": "tls", "secret": {"secretName": certificate_secret(cluster)}}] if vm.encrypted(cluster) else []),
        *cluster.spec.volumes,
    ]


def claim(disk: Storage) -> Json:
    """A template of the StatefulSet's claims: its class is Kubernetes' default where none is said."""
    chosen = {"storageClassName": disk.storage_class_name} if disk.storage_class_name else {}
    return {
        "metadata": {"name": disk.name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": disk.size}},
            **chosen,
        },
    }


def cookie_volume(cluster: ElixirCluster) -> Json:
    """The cookie's key of its Secret and no other, for the pods' group alone: the kubelet follows what is in it."""
    reference = cookie_key(cluster)
    item = {"key": reference.key, "path": vm.COOKIE_FILE.rpartition("/")[2]}
    return {"secretName": reference.name, "defaultMode": READABLE_BY_GROUP, "items": [item]}
