"""How a new revision replaces the old one: a row a strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from elixircluster.mesh.view import MeshView
from elixircluster.observed.pod import Pod
from elixircluster.observed.snapshot import Observed
from elixircluster.observed.workload import Workload
from elixircluster.rollout.change import Change, Plan
from elixircluster.rollout.gates import (
    Rollout,
    Wait,
    asked,
    canary,
    current_nodes,
    does_not_answer,
    lost,
    machines,
    mesh_of,
    meshed,
    proven,
    shortage,
)


def rolling(change: Change, workload: Workload, observed: Observed, mesh: MeshView | None) -> Plan:
    """One node after the other, highest ordinal first; the next only when the last has booted and is in the mesh.

    A revision that does not start stops at its first node: while any of its nodes is missing or not up, no other node
    is taken. Of the old ones those go first in which no node runs, or none that has booted, since they cost nothing,
    and then those that do not answer: where one is on a machine that is lost, and Kubernetes does not know yet, no
    healthy one goes beside it.
    """
    members = [pod for pod in observed.pods if 0 <= pod.ordinal < change.replicas]
    outdated = [pod for pod in members if pod.revision != workload.revision]
    if not outdated:
        return settled(change, observed.pods)
    current = tuple(pod for pod in members if pod.revision == workload.revision)
    rollout = Rollout(change, current, tuple(outdated), mesh, observed.now)
    if waiting := current_nodes(rollout):
        return wait(change, waiting)
    # What is not promoted comes to no other node, be that ill: the StatefulSet makes what is newest.
    hold = canary(rollout)
    dead = [pod for pod in outdated if not pod.lost and (not pod.started or pod.booted is False)]
    if dead and not hold:
        return replace(change, dead[-1], "in which no node runs" if not dead[-1].started else "which has not booted")
    unwell = [pod for pod in outdated if not pod.ready or does_not_answer(pod, mesh)]
    waiting = machines(rollout) or asked(rollout) or mesh_of(rollout)
    if waiting := waiting or (None if unwell and not hold else proven(rollout) or meshed(rollout)) or hold:
        return wait(change, waiting)
    if unwell:
        return replace(change, unwell[-1], "whose node does not answer" if unwell[-1].ready else "which is not ready")
    return replace(change, outdated[-1], f"{len(outdated)} to go")


def wait(change: Change, why: Wait) -> Plan:
    """Nothing now."""
    return Plan(why.reason, why.message, change.replicas, again=why.again, held=why.held)


def replace(change: Change, victim: Pod, why: str) -> Plan:
    """The next node."""
    return Plan("Rolling", f"replacing pod {victim.name}, {why}", change.replicas, (victim,))


def recreate(change: Change, workload: Workload, observed: Observed, _mesh: MeshView | None) -> Plan:
    """All old nodes go, then all new ones come: old and new never meet."""
    outdated = [pod for pod in observed.pods if pod.revision != workload.revision]
    outdated += observed.unclaimed
    if outdated:
        return all_stop(observed, f"{len(outdated)} of the old revision to go")
    return settled(change, observed.pods)


def all_stop(observed: Observed, left: str) -> Plan:
    """All nodes go before new ones come."""
    found = lost((*observed.pods, *observed.unclaimed))
    told = f"stopping all nodes, {left}{f': {found.message}' if found else ''}"
    return Plan("Recreating", told, replicas=0, stops=True)


def stop_waits(workload: Workload, observed: Observed) -> Wait | None:
    """Why a change that stops all nodes does not begin: one that is lost with its machine may live on.

    Until it is gone no new one starts, and whoever stops the others then has none at all. For as long the StatefulSet
    keeps its old template; once it has the new one nothing holds the stop up, or a new node would come beside old ones.
    """
    if not workload.replicas:
        return None
    return lost((*observed.pods, *observed.unclaimed), "all nodes are to stop for this change, none is before")


def settled(change: Change, pods: Sequence[Pod]) -> Plan:
    """No old revision is left: done when all are ready and nothing else runs."""
    replicas = change.replicas
    members = [pod for pod in pods if 0 <= pod.ordinal < replicas]
    unready = [pod for pod in members if not pod.up and not pod.lost]
    if waiting := lost(pods, shortage(replicas, members, only=unready)):
        return Plan(waiting.reason, waiting.message, replicas)
    if waits := shortage(replicas, members):
        return Plan("WaitingForReady", waits, replicas)
    if surplus := len(pods) - len(members):
        return Plan("ScalingDown", f"{surplus} nodes more than wanted are stopping", replicas)
    return Plan("UpToDate", f"all {replicas} nodes are ready and of the newest revision", replicas, done=True)


Strategy = Callable[[Change, Workload, Observed, MeshView | None], Plan]
STRATEGIES: Mapping[str, Strategy] = {"Rolling": rolling, "Recreate": recreate}
