"""How a new revision replaces the old one. A decision is a value with a reason; nothing here acts.

The StatefulSet is OnDelete: it makes the pods, and the operator says when an old one goes. Revisions are compared by
the pods' own label, because under OnDelete the StatefulSet's `status.currentRevision` never moves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from elixircluster.control.diagnosis import Diagnosis, diagnose
from elixircluster.render.names import CONTAINER
from elixircluster.render.pod import COOKIE_ANNOTATION, DISTRIBUTION_ANNOTATION

REVISION_LABEL = "controller-revision-hash"

Body = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """A member, as its pod says."""

    name: str
    ordinal: int
    uid: str
    resource_version: str
    revision: str
    image: str
    address: str
    ready: bool
    terminating: bool
    message: str
    distribution: str = ""
    started: bool = True
    diagnosis: Diagnosis | None = None
    created: str = ""
    cookie: str = ""
    """Which Secret held the cookie when the pod was made."""

    @classmethod
    def parse(cls, body: Body) -> Pod:
        """The pod in `body`."""
        metadata, status = body["metadata"], body.get("status") or {}
        ready = _condition(status, "Ready").get("status") == "True"
        terminating = "deletionTimestamp" in metadata
        tail = metadata["name"].rpartition("-")[2]
        return cls(
            name=metadata["name"],
            ordinal=int(tail) if tail.isdigit() else -1,
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            revision=(metadata.get("labels") or {}).get(REVISION_LABEL, ""),
            image=_image(body["spec"].get("containers") or []),
            address=status.get("podIP", ""),
            ready=ready and not terminating,
            terminating=terminating,
            message="" if ready and not terminating else why_not_ready(status, terminating),
            distribution=(metadata.get("annotations") or {}).get(DISTRIBUTION_ANNOTATION, ""),
            created=metadata.get("creationTimestamp", ""),
            cookie=(metadata.get("annotations") or {}).get(COOKIE_ANNOTATION, ""),
            diagnosis=None if ready else diagnose(status),
            started=ready or any(item.get("started") for item in status.get("containerStatuses") or []),
        )


def why_not_ready(status: Body, terminating: bool) -> str:
    """The most telling thing that Kubernetes says of a pod: what a container waits for or died of, else conditions."""
    if terminating:
        return "is terminating"
    containers = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    for container in containers:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in {None, "ContainerCreating", "PodInitializing"}:
            continue
        ended = (container.get("lastState") or {}).get("terminated") or {}
        exit_code = f" (exit code {ended['exitCode']})" if "exitCode" in ended else ""
        detail = "" if waiting["reason"] == "CrashLoopBackOff" else waiting.get("message", "")
        return f"{container['name']}: {waiting['reason']}{exit_code}{': ' if detail else ''}{detail}"
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        return f"{scheduled.get('reason', 'Unschedulable')}: {scheduled.get('message', '')}"
    return "its containers start" if status.get("phase") == "Pending" else "its readiness probe has not succeeded yet"


def _image(containers: Sequence[Body]) -> str:
    # Service meshes put their proxy before the release.
    return next((str(item.get("image", "")) for item in containers if item["name"] == CONTAINER), "")


def _condition(status: Body, name: str) -> Body:
    return next((item for item in status.get("conditions") or [] if item["type"] == name), {})


@dataclass(frozen=True)
class Workload:
    """The StatefulSet, as its status says."""

    observed: bool
    replicas: int
    revision: str

    @classmethod
    def parse(cls, body: Body) -> Workload:
        """The StatefulSet in `body`."""
        status = body.get("status") or {}
        return cls(
            observed=status.get("observedGeneration", 0) >= body["metadata"].get("generation", 1),
            replicas=body["spec"].get("replicas", 1),
            revision=status.get("updateRevision", ""),
        )


@dataclass(frozen=True)
class Step:
    """The one thing to do now, and why. `replicas`: what the StatefulSet should have meanwhile."""

    reason: str
    message: str
    replicas: int
    replace: tuple[Pod, ...] = field(default=())
    done: bool = False


def strangers(pods: Sequence[Pod], distribution: str) -> list[Pod]:
    """Pods whose nodes could not talk to new ones. What an older operator made says nothing, and may be of use."""
    return [pod for pod in pods if pod.distribution and pod.distribution != distribution]


def removed(step: Step, pods: Sequence[Pod]) -> list[Pod]:
    """The pods that go with this step, or already do."""
    return [pod for pod in pods if pod in step.replace or pod.ordinal >= step.replicas or pod.terminating]


def next_step(
    strategy: str, replicas: int, workload: Workload | None, pods: Sequence[Pod], unlike: Sequence[Pod] = ()
) -> Step:
    """The one thing that an update may do now; `Step.reason` is what the user reads.

    `unlike` are pods that new ones could not talk to: all of them go first, whatever the strategy.
    """
    if workload is None:
        return Step("Creating", "the StatefulSet is being created", replicas)
    if unlike:
        return Step("Recreating", f"stopping all nodes, {len(unlike)} that new ones cannot talk to", replicas=0)
    if not workload.observed or not workload.revision:
        return Step("Observing", "waiting for the StatefulSet's new revision", replicas=_held(workload, replicas))
    return STRATEGIES[strategy](replicas, workload, pods)


def _held(workload: Workload, replicas: int) -> int:
    # A Recreate that holds the StatefulSet at zero must not let go before it knows the revision.
    return 0 if workload.replicas == 0 else replicas


def rolling(replicas: int, workload: Workload, pods: Sequence[Pod]) -> Step:
    """One node after the other, highest ordinal first; the next only when the last is ready."""
    members = [pod for pod in pods if 0 <= pod.ordinal < replicas]
    outdated = [pod for pod in members if pod.revision != workload.revision]
    if not outdated:
        return settled(replicas, members)
    # A pod that serves nobody costs nothing, and waiting for it would be waiting for the old mistake to heal.
    broken = [pod for pod in outdated if not pod.ready and not pod.terminating]
    if broken:
        victim = broken[-1]
        return Step("Rolling", f"replacing pod {victim.name}, which is not ready", replicas, (victim,))
    waiting = blockers(replicas, members)
    if waiting:
        return Step("WaitingForReady", f"{waiting}; the next pod is replaced when all are ready", replicas)
    victim = outdated[-1]
    return Step("Rolling", f"replacing pod {victim.name}, {len(outdated)} to go", replicas, (victim,))


def recreate(replicas: int, workload: Workload, pods: Sequence[Pod]) -> Step:
    """All old nodes go, then all new ones come: old and new never meet."""
    outdated = [pod for pod in pods if pod.revision != workload.revision]
    if outdated:
        return Step("Recreating", f"stopping all nodes, {len(outdated)} of the old revision to go", replicas=0)
    return settled(replicas, [pod for pod in pods if 0 <= pod.ordinal < replicas])


Strategy = Callable[[int, Workload, Sequence[Pod]], Step]
STRATEGIES: Mapping[str, Strategy] = {"Rolling": rolling, "Recreate": recreate}


def settled(replicas: int, members: Sequence[Pod]) -> Step:
    """No old revision is left: done when all are ready."""
    waiting = blockers(replicas, members)
    if waiting:
        return Step("WaitingForReady", waiting, replicas)
    return Step("UpToDate", f"all {replicas} nodes are ready and of the newest revision", replicas, done=True)


def blockers(replicas: int, members: Sequence[Pod]) -> str:
    """Why not all are ready, or nothing."""
    present = {pod.ordinal for pod in members}
    reasons = [f"pod {pod.name}: {pod.message}" for pod in members if not pod.ready]
    missing = replicas - len(present)
    if missing > 0:
        reasons.append(f"{missing} of {replicas} pods do not exist yet")
    return "; ".join(reasons[:3]) + (f"; and {len(reasons) - 3} more" if len(reasons) > 3 else "")
