"""What has reached an operator: the newest state of each object that an event or an answer brought.

Decisions are judged by it: nobody can act on news that are still on their way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from elixircluster.kube.api import Kind
from elixircluster.kube.kinds import CLUSTERS, PODS, STATEFUL_SETS
from tests.fake.server import Ref, controller
from tests.fake.statefulset import REVISION_LABEL, is_ready, revision

Body = dict[str, Any]


@dataclass
class View:
    """Objects by name, each with the number of the change after which it was like this."""

    objects: dict[Ref, tuple[int, Body | None]] = field(default_factory=dict)

    def see(self, ref: Ref, body: Body | None, number: int) -> None:
        """An object arrives, or the news that it is gone."""
        known = self.objects.get(ref)
        if known is None or known[0] <= number:
            self.objects[ref] = number, body

    def see_list(self, kind: Kind, names: set[str], number: int) -> None:
        """What is not in the list is gone."""
        for ref in [ref for ref in self.objects if ref.kind == kind.kind and ref.name not in names]:
            self.see(ref, None, number)

    def copy(self) -> View:
        """As it is now."""
        return View(dict(self.objects))

    def get(self, ref: Ref) -> Body | None:
        """The object, or None."""
        found = self.objects.get(ref)
        return found[1] if found else None

    def cluster(self, name: str) -> Body | None:
        """The resource."""
        return self.get(Ref(CLUSTERS.kind, name))

    def workload(self, name: str) -> Body | None:
        """The resource's StatefulSet, told by owner uid."""
        cluster, workload = self.cluster(name), self.get(Ref(STATEFUL_SETS.kind, name))
        owner = controller(workload) if workload else None
        return workload if cluster and owner and owner["uid"] == cluster["metadata"]["uid"] else None

    def members(self, name: str) -> list[Body]:
        """The pods of that StatefulSet, told by owner uid."""
        workload = self.workload(name)
        if workload is None:
            return []
        uid = workload["metadata"]["uid"]
        pods = [body for ref, (_, body) in self.objects.items() if ref.kind == PODS.kind and body is not None]
        return [pod for pod in pods if (owner := controller(pod)) is not None and owner["uid"] == uid]

    def newest(self, name: str) -> str:
        """The revision of the StatefulSet's template."""
        workload = self.workload(name)
        return revision(workload) if workload else ""


def ordinal(pod: Body) -> int:
    """A member's number."""
    return int(pod["metadata"]["name"].rpartition("-")[2])


def revision_of(pod: Body) -> str:
    """The revision that a member was made from."""
    return str(pod["metadata"]["labels"].get(REVISION_LABEL, ""))


def why_not_whole(view: View, name: str, replicas: int) -> list[str]:
    """The members of the newest revision that are missing, unready or about to end."""
    newest = view.newest(name)
    members = {ordinal(pod): pod for pod in view.members(name)}
    missing = [f"{name}-{number} is missing" for number in range(replicas) if number not in members]
    broken = [
        f"{name}-{number} is not ready"
        for number, pod in sorted(members.items())
        if number < replicas and revision_of(pod) == newest and not is_ready(pod)
    ]
    return missing + broken


def lost(view: View, name: str, replicas: float = math.inf) -> list[str]:
    """The members, or those of them that are wanted, of which Kubernetes says that their machine is not heard of."""
    return [pod["metadata"]["name"] for pod in view.members(name) if ordinal(pod) < replicas and _is_lost(pod)]


def _is_lost(pod: Body) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    said = {item["type"]: item["status"] for item in conditions}
    return (said.get("Ready"), said.get("ContainersReady")) == ("False", "True")
