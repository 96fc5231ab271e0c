"""Resources, pods and StatefulSets as the API server tells them, with what a test does not care about filled in."""

from __future__ import annotations

from typing import Any

from elixircluster.api.resource import API_VERSION, KIND, ElixirCluster, parse
from elixircluster.control.rollout import Pod, Workload
from elixircluster.render.objects import render
from elixircluster.render.templates import Templates

UID = "00000000-0000-0000-0000-000000000001"
NOW = "2026-01-01T00:00:00Z"
LATER = "2026-01-01T00:05:00Z"
TEMPLATES = Templates()


def body(name: str = "chat", namespace: str = "default", **spec: Any) -> dict[str, Any]:
    """An ElixirCluster as the API server gives it."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace, "uid": UID, "generation": 1, "resourceVersion": "100"},
        "spec": {"image": "chat:1", **spec},
    }


def cluster(name: str = "chat", namespace: str = "default", **spec: Any) -> ElixirCluster:
    """An ElixirCluster that was parsed."""
    return parse(body(name, namespace, **spec))


def children(resource: ElixirCluster) -> dict[str, dict[str, Any]]:
    """What is rendered, by kind; the headless Service is called Headless here."""
    objects = render(resource, TEMPLATES, "cookie-uid")
    return {"Headless" if item["metadata"]["name"].endswith("-nodes") else item["kind"]: item for item in objects}


def container(resource: ElixirCluster) -> dict[str, Any]:
    """The release's container."""
    found: dict[str, Any] = children(resource)["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
    return found


def variables(resource: ElixirCluster) -> dict[str, Any]:
    """The environment by name: a text, or where the value comes from."""
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container(resource)["env"]}


def pod(  # noqa: PLR0913 - the situations of a pod
    ordinal: int,
    revision: str = "old",
    *,
    ready: bool = True,
    terminating: bool = False,
    message: str = "",
    image: str = "chat:1",
    address: str | None = None,
) -> Pod:
    """A member."""
    return Pod(
        name=f"chat-{ordinal}",
        ordinal=ordinal,
        uid=f"uid-{ordinal}",
        resource_version="1",
        revision=revision,
        image=image,
        address=f"10.0.0.{ordinal}" if address is None else address,
        ready=ready and not terminating,
        terminating=terminating,
        message="" if ready and not terminating else message or "not ready",
    )


def workload(revision: str = "new", *, observed: bool = True, replicas: int = 3) -> Workload:
    """A StatefulSet."""
    return Workload(observed=observed, replicas=replicas, revision=revision)
