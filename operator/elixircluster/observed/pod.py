"""A member, as its pod says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

from elixircluster.kube.kinds import STATEFUL_SETS
from elixircluster.observed import machine
from elixircluster.observed.containers import NOT_READY_YET, STARTING, trouble
from elixircluster.observed.diagnosis import Diagnosis, diagnose
from elixircluster.observed.words import quoted
from elixircluster.render.names import CONTAINER
from elixircluster.render.pod import COOKIE_ANNOTATION, DISTRIBUTION_ANNOTATION
from elixircluster.text import seconds_between

REVISION_LABEL = "controller-revision-hash"
YOUNG_SECONDS = 60.0

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pod:
    """A member, as its pod says. Two views are equal where nothing differs that anybody decides by."""

    name: str
    ordinal: int
    uid: str
    resource_version: str = field(compare=False)
    revision: str
    image: str
    address: str
    ready: bool
    terminating: bool
    message: str
    distribution: str = ""
    started: bool = True
    running: bool = True
    """Whether the release's container runs by now; what does not reads its variables when it starts."""
    begun: bool = True
    """Whether the release's container has run at all."""
    diagnosis: Diagnosis | None = None
    created: str = ""
    ready_since: str = ""
    """When Kubernetes began to call it ready, in RFC 3339; empty where it does not."""
    restarts: int = 0
    """How often the release's container was started again."""
    died_young: bool = False
    """Whether it died the last time before it had run for `YOUNG_SECONDS`."""
    booted: bool | None = True
    """Whether its node has booted, and None while nobody can tell. Kubernetes does not know it: `rollout.boot` does."""
    up_since: str = ""
    """When it was first seen up, in RFC 3339; empty where it is not, or nobody has looked."""
    meshed_since: str = ""
    """When its node was first seen connected with all others, and since then always; empty where it is not, or nobody
    can tell. `rollout.meshed` does.
    """
    cookie: str = ""
    """Which Secret held the cookie when the pod was made."""
    owner: str = ""
    """The StatefulSet that controls it; empty for none. Another kind of owner is told as `Kind/name`."""
    owner_uid: str = ""
    machine: str = ""
    """The Kubernetes Node that it is on; empty while it has no place."""
    lost: str = ""
    """Since when its machine does not answer, in RFC 3339; empty while it does."""
    ends: str = ""
    """When it should have ended, where it was told to."""

    @property
    def up(self) -> bool:
        """Whether Kubernetes calls it ready, and its node has booted."""
        return self.ready and self.booted is True

    @property
    def life(self) -> str:
        """Tells this run of its container from every other, of whatever pod."""
        return f"{self.uid}/{self.restarts}"

    def ready_seconds(self, now: str) -> float:
        """For how long Kubernetes has called it ready, if it does. `now` is RFC 3339."""
        return seconds_between(self.ready_since, now) if self.ready_since else inf

    def up_seconds(self, now: str) -> float:
        """The same of its being up, which may come later: Kubernetes calls some ready before they have booted."""
        since = max(self.ready_since, self.up_since)
        return seconds_between(since, now) if since else inf

    def meshed_seconds(self, now: str) -> float:
        """For how long its node has been connected with all others: no time at all where that is not known."""
        return seconds_between(self.meshed_since, now) if self.meshed_since else 0.0

    @classmethod
    def parse(cls, body: Body) -> Pod:
        """The pod in `body`."""
        metadata, status = body["metadata"], body.get("status") or {}
        ready_since = _true_since(status, "Ready")
        ready = ready_since is not None
        container = _container(status)
        terminating = "deletionTimestamp" in metadata
        tail = metadata["name"].rpartition("-")[2]
        owner = _owner(metadata)
        place, lost = body["spec"].get("nodeName", ""), machine.lost_since(body)
        why = machine.silence(place, lost) if lost else why_not_ready(status, terminating)
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
            message="" if ready and not terminating else why,
            distribution=(metadata.get("annotations") or {}).get(DISTRIBUTION_ANNOTATION, ""),
            created=metadata.get("creationTimestamp", ""),
            cookie=(metadata.get("annotations") or {}).get(COOKIE_ANNOTATION, ""),
            ready_since=ready_since or "",
            restarts=container.get("restartCount", 0),
            died_young=_died_young(container),
            diagnosis=None if ready else diagnose(status, CONTAINER),
            # Whether the release's container has come through its startup probe.
            started=ready or bool(container.get("started")),
            running=ready or "running" in (container.get("state") or {}),
            begun=ready or _has_begun(container),
            owner=owner[0],
            owner_uid=owner[1],
            machine=place,
            lost=lost,
            ends=machine.ends(body),
        )

    def at(self, now: str) -> Pod:
        """As it is to be seen then: one that should have ended long ago is lost with its machine."""
        if self.lost or not (self.ends and self.machine) or machine.overdue_in(self.ends, now) > 0:
            return self
        return replace(self, lost=self.ends, message=machine.not_ended(self.machine, self.ends))


def why_not_ready(status: Body, terminating: bool) -> str:
    """The most telling thing that Kubernetes says of a pod: what a container waits for or died of, else conditions."""
    if terminating:
        return "is terminating"
    if said := trouble(status):
        return said
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        return f"{scheduled.get('reason', 'Unschedulable')}: {quoted(scheduled.get('message', ''))}"
    return STARTING if status.get("phase") == "Pending" else NOT_READY_YET


def _image(containers: Sequence[Body]) -> str:
    # Service meshes put their proxy before the release.
    return next((str(item.get("image", "")) for item in containers if item["name"] == CONTAINER), "")


def _condition(status: Body, name: str) -> Body:
    return next((item for item in status.get("conditions") or [] if item["type"] == name), {})


def _true_since(status: Body, kind: str) -> str | None:
    condition = _condition(status, kind)
    return str(condition.get("lastTransitionTime") or "") if condition.get("status") == "True" else None


def _container(status: Body) -> Body:
    """The release's."""
    return next((item for item in status.get("containerStatuses") or [] if item["name"] == CONTAINER), {})


def _has_begun(container: Body) -> bool:
    return any(
        kind in {"running", "terminated"} for state in ("state", "lastState") for kind in container.get(state) or {}
    )


def _died_young(container: Body) -> bool:
    ended = (container.get("lastState") or {}).get("terminated") or {}
    began, end = ended.get("startedAt"), ended.get("finishedAt")
    return False if not began or not end else seconds_between(began, end) < YOUNG_SECONDS


def _owner(metadata: Body) -> tuple[str, str]:
    for reference in metadata.get("ownerReferences") or []:
        if reference.get("controller"):
            is_ours = reference["kind"] == STATEFUL_SETS.kind
            return (reference["name"] if is_ours else f"{reference['kind']}/{reference['name']}"), reference["uid"]
    return "", ""
