"""Kubernetes Events, on transitions only."""

from __future__ import annotations

from typing import Any

from elixircluster.api.resource import API_VERSION, KIND, Key
from elixircluster.kube.api import FIELD_MANAGER, Api, ApiError
from elixircluster.kube.kinds import EVENTS
from elixircluster.observed.machine import LOST
from elixircluster.phase import Event
from elixircluster.status.correlation import Correlator, seconds

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
UNTOLD = {"Booting", "Forming", LOST}
"""Reasons that are told in another way, or are nothing to tell of: a machine has Events of its own."""
SAID_OF_FALSE = {"Stalled": "Recovered", "Paused": "Resumed"}

Body = dict[str, Any]


def transitions(before: list[Body], after: list[Body]) -> list[Event]:
    """What to tell of each condition that changed. The first sight of a condition that is False is none."""
    known = {item["type"]: item for item in before}
    told: list[Event] = []
    for condition in after:
        name, status = condition["type"], condition["status"]
        previous = known.get(name)
        changed = previous["status"] != status if previous else status == "True"
        kind = TOLD.get((name, status))
        if not changed or kind is None or condition["reason"] in UNTOLD:
            continue
        said = SAID_OF_FALSE.get(name) if status == "False" else None
        told.append(Event(kind, said or condition["reason"], condition["message"] or f"{name} is {status}"))
    return told


class Events:
    """Writes Events about a resource."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._correlator = Correlator()

    async def tell(self, key: Key, uid: str, event: Event, now: str) -> None:
        """Write one Event, or count the same one again; `now` is RFC 3339."""
        if not self._correlator.admit(uid, seconds(now)):
            return
        event = event._replace(message=event.message[:LONGEST_MESSAGE])
        name, count = await self._count(key, uid, event, now) or (await self._create(key, uid, event, now), 1)
        self._correlator.told((uid, event), name, count)

    async def _count(self, key: Key, uid: str, event: Event, now: str) -> tuple[str, int] | None:
        before = self._correlator.before((uid, event))
        if before is None:
            return None
        count = before.count + 1
        try:
            await self._api.merge(EVENTS, key.namespace, before.name, {"count": count, "lastTimestamp": now})
        except ApiError as error:
            # Events are kept for an hour.
            if error.code == 404:
                return None
            raise
        return before.name, count

    async def _create(self, key: Key, uid: str, event: Event, now: str) -> str:
        written = await self._api.create(
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
                "type": event.type,
                "reason": event.reason,
                "message": event.message,
                "firstTimestamp": now,
                "lastTimestamp": now,
                "count": 1,
                "source": {"component": FIELD_MANAGER},
                "reportingComponent": FIELD_MANAGER,
            },
        )
        name: str = written["metadata"]["name"]
        return name
