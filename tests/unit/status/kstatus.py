"""What kstatus, and so Argo CD, Flux and `helm --wait`, make of a custom resource.

After `pkg/kstatus/status` of sigs.k8s.io/cli-utils: its generic rules, then the Ready condition.
"""

from __future__ import annotations

from typing import Any

CURRENT, IN_PROGRESS, FAILED, TERMINATING = "Current", "InProgress", "Failed", "Terminating"


def kstatus(resource: dict[str, Any]) -> str:
    """The one word for a resource."""
    metadata, status = resource["metadata"], resource.get("status") or {}
    if "deletionTimestamp" in metadata:
        return TERMINATING
    if status.get("observedGeneration", metadata["generation"]) != metadata["generation"]:
        return IN_PROGRESS
    found = {item["type"]: item["status"] for item in status.get("conditions") or []}
    if found.get("Reconciling") == "True":
        return IN_PROGRESS
    if found.get("Stalled") == "True":
        return FAILED
    return CURRENT if found.get("Ready", "True") == "True" else IN_PROGRESS
