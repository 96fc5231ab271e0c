"""Whether machines are there for Kubernetes: the API server takes one for Ready long after it has gone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .build import binary
from .commands import run

NODES = "/api/v1/nodes"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


@dataclass(frozen=True)
class Heard:
    """What the API server knows of a machine."""

    ready: str  # True, False or Unknown, as in the Node's condition
    why: str
    renewed: str  # when its kubelet said last that it is there


def ask(kubeconfig: Path) -> dict[str, Heard]:
    """One look at a cluster."""

    def get(path: str) -> Any:
        return json.loads(
            run(binary("kubectl"), "--kubeconfig", kubeconfig, "--request-timeout=5s", "get", "--raw", path)
        )

    return heard(get(NODES), get(LEASES))


def heard(nodes: Mapping[str, Any], leases: Mapping[str, Any]) -> dict[str, Heard]:
    """By name, from a list of Nodes and of the kubelets' Leases."""
    renewals = {lease["metadata"]["name"]: lease["spec"].get("renewTime", "") for lease in leases["items"]}
    return {
        node["metadata"]["name"]: _of_node(node, renewals.get(node["metadata"]["name"], "")) for node in nodes["items"]
    }


def not_ready(wanted: Iterable[str], now: Mapping[str, Heard], earlier: Mapping[str, Heard]) -> dict[str, str]:
    """Why each of the wanted machines is not to be relied on. Where an `earlier` look is given, each must have been
    heard of since: what was stopped is Ready still in what is stored."""
    return {name: trouble for name in wanted if (trouble := _trouble(now.get(name), earlier.get(name)))}


def _trouble(now: Heard | None, earlier: Heard | None) -> str:
    if now is None:
        return "has not joined"
    if now.ready != "True":
        return f"is not Ready: {now.why}"
    if earlier and now.renewed == earlier.renewed:
        return f"has not been heard of since {now.renewed}"
    return ""


def _of_node(node: Mapping[str, Any], renewed: str) -> Heard:
    conditions = {each["type"]: each for each in node.get("status", {}).get("conditions", [])}
    ready = conditions.get("Ready", {"status": "Unknown", "message": "its kubelet has not said so yet"})
    return Heard(ready["status"], ready.get("message") or ready.get("reason", ""), renewed)
