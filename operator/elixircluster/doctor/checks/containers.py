"""The pods and their containers: there, running, and ready."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from elixircluster.doctor.facts import Body, Facts, Member, seconds_of
from elixircluster.doctor.finding import Verdict, failed, passed, skipped
from elixircluster.observed.containers import NOT_READY_YET, STARTING, dying_words, given_up, obstacle
from elixircluster.observed.containers import trouble as told_by_status
from elixircluster.observed.containers import unready as unready_containers
from elixircluster.observed.diagnosis import diagnose, known
from elixircluster.observed.events import complaint, is_unexplained, refusal
from elixircluster.plugin.resources import CONTAINER

JUST_SECONDS = 60.0
"""A container that began again so lately may die again, and what is seen of it says little."""
RECENT_SECONDS = 600.0
OFTEN = 2
"""Restarts that are more than an accident."""
ORDINARY = {"PodInitializing", "ContainerCreating"}

REMEDIES = {
    "ErrImagePull": "the image cannot be pulled: look at spec.image and spec.imagePullSecrets; {describe}",
    "ImagePullBackOff": "the image cannot be pulled: look at spec.image and spec.imagePullSecrets; {describe}",
    "InvalidImageName": "spec.image is no name of an image",
    "ErrImageNeverPull": "the image is not on that Kubernetes node, and spec.imagePullPolicy is Never",
    "CreateContainerConfigError": "a Secret or ConfigMap that spec.env, spec.envFrom or spec.volumes names is missing; "
    "{describe}",
    "Evicted": "it used too much of what the message names: spec.tmp.sizeLimit is what /tmp may hold, and what "
    "spec.resources.requests asks for is kept free for it on its machine; {describe}",
    "OOMKilled": "raise spec.resources.limits.memory; {last}",
}
OF_A_CONTAINER = re.compile(r"\bspec\.(image|imagePullPolicy|resources)\b")
"""What the release has in a field of its own; those beside it have it in their entry."""


class Trouble(NamedTuple):
    """What keeps a pod from running, and what to do."""

    words: str
    fix: str


def pods(facts: Facts) -> Verdict:
    """All of them are there and run."""
    wanted = int(facts.spec.get("replicas", 3))
    if "pods" in facts.unseen:
        return skipped(f"pods cannot be listed: {facts.unseen['pods']}")
    if len(facts.members) < wanted:
        evidence = [f"{len(facts.members)} of {wanted} pods", _why_missing(facts, wanted)]
        fix = f"{facts.kubectl} describe statefulsets -l elixircluster.dev/cluster={facts.name}"
        return failed("pods are missing", evidence, fix)
    ill = [found for member in facts.members if (found := trouble(facts, member))]
    if ill:
        return failed("a pod does not run, or dies again", [found.words for found in ill], ill[0].fix)
    return passed(f"{len(facts.members)} running")


def _why_missing(facts: Facts, wanted: int) -> str:
    """By the Events of the StatefulSet; else as the operator has it."""
    there = {member.name for member in facts.members}
    missing = {name for ordinal in range(wanted) if (name := f"{facts.name}-{ordinal}") not in there}
    refused = refusal(facts.said_of_the_workload, missing)
    return refused.diagnosis.advice if refused else str(facts.conditions.get("Ready", {}).get("message", ""))


def trouble(facts: Facts, member: Member) -> Trouble | None:
    """What ended the pod, or keeps the first container that does not run from running."""
    told = member.pod.get("status") or {}
    describe = f"{facts.kubectl} describe pod {member.name}"
    if said := given_up(told):
        fix = REMEDIES.get(told["reason"], "{describe}").format(describe=describe)
        return Trouble(f"{member.name}: {said}", fix)
    cause = diagnose(told, CONTAINER)
    for name, status in _containers(member):
        if words := _ill(status, facts.now, of_the_release=name == CONTAINER):
            what, why = ("", _ended_for(facts, member)) if name == CONTAINER else (f"container {name}: ", "")
            fix = cause.advice if cause else _fix(facts, member, name, status)
            return Trouble(f"{member.name}: {what}{words}{why}", fix)
    if member.running:
        return None
    waits = _said_of(facts, member) or _waits(member)
    cause = cause or known(waits)
    return Trouble(f"{member.name}: {waits}", cause.advice if cause else describe)


def _containers(member: Member) -> Iterator[tuple[str, Body]]:
    """Those before the release's in the order in which they start, and then it."""
    status = member.pod.get("status") or {}
    for item in status.get("initContainerStatuses") or []:
        yield str(item["name"]), item
    if member.container_status:
        yield CONTAINER, member.container_status


def _ill(status: Body, now: float, *, of_the_release: bool) -> str:
    state, last = status.get("state") or {}, (status.get("lastState") or {}).get("terminated") or {}
    ended = f", last ended with {_end(last)}" if last else ""
    waiting, terminated = state.get("waiting"), state.get("terminated")
    if waiting is not None and waiting.get("reason") not in ORDINARY:
        # The message of a back-off is one of the kubelet, about itself.
        why = "" if waiting.get("reason") == "CrashLoopBackOff" else obstacle(waiting)
        return f"{waiting.get('reason', 'waiting')}{ended}{why and f': {why}'}"
    if terminated is not None and (of_the_release or terminated.get("exitCode")):
        return f"ended with {_end(terminated)}"
    started = seconds_of((state.get("running") or {}).get("startedAt"))
    if last and started and now - started < JUST_SECONDS:
        return f"started again {now - started:.0f} s ago{ended}"
    return ""


