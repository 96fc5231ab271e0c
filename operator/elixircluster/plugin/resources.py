"""The resources and their pods, as the user's kubectl gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from elixircluster.plugin.kubectl import Kubectl, KubectlError

Object = Mapping[str, Any]

KIND = "elixirclusters.elixircluster.dev"
CONTAINER = "app"
UNKNOWN_KIND = "the server doesn't have a resource type"
NOT_INSTALLED = "this Kubernetes knows no ElixirCluster; install the operator, see the README's 'Your first cluster'"


def every(kubectl: Kubectl, *, all_namespaces: bool = False) -> list[Object]:
    """All resources of the namespace, or of all. Raises `KubectlError`."""
    found: list[Object] = _get(kubectl, KIND, *(["--all-namespaces"] if all_namespaces else []))["items"]
    return found


def one(kubectl: Kubectl, name: str) -> Object:
    """The resource called `name`. Raises `KubectlError` that tells which there are, where there is none."""
    try:
        found: Object = _get(kubectl, KIND, name)
    except KubectlError as error:
        if error.reason != "NotFound":
            raise
        names = [body["metadata"]["name"] for body in every(kubectl)]
        there = f"there are {', '.join(names)}" if names else "there is none; another --namespace?"
        raise KubectlError(f"no ElixirCluster is called {name} here; {there}") from None
    return found


def pods(kubectl: Kubectl, name: str) -> list[Object]:
    """The members, by ordinal. Raises `KubectlError`."""
    found = _get(kubectl, "pods", "--selector", selector(name))["items"]
    return sorted(found, key=lambda pod: ordinal(pod["metadata"]["name"]))


def selector(name: str) -> str:
    """The label selector of the members."""
    return f"elixircluster.dev/cluster={name},app.kubernetes.io/component=node"


def ordinal(pod: str) -> int:
    """The number at the end of a member's name."""
    number = pod.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


def is_ready(pod: Object) -> bool:
    """Whether a pod is ready and stays."""
    said = pod.get("status", {}).get("conditions") or []
    ready = any(item["type"] == "Ready" and item["status"] == "True" for item in said)
    return ready and "deletionTimestamp" not in pod["metadata"]


def ready_pods(kubectl: Kubectl, name: str, wanted: str | None = None) -> list[str]:
    """The names of the ready pods, or `wanted` alone if that is one of the pods, ready or not.

    Raises `KubectlError` where there is none, or where `wanted` is no member.
    """
    members = {pod["metadata"]["name"]: is_ready(pod) for pod in pods(kubectl, name)}
    if wanted:
        if wanted not in members:
            raise KubectlError(f"{wanted} is no pod of {name}; its pods are {', '.join(members) or 'none'}")
        # Who is not ready may be asked by name: that is often why one asks.
        return [wanted]
    if not any(members.values()):
        raise KubectlError(f"no pod of {name} is ready; see kubectl elixir status {name}")
    return [pod for pod, ready in members.items() if ready]


def condition(body: Object, kind: str) -> Object:
    """A condition of a resource; empty where there is none."""
    found: Sequence[Object] = body.get("status", {}).get("conditions") or []
    return next((item for item in found if item["type"] == kind), {})


def complete(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Names for the shell to complete."""
    from elixircluster.plugin.target import SAID  # noqa: PLC0415

    try:
        found = every(Kubectl(**context.meta.get(SAID, {})))
    except KubectlError:
        return []
    return [body["metadata"]["name"] for body in found if body["metadata"]["name"].startswith(begun)]


def _get(kubectl: Kubectl, *arguments: str) -> Any:
    try:
        return kubectl.json("get", *arguments)
    except KubectlError as error:
        if UNKNOWN_KIND in error.message:
            raise KubectlError(NOT_INSTALLED) from None
        raise
