"""What a phase of the reconcile is given, and what it answers.

A phase is a room of its own with `async phase(context) -> Result`. What it acts on was seen after the last write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from elixircluster.api.resource import ElixirCluster
from elixircluster.errors import Retry, Stalled
from elixircluster.observed.child import Mark
from elixircluster.observed.pod import Pod
from elixircluster.observed.snapshot import Observed


class Event(NamedTuple):
    """A Kubernetes Event about the resource: its type (Normal, Warning), reason and message."""

    type: str
    reason: str
    message: str


class Seen(NamedTuple):
    """A Secret or ConfigMap of others, in which version it was seen, and a short name for what was in it."""

    kind: str
    name: str
    version: str
    contents: str

    @property
    def reference(self) -> tuple[str, str]:
        """Kind and name."""
        return self.kind, self.name


class Contents(NamedTuple):
    """What pods read of others' objects: as it was seen, and the revision of it with which they are to be made."""

    revision: str
    seen: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What phases tell those that come after them, and the status."""

    cookie_identity: str = ""
    """Which Secret holds the cookie; pods carry it."""
    rotated: str = ""
    """For which value of the annotation the cookie was changed."""
    contents: Contents | None = None
    """What pods read of others' objects, once that was looked at."""
    apart: tuple[Pod, ...] = ()
    """Pods that must go before new ones come, since they would not meet."""
    written: str = ""
    """What was written, and how it was found then."""
    statefulset: Mark | None = None
    """How the StatefulSet was found then."""


@dataclass(frozen=True)
class Result:
    """How a phase ended.

    `trouble` is what status tells. With `stop` nothing later may be done: without it the reconcile goes on, and the
    trouble is told all the same. `again`: look again in so many seconds. `facts`, where given, replace the context's.
    `applied`: all that the newest generation wants was written.
    """

    trouble: Stalled | Retry | None = None
    stop: bool = False
    again: float | None = None
    facts: Facts | None = None
    events: tuple[Event, ...] = ()
    applied: bool = False


@dataclass(frozen=True)
class Context:
    """One reconcile so far. `observed` was seen after the last write; `look` sees again."""

    cluster: ElixirCluster
    observed: Observed
    look: Callable[[], Observed] = field(repr=False)
    facts: Facts = Facts()
    applied: bool = False

    @property
    def overtaken(self) -> bool:
        """Whether somebody has changed the StatefulSet since it was written: what its pods are answers nothing then."""
        return self.applied and self.observed.statefulset != self.facts.statefulset

    def after(self, result: Result) -> Context:
        """The same, with what a phase has found."""
        return replace(self, facts=result.facts or self.facts, applied=self.applied or result.applied)

    def seen_again(self) -> Context:
        """The same, as the world is by now."""
        return replace(self, observed=self.look())
