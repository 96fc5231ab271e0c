"""The state of a namespace, with everything that may differ between two runs masked."""

from __future__ import annotations

import json
import re
from typing import Any

from elixircluster.kube.api import Kind

from .client import CHILD_KINDS, KINDS, Body, Client

REVISIONS = Kind("apps", "v1", "controllerrevisions", "ControllerRevision")
COMPARED = ("ElixirCluster", "Pod", *(kind.kind for kind in CHILD_KINDS))

# What time and chance decide. A cookie is never the same twice; a status of Kubernetes' own says what it looked at.
# What was wanted of a child has its namespace and its owner's uid in it, and so has the short name for that.
MASKED = {
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "time",
    "lastTransitionTime",
    "progressedAt",
    "upSince",
    "meshedSince",
    "startedAt",
    "endedAt",
    "elixircluster.dev/intent",
    "elixircluster.dev/template",
    "written",
    "lastProbeTime",
    "startTime",
    "clusterIP",
    "clusterIPs",
    "nodePort",
    "cookie",
}


async def snapshot(client: Client, namespace: str) -> dict[str, Any]:
    """Every object by kind and name, comparable with another namespace's."""
    bodies = {kind: await client.list(kind, namespace) for kind in COMPARED}
    revisions = (await client.call("GET", REVISIONS.path(namespace)))["items"]
    names = {namespace: "NAMESPACE"}
    for kind, items in bodies.items():
        names |= {item["metadata"]["uid"]: f"UID-{kind}-{item['metadata']['name']}" for item in items}
    # A name that follows from content with the namespace in it.
    for item in bodies["StatefulSet"]:
        names[item["spec"]["template"]["metadata"]["annotations"]["elixircluster.dev/config"]] = "CONFIG"
    for number, item in enumerate(sorted(revisions, key=lambda item: item["revision"]), start=1):
        names[item["metadata"]["labels"]["controller.kubernetes.io/hash"]] = f"REVISION-{number}"
    pattern = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))
    return {
        f"{kind} {item['metadata']['name']}": json.loads(
            pattern.sub(lambda match: names[match[0]], json.dumps(masked(item), sort_keys=True))
        )
        for kind, items in bodies.items()
        for item in items
        if item["metadata"]["name"] not in {"default", "kube-root-ca.crt"}
    }


def masked(value: Any, path: tuple[str, ...] = ()) -> Any:
    if isinstance(value, dict):
        return {key: "…" if is_masked(key, path) else masked(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        items = [masked(item, path) for item in value]
        return (
            sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
            if path[-1:] == ("managedFields",)
            else items
        )
    return value


def is_masked(key: str, path: tuple[str, ...]) -> bool:
    # An owner's uid must be the resource's; a field's name in managedFields is no value.
    return key in MASKED and "fieldsV1" not in path and not (key == "uid" and path[-1:] == ("ownerReferences",))


def differences(left: Any, right: Any, path: str = "") -> list[str]:
    """Where two values differ, one line each."""
    if isinstance(left, dict) and isinstance(right, dict):
        return [
            line
            for key in sorted(left.keys() | right.keys())
            for line in (
                differences(left[key], right[key], f"{path}/{key}")
                if key in left and key in right
                else [f"{path}/{key}: only {'expected' if key in left else 'found'}"]
            )
        ]
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return [
            line
            for index, (a, b) in enumerate(zip(left, right, strict=True))
            for line in differences(a, b, f"{path}[{index}]")
        ]
    return [] if left == right else [f"{path}: expected {left!r}, found {right!r}"]


async def settled(client: Client, namespace: str) -> bool:
    """Whether Kubernetes' own controllers are done: every StatefulSet has its pods and every pod was looked at."""
    sets, pods = await client.list("StatefulSet", namespace), await client.list("Pod", namespace)
    wanted = sum(item["spec"]["replicas"] for item in sets)
    looked_at = [
        pod
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        and any(condition["type"] == "PodScheduled" for condition in pod.get("status", {}).get("conditions", []))
    ]
    observed = all(item["status"].get("observedGeneration") == item["metadata"]["generation"] for item in sets)
    counted = all(item["status"].get("replicas") == item["spec"]["replicas"] for item in sets)
    return observed and counted and len(pods) == len(looked_at) == wanted and await reported(client, namespace)


async def reported(client: Client, namespace: str) -> bool:
    """Whether the resources' status is about their newest spec."""
    return all(
        item.get("status", {}).get("observedGeneration") == item["metadata"]["generation"]
        and item["status"].get("replicas") == item["spec"]["replicas"]
        for item in await client.list("ElixirCluster", namespace)
    )


def cookie_of(secrets: list[Body]) -> dict[str, str]:
    """The cookies by Secret."""
    return {
        item["metadata"]["name"]: item["data"]["cookie"] for item in secrets if "cookie" in (item.get("data") or {})
    }


assert set(COMPARED) <= KINDS.keys()
