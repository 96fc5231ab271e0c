"""What Kubernetes says in Events of a pod that it does not make, and of one that does not get ready. Pure.

A StatefulSet has no condition for a pod that is refused, and a pod none for a probe that fails or a disk that is not
attached: it stands in Events alone. The time of one is compared to the second, which is all that some of them have.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from elixircluster.observed.containers import NOT_READY_YET, OTHERS_WAIT, STARTING
from elixircluster.observed.diagnosis import Diagnosis
from elixircluster.observed.words import quoted, told

Body = dict[str, Any]

SECOND = len("2026-01-01T00:00:00")
REFUSED = re.compile(
    r"^create (?:Pod (?P<pod>\S+)|Claim \S+ for Pod (?P<owner>\S+)) in StatefulSet \S+ failed error: (?P<why>.*)$",
    re.I | re.S,
)
ITSELF = re.compile(r'^(?:pods|persistentvolumeclaims|Pod|PersistentVolumeClaim) "[^"]*" is (?:forbidden|invalid): ')
"""How the API server begins, which names the object once more."""
PROBE = re.compile(r"^(?P<probe>Startup|Readiness|Liveness) probe (?:failed|errored[^:]*): (?P<why>.*)$", re.S)
FAILS = {
    # While a node boots that is as it should be.
    "Startup": "startup probe has not succeeded yet",
    "Readiness": "readiness probe fails",
    "Liveness": "liveness probe has failed",
}
ENDED = re.compile(r"^Container (?P<name>\S+) failed (?P<probe>startup|liveness) probe, will be restarted")
OF_CONTAINER = re.compile(r"^spec\.(?:initC|c)ontainers\{(?P<name>[^}]*)\}$")
ENDED_WELL = re.compile(r"(?:Completed|Error|CrashLoopBackOff) \(exit code (?:0|137|143)\)$")
"""In what a pod says of a container that a signal has ended, as the kubelet does after a probe; a node ends with 0."""
HINDRANCES = frozenset(
    {
        "FailedAttachVolume",
        "FailedCreatePodSandBox",
        "FailedMapVolume",
        "FailedMount",
        "NetworkNotReady",
    }
)
"""Reasons for which the containers of a pod that has its machine are not started."""
GIVEN_UP = "Unable to attach or mount volumes"
"""How the kubelet sums up every two minutes what it has said better before."""

REMEDIES = (
    (
        re.compile(r"exceeded quota: (?P<quota>[\w.-]+)"),
        "raise ResourceQuota {quota}, or lower spec.replicas or spec.resources",
    ),
    (
        re.compile(r"failed quota: (?P<quota>[\w.-]+): must specify"),
        "ResourceQuota {quota} wants it said by every container: set it in spec.resources",
    ),
    (
        re.compile(r"violates PodSecurity"),
        (
            "say it as it asks in spec.podSecurityContext and spec.securityContext, or in the securityContext of the "
            "container that is named; or give the namespace another pod-security.kubernetes.io/enforce"
        ),
    ),
    (
        re.compile(r"(?:maximum|minimum) \S+ usage per (?:Container|Pod)|limit to request ratio"),
        "set spec.resources to what the namespace's LimitRange allows",
    ),
    (
        re.compile(r'serviceaccount "(?P<name>[\w.-]+)" not found', re.I),
        "create ServiceAccount {name}, or correct spec.serviceAccount.name",
    ),
    (
        re.compile(r"no PriorityClass with name (?P<name>[\w.-]+)"),
        "create PriorityClass {name}, or correct spec.scheduling.priorityClassName",
    ),
)
"""What a person can do about a refusal. What is not here says it by itself, as an admission webhook does."""


class Refusal(NamedTuple):
    """Why Kubernetes does not make a pod."""

    pod: str
    diagnosis: Diagnosis


def refusal(events: Sequence[Body], missing: Collection[str], since: str = "") -> Refusal | None:
    """Why Kubernetes does not make the missing pods, by its newest answer since the template was written."""
    for event in newest_first(events):
        match = REFUSED.match(event.get("message") or "")
        pod = (match["pod"] or match["owner"]) if match else ""
        if match and pod in missing and last_seen(event) >= since[:SECOND]:
            told_why = "; ".join([quoted(ITSELF.sub("", match["why"])), *_remedies(match["why"])])
            return Refusal(pod, Diagnosis("PodsRefused", f"pod {pod} is refused: {told_why}"))
    return None


def is_unexplained(said: str) -> bool:
    """Whether what a pod says of itself leaves open what it lacks: a probe that failed, a disk that is not there."""
    return said in {STARTING, NOT_READY_YET} or said.endswith(OTHERS_WAIT) or bool(ENDED_WELL.search(said))


def complaint(events: Sequence[Body], said: str, *, started: bool, release: str) -> str:
    """What hinders a pod that says this, or made the kubelet end its container. Empty where no Event says so.

    `started`: the startup of its container `release` is over.
    """
    newest = newest_first(events)
    if said == STARTING:
        return _hindrance(newest)
    if said == NOT_READY_YET:
        return _failing(newest, {"Readiness"} if started else {"Startup"}, release)
    ending = _ending(newest, release)
    failing = _failing(newest, {ending} if ending else {"Liveness", "Startup"}, release)
    # The kubelet says more seldom that a probe fails than that it has ended a container.
    why = failing or (f"its {FAILS[ending]}" if ending else "")
    return f"{said}; {why}" if why else ""


def newest_first(events: Sequence[Body]) -> list[Body]:
    """By the last time that it was so; of the same second the one that was written last."""
    return sorted(events, key=last_seen)[::-1]


def last_seen(event: Body) -> str:
    """When it was so the last time, to the second. The scheduler writes Events of the newer kind."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return str(next(filter(None, times), "") or event["metadata"].get("creationTimestamp") or "")[:SECOND]


def _remedies(why: str) -> Iterator[str]:
    for pattern, advice in REMEDIES:
        if match := pattern.search(why):
            yield advice.format(**match.groupdict())


def _hindrance(events: Sequence[Body]) -> str:
    # What came before something else was got over: the disk was attached, and now the image is pulled.
    hindering = list(takewhile(lambda event: event.get("reason") in HINDRANCES, events))
    said = [f"{event['reason']}: {quoted(event.get('message') or '')}" for event in hindering]
    return next((words for words in said if GIVEN_UP not in words), next(iter(said), ""))


def _ending(events: Sequence[Body], release: str) -> str:
    """For which probe the kubelet ended the container the last time. Empty where it did not.

    While a node boots again its startup probe fails, for which nobody is ended.
    """
    for event in events:
        match = ENDED.match(event.get("message") or "") if event.get("reason") == "Killing" else None
        if match and match["name"] == release:
            return match["probe"].capitalize()
    return ""


def _failing(events: Sequence[Body], probes: Collection[str], release: str) -> str:
    """Which of these probes failed the last time, and why. Those of other containers count whatever they are."""
    for event in events:
        match = PROBE.match(event.get("message") or "") if event.get("reason") == "Unhealthy" else None
        place = OF_CONTAINER.match((event.get("involvedObject") or {}).get("fieldPath") or "")
        container = place["name"] if place else release
        if match and (match["probe"] in probes or container != release):
            whose = "its" if container == release else f"{container}: its"
            return f"{whose} {FAILS[match['probe']]}: {told(match['why'])}"
    return ""
