"""What is told of machines that do not answer: when a person must act, and one Event when one is lost or is back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from elixircluster.observed.machine import LOST, listed, way_out
from elixircluster.observed.pod import Pod
from elixircluster.phase import Event
from elixircluster.rollout.gates import lost
from elixircluster.status.progress import time_left

Status = dict[str, Any]

PATIENCE_SECONDS = 300
"""How long a machine may be away before a person is asked to act: as long as Kubernetes leaves its pods there, where
nobody has told it otherwise. A machine that merely starts anew is back before."""


def given_up(pods: Sequence[Pod], now: str) -> str:
    """What a person can do about machines that have been away for too long; empty where none has."""
    away = [pod for pod in pods if pod.lost and time_left(pod.lost, PATIENCE_SECONDS, now) <= 0]
    found = lost(away)
    return found.message if found else ""


def patience_left(pods: Sequence[Pod], now: str) -> float | None:
    """In how many seconds the next one will have been away for too long."""
    left = (time_left(pod.lost, PATIENCE_SECONDS, now) for pod in pods if pod.lost)
    return min((seconds for seconds in left if seconds > 0), default=None)


def changes(before: Status, after: Status) -> Iterator[Event]:
    """The Events of machines that were lost, or are not any more, from the status as it was and as it is."""
    known, found = _lost(before), _lost(after)
    for machine in sorted(found.keys() - known.keys()):
        pods, message = listed(node["pod"] for node in found[machine]), found[machine][0]["message"]
        yield Event("Warning", LOST, f"{pods}: {message}; {way_out([machine])}")
    present = {node.get("machine") for node in after.get("nodes") or []}
    for machine in sorted(known.keys() - found.keys()):
        if machine in present:
            yield Event("Normal", "MachineBack", f"the machine {machine} answers again")
        else:
            yield Event("Normal", "MachineLeft", f"no node is on the machine {machine} any more, which did not answer")


def _lost(status: Status) -> dict[str, list[Status]]:
    """The nodes that are lost, by their machines."""
    found: dict[str, list[Status]] = {}
    for node in status.get("nodes") or []:
        if "lostSince" in node:
            found.setdefault(node["machine"], []).append(node)
    return found
