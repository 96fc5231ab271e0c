"""Since when nodes have been connected with all others, by what they say."""

from __future__ import annotations

from dataclasses import replace

from elixircluster.api.resource import ElixirCluster
from elixircluster.mesh.view import MeshView
from elixircluster.observed.pod import Pod
from elixircluster.observed.snapshot import Observed


def judged(cluster: ElixirCluster, observed: Observed, seen: MeshView | None) -> Observed:
    """The same, with since when each pod's node has been. Until nodes were asked, what status says of them stands."""
    if cluster.spec.mesh.probe == "Disabled":
        return observed
    known = {node["pod"]: node.get("meshedSince") or "" for node in cluster.status.get("nodes") or []}
    whole = None if seen is None else connected(seen)
    pods = (_dated(pod, known.get(pod.name, ""), whole, observed.now) for pod in observed.pods)
    return replace(observed, pods=tuple(pods))


def connected(seen: MeshView) -> frozenset[str]:
    """The lives of those that see all others, and are seen."""
    apart = {node for link in seen.missing | seen.one_way for node in link}
    return frozenset(member.life for member in seen.members if member.node in seen.sees and member.node not in apart)


def _dated(pod: Pod, known: str, whole: frozenset[str] | None, now: str) -> Pod:
    # What is older than this run of its container is of another one.
    since = known if known >= pod.ready_since else ""
    if not pod.up or (whole is not None and pod.life not in whole):
        return pod
    return replace(pod, meshed_since=since or ("" if whole is None else now))
