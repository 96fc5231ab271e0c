"""Which nodes have booted: by what they say themselves, and where none says, by how long the pod has been ready.

Kubernetes calls a pod ready that takes connections. Without `web` it connects to the distribution port, which is open
before the first application starts; and no probe of ours starts a virtual machine, only to ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from elixircluster.api.resource import ElixirCluster
from elixircluster.mesh.boot import not_up
from elixircluster.mesh.view import MeshView
from elixircluster.observed.pod import Pod
from elixircluster.observed.snapshot import Observed

UNTOLD_SECONDS = 10
"""For how long a pod must be ready before it is believed that its node has booted, where that does not say so."""


class Patience(NamedTuple):
    """How many seconds a pod must be ready before its node is taken to have booted, and what is told until then."""

    seconds: int
    told: str


UNASKED = Patience(60, "its node was not asked yet whether it has booted")
"""Where it is to be asked: news of its pod may have come late, or an operator may just have started."""


def judged(cluster: ElixirCluster, observed: Observed, seen: MeshView | None, now: str) -> Observed:
    """The same, with what is known of the nodes' boot. `now` is RFC 3339."""
    told, silent = ({}, set()) if seen is None else (_told(seen), _silent(seen))
    known = {node["pod"]: node for node in cluster.status.get("nodes") or []}
    pods = []
    for pod in observed.pods:
        node = known.get(pod.name) or {}
        asked = pod.life in told or cluster.spec.mesh.probe == "Disabled"
        lacks = told.get(pod.life) if asked else _remembered(pod, node, seen)
        if lacks is None and pod.life in silent and node.get("booted") is False:
            # Who has said that it has not, and does not answer any more, has not.
            lacks = _message(node)
        found = _judge(pod, lacks, _untold(cluster) if asked else UNASKED, now)
        pods.append(_dated(found, node.get("upSince") or now))
    return replace(observed, pods=tuple(pods), now=now)


def seconds_left(cluster: ElixirCluster, observed: Observed) -> float | None:
    """In how many seconds the first of those may be believed that do not say so; None where there is none."""
    waiting = [pod.ready_seconds(observed.now) for pod in observed.pods if pod.ready and pod.booted is None]
    bounds = least_seconds(cluster), UNASKED.seconds
    return min((bound - ready for ready in waiting for bound in bounds if ready < bound), default=None)


def least_seconds(cluster: ElixirCluster) -> int:
    """For how long a pod must be ready whose node does not tell."""
    said = cluster.spec.update.min_ready_seconds
    return UNTOLD_SECONDS if said is None else said


def _dated(pod: Pod, since: str) -> Pod:
    """With when it was first seen up, and not before Kubernetes called this run of it ready."""
    return replace(pod, up_since=max(pod.ready_since, since)) if pod.up else pod


def _untold(cluster: ElixirCluster) -> Patience:
    least = least_seconds(cluster)
    told = f"its node does not tell whether it has booted, and it has not been ready for {least} s yet"
    return Patience(least, told)


def _judge(pod: Pod, lacks: str | None, patience: Patience, now: str) -> Pod:
    if not pod.ready:
        return pod
    if lacks:
        return replace(pod, booted=False, message=lacks)
    if lacks is None and pod.ready_seconds(now) < patience.seconds:
        return replace(pod, booted=None, message=patience.told)
    return pod


def _told(seen: MeshView) -> dict[str, str | None]:
    """What nodes lack that were asked, by their pods' lives: nothing after their boot, None if they do not tell.

    Who was silent before its pod was ready was not asked yet.
    """
    can_tell = seen.sees.keys() - seen.untold
    asked = [member for member in seen.members if member.ready or member.node in seen.sees]
    return {member.life: _lacking(seen, member.node) if member.node in can_tell else None for member in asked}


def _silent(seen: MeshView) -> set[str]:
    """The lives of pods whose nodes do not answer."""
    return {member.life for member in seen.members if member.node in seen.silent}


def _lacking(seen: MeshView, node: str) -> str:
    return not_up(seen.booting[node]) if node in seen.booting else ""


def _message(node: Mapping[str, Any]) -> str:
    """What status says of a node that has not booted."""
    return str(node.get("message") or not_up(()))


def _remembered(pod: Pod, node: Mapping[str, Any], seen: MeshView | None) -> str | None:
    """What status says of a node that nobody has asked since this process began, or since its container did."""
    if seen is None and node.get("booted") is False:
        return _message(node)
    # Another run of it is ready since later.
    up_since = node.get("upSince") or ""
    return "" if up_since and up_since >= pod.ready_since else None
