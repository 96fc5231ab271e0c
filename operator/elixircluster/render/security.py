"""What a pod and its containers may do: by default what the Restricted Pod Security Standard allows, and no more.

An object that the user gives for the pod or the release stands in place of ours, and is not laid over it: Kubernetes
knows no way to take a field away that survives `kubectl apply`, and platforms such as OpenShift choose user and group
by themselves. What is asked of a container beside the release chooses neither: there ours is laid under theirs.
"""

from __future__ import annotations

from typing import Any

from elixircluster.api.resource import ElixirCluster

NOBODY = 65534
PRIVILEGED = ("SYS_ADMIN", "CAP_SYS_ADMIN")
"""A capability with which no container can be kept from gaining privileges."""

Json = Any


def pod_security_context(cluster: ElixirCluster) -> dict[str, Json]:
    """Of the pod."""
    said = cluster.spec.pod_security_context
    if said is not None:
        return said
    return {
        "runAsNonRoot": True,
        "runAsUser": NOBODY,
        "runAsGroup": NOBODY,
        "fsGroup": NOBODY,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def security_context(cluster: ElixirCluster) -> dict[str, Json]:
    """Of the release's container."""
    said = cluster.spec.security_context
    return {**restricted(), "readOnlyRootFilesystem": True} if said is None else said


def restricted() -> dict[str, Json]:
    """What the standard asks of every container, and pods do not say for all."""
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def companion(container: dict[str, Json]) -> dict[str, Json]:
    """A container beside the release, with our defaults where it says nothing.

    Its root stays writable: what images of others write is not known. The end of its log goes into the pod's status, as
    the release's does, so that its death can be explained.
    """
    policy = container.get("terminationMessagePolicy", "FallbackToLogsOnError")
    context = laid_under(container.get("securityContext") or {})
    return {**container, "terminationMessagePolicy": policy, "securityContext": context}


def laid_under(said: Json) -> Json:
    """A container's securityContext, with what `restricted` asks where it says nothing.

    One that wants privileges stays as it is, since beside them the API server refuses ours; so does one that is none.
    """
    capabilities = (said.get("capabilities") or {}) if isinstance(said, dict) else None
    if not isinstance(capabilities, dict) or said.get("privileged"):
        return said
    added = capabilities.get("add") or []
    if not isinstance(added, list) or any(name in PRIVILEGED for name in added):
        return said
    ours = restricted()
    return {**ours, **said, "capabilities": {**ours["capabilities"], **capabilities}}
