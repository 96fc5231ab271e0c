"""A pod's containers, as the kubelet tells of them: which one is in the way, and what it died of.

Init containers and native sidecars stand apart in a pod's status, and before the others, since these wait for them.
Between its death and its next start a container is either `waiting`, with a reason, or still `terminated`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from elixircluster.observed.words import legible, quoted, telling

Body = dict[str, Any]

ON_THEIR_WAY = frozenset({"", "ContainerCreating", "PodInitializing"})
"""What a container waits for that is on its way."""
STARTING = "its containers start"
NOT_READY_YET = "its readiness probe has not succeeded yet"
"""What is told of a pod whose containers are not in the way: only an Event may tell more (`observed/events.py`)."""
OTHERS_WAIT = "runs, and the others wait for it"
"""What is told of an init container, or of a native sidecar that has not started."""
NOT_RUN = frozenset({"StartError", "ContainerCannotRun"})
"""Reasons of an end before anything of the image has run: what is told then are the container runtime's own words."""
NO_IMAGE = {"ErrImagePull", "ImagePullBackOff"}
BACK_OFF = re.compile(r'^Back-off pulling image "[^"]*": ErrImagePull: ')
MADE_NAME = re.compile(r' \(pod: "[^"]*", container: [^)]*\)')
KILLED = frozenset({137, 143})
"""Exit codes of what a signal has ended: its log does not say why."""


def unready(status: Body) -> Iterator[Body]:
    """The containers that a pod waits for, in the order of their start."""
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        if not container.get("ready"):
            yield container


def trouble(status: Body) -> str:
    """The first container that is in the way, and why: what it waits for or died of. Empty where none says so."""
    if said := given_up(status):
        return said
    told = list(unready(status))
    return next(filter(None, (*map(_stopped, told), *map(_restarted, told))), "") or _initializing(status)


def given_up(status: Body) -> str:
    """Why the kubelet ended a pod as a whole or did not take it, as one that it evicts. Empty where it did not."""
    if status.get("phase") != "Failed" or not status.get("reason"):
        return ""
    return f"{status['reason']}{_after_colon(quoted(status.get('message') or ''))}"


def last_words(container: Body) -> Iterator[str]:
    """The end of a container's log, as the kubelet keeps it, newest first."""
    return (legible(ended.get("message") or "") for ended in _ends(container) if ended.get("reason") not in NOT_RUN)


def obstacles(container: Body) -> Iterator[str]:
    """Why Kubernetes could not start a container, in its own words, newest first."""
    yield ((container.get("state") or {}).get("waiting") or {}).get("message") or ""
    yield from (ended.get("message") or "" for ended in _ends(container) if ended.get("reason") in NOT_RUN)


def _ends(container: Body) -> Iterator[Body]:
    for state in (container.get("state") or {}, container.get("lastState") or {}):
        yield state.get("terminated") or {}


def _stopped(container: Body) -> str:
    state = container.get("state") or {}
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    if ended:
        return f"{container['name']}: {death(ended)}"
    reason = waiting.get("reason") or ""
    if reason in ON_THEIR_WAY:
        return ""
    before = (container.get("lastState") or {}).get("terminated") or {}
    exit_code = f" (exit code {before['exitCode']})" if "exitCode" in before else ""
    if reason in NO_IMAGE:
        # The kubelet tells now of the attempt, now of the pause after it: one cause, in one way.
        return f"{container['name']}: ImagePullBackOff{_after_colon(obstacle(waiting))}"
    # The message of a back-off is one of the kubelet, about itself.
    detail = dying_words(before) if reason == "CrashLoopBackOff" else obstacle(waiting)
    return f"{container['name']}: {reason}{exit_code}{_after_colon(detail)}"


def _restarted(container: Body) -> str:
    before = (container.get("lastState") or {}).get("terminated") or {}
    running = (container.get("state") or {}).get("running")
    return f"{container['name']}: is not ready, and runs again after {death(before)}" if running and before else ""


def _initializing(status: Body) -> str:
    for container in status.get("initContainerStatuses") or []:
        if not container.get("ready") and (container.get("state") or {}).get("running"):
            return f"{container['name']} {OTHERS_WAIT}"
    return ""


def death(ended: Body) -> str:
    """How a container ended, and what it said then."""
    told = f"{ended.get('reason') or 'Error'} (exit code {ended.get('exitCode', 'unknown')})"
    return f"{told}{_after_colon(dying_words(ended))}"


def obstacle(waiting: Body) -> str:
    """Why a container waits, in Kubernetes' words, without names that it has made."""
    return quoted(MADE_NAME.sub("", BACK_OFF.sub("", waiting.get("message") or "")))


def dying_words(ended: Body) -> str:
    """The line of a container's end that tells why. Empty where a signal ended it, or it did as it should."""
    said = ended.get("message") or ""
    if ended.get("reason") in NOT_RUN:
        return quoted(said)
    unsaid = not ended.get("exitCode") or ended["exitCode"] in KILLED or ended.get("reason") == "OOMKilled"
    return "" if unsaid else telling(said)


def _after_colon(detail: str) -> str:
    return f": {detail}" if detail else ""
