"""`status`, from what was observed. Pure, and the same for the same observation: nothing here ages."""

from __future__ import annotations

from typing import Any

from elixircluster.api.resource import ElixirCluster
from elixircluster.control.rollout import Pod, Workload
from elixircluster.observe.conditions import LONGEST_MESSAGE, Observation, conditions
from elixircluster.render.discovery import node_name
from elixircluster.render.names import CONTAINER, pod_name, selector
from elixircluster.render.runtimes import runtime

Status = dict[str, Any]


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
        "selector": ",".join(f"{key}={value}" for key, value in selector(cluster).items()),
        "nodes": [node(cluster, pod) for pod in pods],
        "console": console(cluster),
        "conditions": conditions(seen, cluster.generation, cluster.status.get("conditions") or [], now),
    }
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


def node(cluster: ElixirCluster, pod: Pod) -> Status:
    """One entry of `status.nodes`."""
    result: Status = {"pod": pod.name, "ready": pod.ready, "image": pod.image}
    name = node_name(cluster)
    if pod.address or "$(POD_IP)" not in name:
        result["node"] = name.replace("$(POD_IP)", pod.address).replace("$(POD_NAME)", pod.name)
    if pod.message:
        result["message"] = pod.message[:LONGEST_MESSAGE]
    return result


def console(cluster: ElixirCluster) -> str:
    """The command that opens a remote console."""
    command = runtime(cluster).console(cluster)
    return f"kubectl exec -it -n {cluster.namespace} {pod_name(cluster, 0)} -c {CONTAINER} -- {command}"
