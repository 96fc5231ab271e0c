"""What is known from Events of one resource's pods, and how long it holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from elixircluster.observed.containers import STARTING
from elixircluster.observed.diagnosis import Diagnosis, known
from elixircluster.observed.events import Refusal, complaint, is_unexplained, refusal
from elixircluster.observed.pod import Pod
from elixircluster.render.names import CONTAINER

Body = dict[str, Any]


class Shortage(NamedTuple):
    """Pods that a StatefulSet should have and has not, and when its template was written."""

    written: str = ""
    pods: tuple[str, ...] = ()


Subject = Shortage | Pod
"""What Events may explain, as it is now."""


@dataclass(frozen=True)
class Complaints:
    """Why pods are not made from the template that was written then, and of a pod, as it was, what it lacks.

    A pod that has changed since is another one, of which nothing is known until it is asked about.
    """

    refusal: Refusal | None = None
    written: str = ""
    pods: Mapping[Pod, str] = field(default_factory=dict)

    def of(self, shortage: Shortage) -> Diagnosis | None:
        """Why these pods are missing."""
        holds = self.refusal and self.refusal.pod in shortage.pods and self.written == shortage.written
        return self.refusal.diagnosis if self.refusal and holds else None

    def told(self, pod: Pod) -> Pod:
        """The pod, with what an Event says of it."""
        words = self.pods.get(pod)
        if not words:
            return pod
        return replace(pod, message=words, diagnosis=known(words) if pod.message == STARTING else pod.diagnosis)

    def about(self, subjects: Collection[Subject]) -> Complaints:
        """The same, without pods that are not as they were."""
        return replace(self, pods={pod: words for pod, words in self.pods.items() if pod in subjects})

    def after(self, subject: Subject, events: Sequence[Body]) -> Complaints:
        """With what the Events of a subject say by now."""
        if isinstance(subject, Shortage):
            found = refusal(events, subject.pods, subject.written)
            return replace(self, refusal=found, written=subject.written)
        words = complaint(events, subject.message, started=subject.started, release=CONTAINER)
        return replace(self, pods={**self.pods, subject: words})


def is_open(pod: Pod) -> bool:
    """Whether Events may explain why the pod is not ready."""
    return not pod.ready and not pod.terminating and is_unexplained(pod.message)
