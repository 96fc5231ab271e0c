"""What may be done to the nodes now, and why not more. A plan is a value with a reason; nothing here acts.

The StatefulSet is OnDelete: it makes the pods, and the operator says when an old one goes. Revisions are compared by
the pods' own label, because under OnDelete the StatefulSet's `status.currentRevision` never moves.
"""

from __future__ import annotations

from elixircluster.mesh.view import MeshView
from elixircluster.observed.snapshot import Observed
from elixircluster.observed.workload import Workload
from elixircluster.rollout.change import Change, Plan
from elixircluster.rollout.gates import Wait
from elixircluster.rollout.scale import stepwise
from elixircluster.rollout.strategies import STRATEGIES, all_stop, stop_waits


def plan(change: Change, observed: Observed, mesh: MeshView | None = None) -> Plan:
    """The one thing that may be done now; `Plan.reason` is what the user reads."""
    workload = observed.workload
    if workload is None:
        if change.stops_first and observed.unclaimed:
            waiting = f"{len(observed.unclaimed)} pods of an earlier StatefulSet are there"
            return Plan("Recreating", f"{waiting}; they stop before new ones start", replicas=0)
        return Plan("Creating", "the StatefulSet is being created", change.replicas)
    if change.apart:
        is_begun = not workload.observed or any(pod.revision != workload.revision for pod in change.apart)
        if not is_begun and (wait := stop_waits(workload, observed)):
            return Plan(wait.reason, wait.message, workload.replicas)
        return all_stop(observed, f"{len(change.apart)} that new ones cannot talk to")
    if told := unknown(workload, observed):
        return Plan("Observing", told, held(change, workload))
    found = STRATEGIES[change.strategy](change, workload, observed, mesh)
    return stepwise(found, change, workload, observed, mesh)


def unknown(workload: Workload, observed: Observed) -> str:
    """What must be known of the StatefulSet before anything is decided, or nothing."""
    if not workload.observed or not workload.revision:
        return "waiting for the StatefulSet's new revision"
    if not workload.replicas and observed.has_unseen:
        return "waiting for news of pods that the StatefulSet counts"
    return ""


def replicas_to_write(change: Change, observed: Observed, template: str) -> int | Wait:
    """What the StatefulSet is to have with this write. `template` is a short name for the pods that it will make.

    Where old nodes must not meet new ones, a new template and more nodes never come in one write while old nodes are
    there: the StatefulSet would make new pods beside them at once. Where these cannot be stopped now, nothing is
    written, and the answer says why.
    """
    workload = observed.workload
    if workload is None or workload.template in {"", template} or not change.stops_first:
        return plan(change, observed).replicas
    if workload.is_empty and not (observed.pods or observed.unclaimed):
        return plan(change, observed).replicas
    return stop_waits(workload, observed) or 0


def held(change: Change, workload: Workload) -> int:
    """Replicas while the revision is not known: nobody leaves, and a Recreate that holds it at zero must not let go."""
    if change.stops_first or workload.replicas == 0:
        return workload.replicas
    return max(workload.replicas, change.replicas)
