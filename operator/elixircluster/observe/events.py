"""Kubernetes Events, on transitions only."""

from __future__ import annotations

from typing import Any

from elixircluster.api.resource import API_VERSION, KIND, Key
from elixircluster.control.kinds import EVENTS
from elixircluster.kube import FIELD_MANAGER, Api

LONGEST_MESSAGE = 1024

# Condition, new status → type of the Event. What is not here is told by another condition.
TOLD = {
    ("Ready", "True"): "Normal",
    ("Stalled", "True"): "Warning",
    ("Stalled", "False"): "Normal",
    ("Available", "False"): "Warning",
    ("Clustered", "True"): "Normal",
    ("Clustered", "False"): "Warning",
    ("Paused", "True"): "Normal",
    ("Paused", "False"): "Normal",
}
UNTOLD = {"Forming"}
SAID_OF_FALSE = {"Stalled": "Recovered", "Paused": "Resumed"}

Body = dict[str, Any]
Told = tuple[str, str, str]
"""Type, reason and message of an Event."""


def transitions(before: list[Body], after: list[Body]) -> list[Told]:
    """What to tell of each condition that changed. The first sight of a condition that is False is none."""
    known = {item["type"]: item for item in before}
    told: list[Told] = []
    for condition in after:
        name, status = condition["type"], condition["status"]
        previous = known.get(name)
        changed = previous["status"] != status if previous else status == "True"
        kind = TOLD.get((name, status))
        if not changed or kind is None or condition["reason"] in UNTOLD:
            continue
        said = SAID_OF_FALSE.get(name) if status == "False" else None
        told.append((kind, said or condition["reason"], condition["message"] or f"{name} is {status}"))
    return told


class Events:
    """Writes Events about a resource."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def tell(self, key: Key, uid: str, event: Told, now: str) -> None:
        """Write one Event; `now` is RFC 3339."""
        kind, reason, message = event
        await self._api.create(
            EVENTS,
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"generateName": f"{key.name}.", "namespace": key.namespace},
                "involvedObject": {
                    "apiVersion": API_VERSION,
                    "kind": KIND,
                    "name": key.name,
                    "namespace": key.namespace,
                    "uid": uid,
                },
                "type": kind,
                "reason": reason,
                "message": message[:LONGEST_MESSAGE],
                "firstTimestamp": now,
                "lastTimestamp": now,
                "count": 1,
                "source": {"component": FIELD_MANAGER},
                "reportingComponent": FIELD_MANAGER,
            },
        )
