"""Machines that do not answer, by what their pods say: no right to read Kubernetes' Nodes is needed for that.

    the kubelet says         Ready is False because the containers are not ready, or the readiness gates
    Kubernetes says for it   Ready is False, and nothing else is: it has not heard of the machine for a while, and calls
                             each of its pods not ready (`MarkPodsNotReady` of the node lifecycle controller)

So it stays when Kubernetes has the pods deleted, which nobody on that machine hears of. A pod that was not ready before
says nothing of the kind; it is lost once it should have ended long ago.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elixircluster.observed.pod import Pod

LOST = "MachineLost"
"""The reason by which conditions, plans and Events tell of it."""
OVERDUE_SECONDS = 120.0
"""How long after its time a pod may go on to end, on a machine that is slow, and by a clock that differs from ours."""
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
MOST_NAMED = 3
SAID_BY_THE_KUBELET = "ReadinessGatesNotReady"

Body = dict[str, Any]


def lost_since(body: Body) -> str:
    """Since when the pod's machine does not answer, in RFC 3339; empty where Kubernetes does not say so."""
    if not body["spec"].get("nodeName"):
        return ""
    told = {item["type"]: item for item in (body.get("status") or {}).get("conditions") or []}
    ready, containers = told.get("Ready", {}), told.get("ContainersReady", {})
    by_the_kubelet = ready.get("reason") == SAID_BY_THE_KUBELET
    if (ready.get("status"), containers.get("status")) != ("False", "True") or by_the_kubelet:
        return ""
    return str(ready.get("lastTransitionTime") or body["metadata"].get("creationTimestamp", ""))


def ends(body: Body) -> str:
    """When a pod that is told to end should have, in RFC 3339; empty where a finalizer may hold it."""
    metadata = body["metadata"]
    return "" if metadata.get("finalizers") else str(metadata.get("deletionTimestamp", ""))


def overdue_in(end: str, now: str) -> float:
    """In how many seconds a pod that should end then is overdue; not above zero where it is."""
    return OVERDUE_SECONDS - (datetime.fromisoformat(now) - datetime.fromisoformat(end)).total_seconds()


def silence(machine: str, since: str) -> str:
    """What a pod's own message says of it."""
    return f"the machine {machine} does not answer (since {clock_time(since)})"


def not_ended(machine: str, end: str) -> str:
    """The same of a pod that is overdue."""
    return f"the machine {machine} was to end it by {clock_time(end)}, and has not said that it did"


def way_out(machines: Iterable[str]) -> str:
    """What a person can do. Without the taint a pod of a StatefulSet is not made anew: the old one may still run."""
    names = list(machines)
    them, they_are = ("it", "it is") if len(names) == 1 else ("them", "they are")
    return (
        f"bring {them} back, or where {they_are} switched off for good, say so: kubectl taint node {' '.join(names)} "
        f"{OUT_OF_SERVICE}"
    )


def told(pods: Iterable[Pod]) -> Iterator[str]:
    """Which pods are lost, and why that is thought: a sentence a machine, mostly."""
    found: dict[str, list[str]] = {}
    for pod in pods:
        if pod.lost:
            found.setdefault(pod.message, []).append(pod.name)
    return (f"{listed(names)}: {message}" for message, names in found.items())


def lost_machines(pods: Iterable[Pod]) -> list[str]:
    """The machines that do not answer."""
    return sorted({pod.machine for pod in pods if pod.lost})


def listed(names: Iterable[str]) -> str:
    """A few names, and how many more."""
    given = list(names)
    more = f" and {len(given) - MOST_NAMED} more" if len(given) > MOST_NAMED else ""
    return ", ".join(given[:MOST_NAMED]) + more


def clock_time(time: str) -> str:
    """As a person reads it, of a time in RFC 3339."""
    return f"{time[:10]} {time[11:16]} UTC"
