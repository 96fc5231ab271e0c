"""The container's environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elixircluster.api.resource import ElixirCluster
from elixircluster.render import discovery, vm
from elixircluster.render.names import cookie_key
from elixircluster.render.runtimes import TEMPORARY, CookieReference, runtime

# 64 MB: enough for a crash dump's head, and never a full disk.
CRASH_DUMP_BYTES = 64 * 1024 * 1024

Json = Any


def environment(cluster: ElixirCluster) -> list[dict[str, Json]]:
    """All variables. The kubelet expands `$(X)` from earlier entries only, so the order counts.

    An entry of `env` replaces one of ours, but for those that the schema keeps to the operator. What comes by `envFrom`
    replaces none, because Kubernetes takes a container's `env` over it.
    """
    serves = {"PHX_SERVER": "true"} if cluster.spec.web else {}
    return _with_theirs(cluster, _ours(cluster, runtime(cluster).environment(cluster), serves))


def environment_alone(cluster: ElixirCluster) -> list[dict[str, Json]]:
    """The same for what the release runs beside its nodes: it has no name, connects with nobody and serves nobody."""
    return _with_theirs(cluster, _ours(cluster, runtime(cluster).alone(cluster), {}))


def _ours(cluster: ElixirCluster, of_the_runtime: Mapping[str, Json], of_a_server: Mapping[str, Json]) -> Json:
    spec = cluster.spec
    return {
        "POD_NAME": _field("metadata.name"),
        "POD_NAMESPACE": _field("metadata.namespace"),
        "POD_IP": _field("status.podIP"),
        "HOME": TEMPORARY,
        "ERL_CRASH_DUMP": f"{TEMPORARY}/erl_crash.dump",
        "ERL_CRASH_DUMP_BYTES": str(CRASH_DUMP_BYTES),
        **of_the_runtime,
        "ERL_FLAGS": vm.machine_flags(cluster),
        **({"PORT": str(spec.web.port)} if spec.web else {}),
        **of_a_server,
        **({"ECTO_IPV6": "true"} if spec.distribution.ip_family == "IPv6" else {}),
        **discovery.environment(cluster),
    }


def _with_theirs(cluster: ElixirCluster, ours: Mapping[str, Json]) -> list[dict[str, Json]]:
    theirs = {entry.name: entry for entry in cluster.spec.env}
    return [
        *(_entry(cluster, name, value) for name, value in ours.items() if name not in theirs),
        *(entry.model_dump(by_alias=True, exclude_none=True) for entry in theirs.values()),
    ]


def _field(path: str) -> Json:
    return {"fieldRef": {"fieldPath": path}}


def _entry(cluster: ElixirCluster, name: str, value: Json) -> dict[str, Json]:
    if isinstance(value, str):
        return {"name": name, "value": value}
    return {"name": name, "valueFrom": _cookie(cluster) if isinstance(value, CookieReference) else value}


def _cookie(cluster: ElixirCluster) -> Json:
    return {"secretKeyRef": cookie_key(cluster).model_dump(by_alias=True)}
