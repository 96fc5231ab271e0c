"""`status`, from what was observed. Pure, and the same for the same observation: nothing here ages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from elixircluster.api.resource import ElixirCluster
from elixircluster.api.status import MOST_MISSING, MOST_STRANGERS
from elixircluster.mesh.view import MeshView
from elixircluster.migration import decision
from elixircluster.observed.pod import Pod
from elixircluster.render.distribution import Distribution
from elixircluster.render.names import CONTAINER, members, pod_name, selector_text
from elixircluster.render.runtimes import runtime
from elixircluster.rollout.change import Plan
from elixircluster.rollout.history import recorded
from elixircluster.status.conditions import LONGEST_MESSAGE, conditions, standing
from elixircluster.status.findings import Findings
from elixircluster.status.machines import given_up
from elixircluster.status.progress import progress

Status = dict[str, Any]

ANSWERED = ("booted", "connected", "missing", "otpRelease", "elixirVersion")
"""What of an entry of `status.nodes` the node itself has said."""


def status(cluster: ElixirCluster, seen: Findings, now: str) -> Status:
    """The whole status of a resource that could be read."""
    pods = list(seen.pods)
    result: Status = {
        "observedGeneration": cluster.generation,
        "replicas": len(pods),
        "readyReplicas": sum(pod.up for pod in pods),
        "updatedReplicas": sum(pod.revision == seen.revision for pod in pods),
        "wantedReplicas": cluster.spec.replicas,
        "readyNodes": f"{sum(pod.up for pod in pods)}/{cluster.spec.replicas}",
        "selector": selector_text(members(cluster)),
        "nodes": [node(cluster, pod, seen.mesh) for pod in pods],
        "console": console(cluster, pods, seen.mesh),
    }
    if applied := cluster.generation if seen.applied else cluster.status.get("appliedGeneration"):
        result["appliedGeneration"] = applied
    if written := seen.written or cluster.status.get("written"):
        result["written"] = written
    if seen.mesh:
        result |= mesh_status(cluster, seen.mesh)
    elif seen.probed and pods:
        # What was seen before this process began stands until the nodes were asked again.
        result |= {key: value for key, value in cluster.status.items() if key in {"clustered", "mesh", "strangers"}}
    if rotated := seen.rotated or cluster.status.get("cookieRotation"):
        result["cookieRotation"] = rotated
    if told := references(cluster, seen):
        result["references"] = told
    if migration := decision.told(cluster, seen.jobs):
        result["migration"] = migration
    seen = replace(seen, given_up=given_up(pods, now), migration=migration)
    if seen.plan:
        result["update"] = update(cluster, seen, seen.plan)
        seen = hurried(cluster, seen, result, now)
        if entries := revisions(cluster, seen, now):
            result["history"] = entries
    previous = cluster.status.get("conditions") or []
    return {**result, "conditions": conditions(seen, cluster.generation, previous, now)}


def update(cluster: ElixirCluster, seen: Findings, plan: Plan) -> Status:
    """Where a change of the nodes stands."""
    return {
        "revision": short(cluster, seen.revision),
        "strategy": cluster.spec.update.strategy,
        "step": plan.reason,
        "message": plan.message[:LONGEST_MESSAGE],
    }


def short(cluster: ElixirCluster, revision: str) -> str:
    """A revision's name without the StatefulSet's."""
    return revision.removeprefix(f"{cluster.name}-")


def hurried(cluster: ElixirCluster, seen: Findings, result: Status, now: str) -> Findings:
    """The findings, and whether a person is asked to act since nothing gets on. Writes down since when."""
    timeout = cluster.spec.update.timeout_seconds
    found = progress(cluster.status, result, seen.plan, timeout, now) if seen.plan and not seen.paused else None
    if found is None:
        return seen
    result["update"]["progressedAt"] = found.since
    return replace(seen, overdue=timeout) if found.overdue else seen


def references(cluster: ElixirCluster, seen: Findings) -> Status:
    """What pods read of others' objects; while that was not looked at, as it was before."""
    if seen.contents is None:
        return dict(cluster.status.get("references") or {})
    objects = [each._asdict() for each in seen.contents.seen]
    revision = seen.contents.revision
    return {**({"revision": revision} if revision else {}), **({"objects": objects} if objects else {})}


def revisions(cluster: ElixirCluster, seen: Findings, now: str) -> list[Status]:
    """What became of the last revisions. While not all is written the newest is not what is wanted."""
    counts = seen.applied and not seen.paused
    return recorded(cluster, short(cluster, seen.revision) if counts else "", standing(seen), now)


def unreadable_status(previous: Status, generation: int, seen: Findings, now: str) -> Status:
    """The status of a resource whose spec cannot be read: what was known stays."""
    return {
        **previous,
        "observedGeneration": generation,
        "conditions": conditions(seen, generation, previous.get("conditions") or [], now),
    }


def node(cluster: ElixirCluster, pod: Pod, mesh: MeshView | None) -> Status:
    """One entry of `status.nodes`."""
    result: Status = {"pod": pod.name, "ready": pod.up, "image": pod.image}
    name = Distribution.at(cluster, pod.distribution).node(cluster, pod.name, pod.address)
    if name:
        result["node"] = name
    if pod.revision:
        result["revision"] = short(cluster, pod.revision)
    result |= {key: value for key, value in (("machine", pod.machine), ("lostSince", pod.lost)) if value}
    result |= answer_of(name, mesh) if mesh else previous_answer(cluster, pod.name, name)
    if pod.booted is False:
        result["booted"] = False
    if pod.up and pod.up_since:
        result["upSince"] = pod.up_since
    if pod.meshed_since:
        result["meshedSince"] = pod.meshed_since
    if pod.message:
        result["message"] = pod.message[:LONGEST_MESSAGE]
    return result


def answer_of(name: str, mesh: MeshView) -> Status:
    """What a node said of itself."""
    result: Status = {}
    if name in mesh.sees.keys() - mesh.untold:
        result["booted"] = name not in mesh.booting
    if name in mesh.sees:
        result["connected"] = len(mesh.sees[name])
        seen = mesh.sees[name] | {name}
        missing = (member.pod for member in mesh.members if member.node not in seen)
        if mesh.topology == "Full" and (named := list(islice(missing, MOST_MISSING))):
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
    strangers = sorted(mesh.strangers)[:MOST_STRANGERS]
    return {
        **({"strangers": strangers} if strangers else {}),
        "clustered": f"{largest}/{cluster.spec.replicas}",
        "mesh": {
            "links": mesh.links,
            "expectedLinks": mesh.expected_links,
            "largestIsland": largest,
            "islands": islands,
        },
    }


def console(cluster: ElixirCluster, pods: Sequence[Pod], mesh: MeshView | None) -> str:
    """The command that opens a remote console: on a node that answers, else on one that is up, where there is one.

    Of a node that is frozen, or whose machine is lost, Kubernetes says for a while that it is ready.
    """
    answering = {(member.pod, member.address) for member in mesh.members if member.node in mesh.sees} if mesh else set()
    up = [pod for pod in pods if pod.up]
    answers = [pod for pod in (*up, *pods) if (pod.name, pod.address) in answering]
    name = next((pod.name for pod in (*answers, *up)), pod_name(cluster, 0))
    return f"kubectl exec -it -n {cluster.namespace} {name} -c {CONTAINER} -- {runtime(cluster).console(cluster)}"