def _end(terminated: Body) -> str:
    said = dying_words(terminated)
    return f"{terminated.get('reason', 'Error')} (exit code {terminated.get('exitCode')}){said and f': {said}'}"


def _fix(facts: Facts, member: Member, container: str, status: Body) -> str:
    state, last = status.get("state") or {}, (status.get("lastState") or {}).get("terminated") or {}
    describe = f"{facts.kubectl} describe pod {member.name}"
    log = f"{facts.kubectl} logs {member.name} -c {container}"
    reasons = [
        *((state.get(kind) or {}).get("reason") for kind in ("waiting", "terminated")),
        last.get("reason"),
    ]
    ended = f"{log} --previous; {describe}" if last else f"{log}; {describe}"
    remedy = next((REMEDIES[reason] for reason in reasons if reason in REMEDIES), "")
    if remedy:
        mine = remedy if container == CONTAINER else OF_A_CONTAINER.sub(rf"container {container}'s \1", remedy)
        return mine.format(describe=describe, last=ended)
    return ended if last or "terminated" in state or "running" in state else describe


def _waits(member: Member) -> str:
    conditions = (member.pod.get("status") or {}).get("conditions") or []
    waits = [item for item in conditions if item["status"] == "False" and item.get("message")]
    return f"{waits[0].get('reason', 'Waiting')}: {waits[0]['message']}" if waits else "not started yet"


def restarts(facts: Facts) -> Verdict:
    """No container dies again and again."""
    if "pods" in facts.unseen:
        return skipped(f"pods cannot be listed: {facts.unseen['pods']}")
    recent = [(member, last) for member in facts.members if (last := _recently(member, facts.now))]
    often = [(member, last) for member, last in recent if member.container_status["restartCount"] >= OFTEN]
    if often:
        told = [f"{member.name}: {member.container_status['restartCount']} restarts{last}" for member, last in often]
        first = often[0][0]
        return failed("a container dies again and again", told, _fix(facts, first, CONTAINER, first.container_status))
    if recent:
        return passed("; ".join(f"{member.name} was started again{last}" for member, last in recent))
    if not facts.members:
        return skipped("it has no pods")
    return passed(f"none in the last {RECENT_SECONDS / 60:.0f} minutes")


def _recently(member: Member, now: float) -> str:
    last = (member.container_status.get("lastState") or {}).get("terminated") or {}
    ago = now - seconds_of(last.get("finishedAt"))
    return f", {ago / 60:.0f} min ago after {_end(last)}" if last and ago < RECENT_SECONDS else ""


def ready(facts: Facts) -> Verdict:
    """Kubernetes finds every pod ready, so that it gets traffic."""
    if "pods" in facts.unseen:
        return skipped(f"pods cannot be listed: {facts.unseen['pods']}")
    unready = [member for member in facts.members if not _is_ready(member)]
    if not unready:
        return passed(f"{len(facts.members)} are ready") if facts.members else skipped("it has no pods")
    starting = [member for member in unready if not member.container_status.get("started", True)]
    first = (starting or unready)[0]
    evidence = [f"{member.name}: {_said_of(facts, member) or _not_ready(member)}" for member in unready]
    if status := _beside(first):
        cause = diagnose(first.pod["status"], CONTAINER)
        return failed(
            "a pod is not ready", evidence, cause.advice if cause else _fix(facts, first, status["name"], status)
        )
    check = "startup" if starting else "readiness"
    does = "has not passed yet: wait, and if it never does, see" if starting else "fails: see"
    return failed(
        "a pod is not ready",
        evidence,
        f"its check (spec.health.{check}) {does} {facts.kubectl} describe pod {first.name} and "
        f"{facts.kubectl} logs {first.name} -c {CONTAINER}",
    )


def _beside(member: Member) -> Body:
    """The container for which a pod is not ready although the release's is; empty where there is none."""
    if not member.container_status.get("ready"):
        return {}
    return next(unready_containers(member.pod["status"]), {})


def _said_of(facts: Facts, member: Member) -> str:
    """Why a pod is not ready, as status says it: by its own status, or by Events."""
    status = member.pod.get("status") or {}
    said = told_by_status(status) or (STARTING if status.get("phase") == "Pending" else NOT_READY_YET)
    started = bool(member.container_status.get("started"))
    if not is_unexplained(said):
        return said
    return complaint(facts.said_of(member.pod), said, started=started, release=CONTAINER)


def _ended_for(facts: Facts, member: Member) -> str:
    """What Events add to the end of a container that its own status does not explain."""
    said = told_by_status(member.pod.get("status") or {})
    return _said_of(facts, member).removeprefix(said) if said and is_unexplained(said) else ""


def _is_ready(member: Member) -> bool:
    conditions = (member.pod.get("status") or {}).get("conditions") or []
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _not_ready(member: Member) -> str:
    conditions = (member.pod.get("status") or {}).get("conditions") or []
    told = next((item.get("message", "") for item in conditions if item["type"] == "Ready"), "")
    starting = "" if member.container_status.get("started", True) else "still starting; "
    return starting + (told or "its Ready condition is not True")
