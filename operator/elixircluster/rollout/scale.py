"""Fewer nodes: from the top, one after the other, each told that it leaves."""

from __future__ import annotations

from dataclasses import replace

from elixircluster.mesh.view import MeshView
from elixircluster.observed.pod import Pod
from elixircluster.observed.snapshot import Observed
from elixircluster.observed.workload import Workload
from elixircluster.rollout.change import Change, Plan
from elixircluster.rollout.gates import Rollout, mesh_of

LEAVE, RESTART = "leave", "restart"
"""How a node is told to go."""
SETTLED = frozenset({"UpToDate", "ScalingDown"})
"""Reasons of a plan by which all nodes that stay are as they are wanted."""


def stepwise(found: Plan, change: Change, workload: Workload, observed: Observed, mesh: MeshView | None = None) -> Plan:
    """The plan, with as few nodes as there may be now, and who of the others is to be told next.

    No healthy node leaves while the plan waits for another one to come up, to be met, or to go.
    """
    if found.stops or workload.replicas < change.replicas:
        return found
    if workload.replicas == change.replicas:
        return regret(found, change, observed)
    replicas = fewest(change, workload, observed)
    if replicas == change.replicas:
        return replace(found, done=False)
    return leaving(found, change, observed, mesh, replicas)


def leaving(found: Plan, change: Change, observed: Observed, mesh: MeshView | None, replicas: int) -> Plan:
    """Who is told next that it leaves, or what is waited for before."""
    going = [pod for pod in observed.pods if pod.ordinal >= replicas]
    if going or observed.has_unseen:
        names = ", ".join(pod.name for pod in going) or "pods that were not seen yet"
        return Plan("ScalingDown", f"{replicas - change.replicas} to leave after the end of {names}", replicas)
    top = node(observed, replicas - 1)
    if top is None or not (found.replace or found.held or found.reason in SETTLED):
        return replace(found, replicas=replicas, done=False)
    staying = tuple(pod for pod in observed.pods if pod.ordinal < change.replicas)
    if waiting := mesh_of(Rollout(change, staying, (), mesh, observed.now)):
        return Plan(waiting.reason, waiting.message, replicas)
    told = f"pod {top.name}: its node is told that it leaves; {replicas - change.replicas} to leave"
    return Plan("ScalingDown", told, replicas, leave=(top,))


def regret(found: Plan, change: Change, observed: Observed) -> Plan:
    """The plan, or the replacement of a node that was told that it leaves, and is to stay after all.

    Its application may have given its place away by then, and cannot know that it is wanted again.
    """
    left = [pod for pod in observed.pods if (pod.life, LEAVE) in change.told and serves(pod)]
    if not (found.done and left):
        return found
    told = f"replacing pod {left[-1].name}, whose node was told that it leaves, and is wanted again"
    return Plan("Rolling", told, found.replicas, (left[-1],))


def fewest(change: Change, workload: Workload, observed: Observed) -> int:
    """How few nodes the StatefulSet may have now. What does not serve has nothing to lose, and nobody to tell."""
    replicas = workload.replicas
    while replicas > change.replicas and not observed.has_unseen:
        top = node(observed, replicas - 1)
        if top and serves(top):
            told = not change.asked or (top.life, LEAVE) in change.told
            leaving = any(pod.ordinal >= replicas for pod in observed.pods)
            return replicas - 1 if told and not leaving and is_whole(change, workload, observed) else replicas
        replicas -= 1
    return replicas


def serves(pod: Pod) -> bool:
    """Whether it may have something to lose, and can be told."""
    return pod.ready and pod.booted is not False and not pod.lost


def is_whole(change: Change, workload: Workload, observed: Observed) -> bool:
    """Whether of those that stay none is missing, and none of the newest revision is not up."""
    staying = [pod for pod in observed.pods if pod.ordinal < change.replicas]
    broken = any(pod.revision == workload.revision and not pod.up for pod in staying)
    return len(staying) >= change.replicas and not broken


def node(observed: Observed, ordinal: int) -> Pod | None:
    """The member of this number."""
    return next((pod for pod in observed.pods if pod.ordinal == ordinal), None)
