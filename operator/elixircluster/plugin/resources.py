"""The resources and their pods, as the user's kubectl gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

from elixircluster.plugin.kubectl import Kubectl, KubectlError
from elixircluster.plugin.target import said

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
    return members(_get(kubectl, "pods", "--selector", selector(name))["items"])


def members(pods: Iterable[Object]) -> list[Object]:
    """Those that a StatefulSet made, by ordinal: a copy that somebody debugs has the same labels, and is none."""
    made = [pod for pod in pods if any(_made(owner) for owner in pod["metadata"].get("ownerReferences") or [])]
    return sorted(made, key=lambda pod: ordinal(pod["metadata"]["name"]))


def _made(owner: Object) -> bool:
    return bool(owner.get("controller")) and owner.get("kind") == "StatefulSet"


def selector(name: str) -> str:
    """The label selector of the members."""
    return f"elixircluster.dev/cluster={name},app.kubernetes.io/component=node"


def ordinal(pod: str) -> int:
    """The number at the end of a member's name."""
    number = pod.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


def is_ready(pod: Object) -> bool:
    """Whether a pod is ready and stays."""
    conditions = pod.get("status", {}).get("conditions") or []
    ready = any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def ready_pods(kubectl: Kubectl, name: str, wanted: str | None = None) -> list[str]:
    """The names of the ready pods, or `wanted` alone if that is one of the pods, ready or not.

    Raises `KubectlError` where there is none, or where `wanted` is no member.
    """
    found = {pod["metadata"]["name"]: is_ready(pod) for pod in pods(kubectl, name)}
    if wanted:
        if wanted not in found:
            raise KubectlError(f"{wanted} is no pod of {name}; its pods are {', '.join(found) or 'none'}")
        # Who is not ready may be asked by name: that is often why one asks.
        return [wanted]
    if not any(found.values()):
        raise KubectlError(f"no pod of {name} is ready; see kubectl elixir status {name}")
    return [pod for pod, ready in found.items() if ready]


def condition(body: Object, kind: str) -> Object:
    """A condition of a resource; empty where there is none."""
    found: Sequence[Object] = body.get("status", {}).get("conditions") or []
    return next((item for item in found if item["type"] == kind), {})


def complete(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Names of resources for the shell to complete."""
    return _begun(begun, lambda: every(said(context)))


def complete_pod(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Names of the pods of the resource that stands before, for the shell to complete."""
    # Arguments are not sorted yet where an option still waits for its value.
    name = context.params.get("name") or next(iter(context.args), None)
    return _begun(begun, lambda: pods(said(context), name)) if name else []


def _begun(begun: str, found: Callable[[], Sequence[Object]]) -> list[str]:
    try:
        names = [body["metadata"]["name"] for body in found()]
    except KubectlError:
        return []
    return [name for name in names if name.startswith(begun)]


def _get(kubectl: Kubectl, *arguments: str) -> Any:
    try:
        return kubectl.json("get", *arguments)
    except KubectlError as error:
        if UNKNOWN_KIND in error.message:
            raise KubectlError(NOT_INSTALLED) from None
        raise
