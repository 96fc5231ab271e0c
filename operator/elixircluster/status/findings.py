"""What a reconcile found: all that conditions and status are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from elixircluster.errors import Retry, Stalled
from elixircluster.mesh.verdict import NOT_AS_TOLD
from elixircluster.mesh.view import MeshView
from elixircluster.observed.diagnosis import Diagnosis, diagnose_address
from elixircluster.observed.job import Job
from elixircluster.observed.pod import Pod
from elixircluster.observed.workload import Workload
from elixircluster.phase import Contents, Context
from elixircluster.rollout.change import Plan


@dataclass(frozen=True)
class Findings:
    """One look at a resource.

    `trouble` is why a reconcile did not do all, and `refusal` why Kubernetes does not make pods; `applied`: whether all
    that the newest generation wants was written; `overdue`: after how many seconds without progress a person is asked
    to act, where that is so; `given_up`: what a person can do about machines that have not answered for long, where
    there are such. `mesh` is what the nodes say, where they are asked, and `unhealed` what a person can do about links
    that the operator cannot heal; `rotated` tells for which value of the annotation the cookie was changed, `written`
    what was written, `contents` what pods read of others' objects; `migration` is how the `jobs` stand.
    """

    plan: Plan | None
    pods: Sequence[Pod] = ()
    wanted: int = 1
    workload: Workload | None = None
    paused: bool = False
    trouble: Stalled | Retry | None = None
    refusal: Diagnosis | None = None
    applied: bool = True
    overdue: int = 0
    given_up: str = ""
    probed: bool = False
    mesh: MeshView | None = None
    unhealed: str = ""
    rotated: str = ""
    written: str = ""
    contents: Contents | None = None
    jobs: Sequence[Job] = ()
    migration: Mapping[str, Any] = field(default_factory=dict)

    @property
    def revision(self) -> str:
        """The newest revision; empty while it is not known."""
        return self.workload.revision if self.workload and self.workload.observed else ""

    @property
    def current(self) -> list[Pod]:
        """The pods of the newest revision that stay. Of the others nothing can be blamed on the resource as it is."""
        return [pod for pod in self.pods if self.revision and pod.revision == self.revision and not pod.terminating]


def found(context: Context, plan: Plan, mesh: MeshView | None, unhealed: str) -> Findings:
    """What the phases have found, with the plan that is left and what the nodes say."""
    cluster, observed = context.cluster, context.observed
    return Findings(
        plan=plan,
        pods=observed.pods,
        wanted=cluster.spec.replicas,
        workload=observed.workload,
        refusal=observed.refusal,
        paused=cluster.spec.paused,
        applied=context.applied or cluster.status.get("appliedGeneration") == cluster.generation,
        probed=cluster.spec.mesh.probe == "Enabled",
        mesh=mesh,
        unhealed=unhealed,
        rotated=context.facts.rotated,
        written=context.facts.written,
        contents=context.facts.contents,
        jobs=observed.jobs,
    )


def diagnosed(seen: Findings, family: str) -> Stalled | None:
    """A mistake in the image or the spec that shows in a pod of the newest revision, or in that there is none."""
    for pod in seen.current:
        if found := diagnose_address(pod.address, family) or pod.diagnosis:
            return Stalled(found.reason, f"pod {pod.name}: {found.advice}")
    return Stalled(*seen.refusal) if seen.refusal else None


def not_as_told(seen: Findings) -> bool:
    """Whether a node of the newest revision is up, and under another name or none, or without its TLS."""
    if seen.mesh is None or seen.mesh.verdict.reason not in NOT_AS_TOLD.values():
        return False
    current = {(pod.name, pod.address) for pod in seen.current}
    return any(
        (member.pod, member.address) in current and member.node in seen.mesh.not_as_told for member in seen.mesh.members
    )
