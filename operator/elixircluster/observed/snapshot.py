"""One resource's part of the world, at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from elixircluster.kube.kinds import STATEFUL_SETS
from elixircluster.observed.child import Child, Identity, Mark
from elixircluster.observed.complaints import Complaints, Shortage, is_open
from elixircluster.observed.diagnosis import Diagnosis
from elixircluster.observed.job import Job
from elixircluster.observed.machine import overdue_in
from elixircluster.observed.pod import Pod
from elixircluster.observed.workload import Workload

NO_COMPLAINTS = Complaints()
NO_SHORTAGE = Shortage()


@dataclass(frozen=True)
class Observed:
    """What belongs to the resource, told by owner uid: a pod with our labels and another owner is looked at by nobody.

    `children` holds whatever carries the resource's label, with its owner. `unclaimed` are pods that a StatefulSet of
    the resource's name would take for its members, and that belong to none which is known: left behind by one that was
    deleted without them, or not gone yet with one. `jobs` are migrations. `refusal` is why Kubernetes does not make the
    pods of the `shortage`, and `unexplained` are those that do not say themselves what they lack, as they are without
    Events.
    """

    children: Mapping[Identity, Child] = field(default_factory=dict)
    workload: Workload | None = None
    statefulset: Mark | None = None
    pods: tuple[Pod, ...] = ()
    unclaimed: tuple[Pod, ...] = ()
    jobs: tuple[Job, ...] = ()
    shortage: Shortage = NO_SHORTAGE
    refusal: Diagnosis | None = None
    unexplained: tuple[Pod, ...] = ()
    now: str = ""
    """When that was, in RFC 3339."""
    told: frozenset[tuple[str, str]] = frozenset()
    """Lives of nodes that were told how they are to go, and how."""

    @classmethod
    def of(
        cls,
        name: str,
        uid: str,
        children: Mapping[Identity, Child],
        pods: Iterable[Pod],
        complaints: Complaints = NO_COMPLAINTS,
    ) -> Observed:
        """The part of the resource with this name and uid, of everything that says to be its own."""
        found = children.get((STATEFUL_SETS.kind, name))
        statefulset = found if found and found.owner_uid == uid else None
        by_ordinal = sorted(pods, key=lambda pod: pod.ordinal)
        owner = statefulset.uid if statefulset else None
        members = [pod for pod in by_ordinal if pod.owner_uid and pod.owner_uid == owner]
        workload = statefulset.workload if statefulset else None
        shortage = shortage_of(name, workload, members)
        return cls(
            children=dict(children),
            workload=workload,
            statefulset=statefulset.mark if statefulset else None,
            pods=tuple(map(complaints.told, members)),
            unclaimed=tuple(
                pod
                for pod in by_ordinal
                if pod.name == f"{name}-{pod.ordinal}" and pod.owner in {"", name} and pod.owner_uid != owner
            ),
            jobs=tuple(jobs_of(uid, children.values(), by_ordinal)),
            shortage=shortage,
            refusal=complaints.of(shortage),
            unexplained=tuple(filter(is_open, members)),
        )

    @property
    def has_unseen(self) -> bool:
        """Whether the StatefulSet may have pods of which no news has come yet."""
        workload = self.workload
        return workload is not None and (not workload.observed or workload.pods > len(self.pods))

    def at(self, now: str, told: frozenset[tuple[str, str]] = frozenset()) -> Observed:
        """As it is to be seen then; `now` is RFC 3339. `told`: who has been told how to go."""
        pods, unclaimed = (tuple(pod.at(now) for pod in some) for some in (self.pods, self.unclaimed))
        same = (pods, unclaimed, told) == (self.pods, self.unclaimed, self.told)
        return self if same else replace(self, pods=pods, unclaimed=unclaimed, told=told)

    def again(self, now: str) -> float | None:
        """In how many seconds it is to be seen otherwise though nothing changes, if it is."""
        ending = (pod for pod in (*self.pods, *self.unclaimed) if pod.ends and pod.machine and not pod.lost)
        return min((left for pod in ending if (left := overdue_in(pod.ends, now)) > 0), default=None)


def jobs_of(uid: str, children: Iterable[Child], pods: Iterable[Pod]) -> Iterator[Job]:
    """The migrations of the resource with this uid, each with its pods."""
    for child in children:
        if child.job and child.owner_uid == uid:
            own = (pod for pod in pods if pod.owner_uid == child.uid)
            yield replace(child.job, pods=tuple(sorted(own, key=lambda pod: pod.created)))


def shortage_of(name: str, workload: Workload | None, pods: Iterable[Pod]) -> Shortage:
    """The pods that the StatefulSet is to have and has not."""
    if workload is None:
        return NO_SHORTAGE
    there = {pod.ordinal for pod in pods}
    missing = (f"{name}-{ordinal}" for ordinal in range(workload.replicas) if ordinal not in there)
    return Shortage(workload.written, tuple(missing))
