"""`status`, from what was observed. Pure, and the same for the same observation: nothing here ages."""

from __future__ import annotations

from itertools import islice
from typing import Any

from elixircluster.api.resource import ElixirCluster
from elixircluster.api.status import MOST_MISSING
from elixircluster.control.rollout import Pod, Workload
from elixircluster.mesh.view import MeshView
from elixircluster.observe.conditions import LONGEST_MESSAGE, Observation, conditions
from elixircluster.render.discovery import name_of, selector_text
from elixircluster.render.names import CONTAINER, pod_name
from elixircluster.render.runtimes import runtime

Status = dict[str, Any]

ANSWERED = ("connected", "missing", "otpRelease", "elixirVersion")
"""What of an entry of `status.nodes` the node itself has said."""


def status(cluster: ElixirCluster, seen: Observation, workload: Workload | None, now: str) -> Status:
    """The whole status of a resource that could be read."""
    revision = workload.revision if workload and workload.observed else ""
    pods = list(seen.pods)
    result: Status = {
        "observedGeneration": cluster.generation,
        "replicas": len(pods),
        "readyReplicas": sum(pod.ready for pod in pods),
        "updatedReplicas": sum(pod.revision == revision for pod in pods),
        "readyNodes": f"{sum(pod.ready for pod in pods)}/{cluster.spec.replicas}",
        "selector": selector_text(cluster),
        "nodes": [node(cluster, pod, seen.mesh) for pod in pods],
        "console": console(cluster),
        "conditions": conditions(seen, cluster.generation, cluster.status.get("conditions") or [], now),
    }
    if seen.mesh:
        result |= mesh_status(cluster, seen.mesh)
    elif seen.probed and pods:
        # What was seen before this process began stands until the nodes were asked again.
        result |= {key: value for key, value in cluster.status.items() if key in {"clustered", "mesh"}}
    if rotated := seen.rotated or cluster.status.get("cookieRotation"):
        result["cookieRotation"] = rotated
    if seen.step:
        result["update"] = {
            "revision": revision.removeprefix(f"{cluster.name}-"),
            "strategy": cluster.spec.update.strategy,
            "step": seen.step.reason,
            "message": seen.step.message[:LONGEST_MESSAGE],
        }
    return result


def unreadable_status(previous: Status, generation: int, seen: Observation, now: str) -> Status:
    """The status of a resource whose spec cannot be read: what was known stays."""
    return {
        **previous,
        "observedGeneration": generation,
        "conditions": conditions(seen, generation, previous.get("conditions") or [], now),
    }


def node(cluster: ElixirCluster, pod: Pod, mesh: MeshView | None) -> Status:
    """One entry of `status.nodes`."""
    result: Status = {"pod": pod.name, "ready": pod.ready, "image": pod.image}
    name = name_of(cluster, pod.name, pod.address)
    if name:
        result["node"] = name
    result |= answer_of(name, mesh) if mesh else previous_answer(cluster, pod.name, name)
    if pod.message:
        result["message"] = pod.message[:LONGEST_MESSAGE]
    return result


def answer_of(name: str, mesh: MeshView) -> Status:
    """What a node said of itself."""
    result: Status = {}
    if name in mesh.sees:
        result["connected"] = len(mesh.sees[name])
        seen = mesh.sees[name] | {name}
        missing = (member.pod for member in mesh.members if member.node not in seen)
        if named := list(islice(missing, MOST_MISSING)):
            result["missing"] = named
    for (otp, elixir), nodes in mesh.versions.items():
        if name in nodes:
            result |= {key: value for key, value in (("otpRelease", otp), ("elixirVersion", elixir)) if value}
    return result


def previous_answer(cluster: ElixirCluster, pod: str, name: str) -> Status:
    """What the same node said before this process began."""
    for known in cluster.status.get("nodes") or []:
        if cluster.spec.mesh.probe == "Enabled" and (known.get("pod"), known.get("node")) == (pod, name):
            return {key: known[key] for key in ANSWERED if key in known}
    return {}


def mesh_status(cluster: ElixirCluster, mesh: MeshView) -> Status:
    """How much of the mesh there is. Islands are told by their pods."""
    pods = {member.node: member.pod for member in mesh.members}
    islands = [sorted(pods[node] for node in island) for island in mesh.islands]
    largest = max((len(island) for island in islands), default=0)
    return {
        "clustered": f"{largest}/{cluster.spec.replicas}",
        "mesh": {"links": mesh.links, "expectedLinks": mesh.expected_links, "islands": islands},
    }


def console(cluster: ElixirCluster) -> str:
    """The command that opens a remote console."""
    command = runtime(cluster).console(cluster)
    return f"kubectl exec -it -n {cluster.namespace} {pod_name(cluster, 0)} -c {CONTAINER} -- {command}"
