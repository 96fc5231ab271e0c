"""A migration's Job, as Kubernetes tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from elixircluster.observed.pod import Pod
from elixircluster.observed.words import quoted
from elixircluster.render.migration import ATTEMPT_ANNOTATION, IMAGE_ANNOTATION

Body = dict[str, Any]

COMPLETE, FAILED = "Complete", "Failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a migration. Two views are equal where nothing differs that anybody decides by."""

    name: str
    uid: str
    resource_version: str = field(compare=False)
    image: str
    attempt: str
    result: str = ""
    """`COMPLETE`, `FAILED`, or nothing while it has not ended."""
    why: str = ""
    """Why it has failed, in Kubernetes' words."""
    started_at: str = ""
    ended_at: str = ""
    pods: tuple[Pod, ...] = ()
    """The oldest first."""

    @classmethod
    def parse(cls, body: Body) -> Job | None:
        """The Job in `body`; None where it is no migration."""
        metadata, status = body["metadata"], body.get("status") or {}
        annotations = metadata.get("annotations") or {}
        if ATTEMPT_ANNOTATION not in annotations:
            return None
        end = ending(status)
        return cls(
            name=metadata["name"],
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            image=annotations.get(IMAGE_ANNOTATION, ""),
            attempt=annotations[ATTEMPT_ANNOTATION],
            result=end.get("type", ""),
            why=f"{end['reason']}: {quoted(end.get('message') or '')}" if end.get("reason") else "",
            started_at=status.get("startTime") or "",
            ended_at=end.get("lastTransitionTime") or "",
        )

    @property
    def told(self) -> str:
        """What its last pod says of itself, or else Kubernetes of the Job."""
        said = [pod.message for pod in self.pods if pod.message]
        return said[-1] if said else self.why

    @property
    def has_not_begun(self) -> bool:
        """Whether its command has certainly not run."""
        return not self.result and bool(self.pods) and not any(pod.begun for pod in self.pods)


def ending(status: Body) -> Body:
    """The condition by which a Job has ended, and with it all its pods.

    https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions
    """
    told = status.get("conditions") or []
    return next((item for item in told if item["type"] in {COMPLETE, FAILED} and item["status"] == "True"), {})
