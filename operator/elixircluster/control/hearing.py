"""The phase that asks Kubernetes why a pod is not made or not ready, where nothing but an Event says so.

Events are not watched: a Kubernetes has many, and almost all are of no interest here. They are asked for by the uid of
what they are about, once it has lasted for some seconds, of a few pods at a time, and then more and more seldom.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, NamedTuple

from elixircluster.api.resource import Key
from elixircluster.kube.api import UNREACHABLE, Api
from elixircluster.kube.kinds import EVENTS, STATEFUL_SETS
from elixircluster.observed.complaints import Complaints, Subject
from elixircluster.observed.store import Store
from elixircluster.phase import Context, Result

logger = logging.getLogger(__name__)

FIRST_SECONDS = 3.0
"""Pods that are replaced are missing for less, and a node that boots has its time."""
LONGEST_SECONDS = 60.0
MOST_ASKED = 3
"""Pods a resource: a message names no more."""

Body = dict[str, Any]


class Turn(NamedTuple):
    """When somebody is asked about next, and how long that was since the last time."""

    due: float
    pause: float


class Hearing:
    """Asks for Events. What they say is put where everything is that was seen."""

    def __init__(self, api: Api, store: Store) -> None:
        self._api = api
        self._store = store
        self._turns: dict[Key, dict[Subject, Turn]] = {}

    async def phase(self, context: Context) -> Result:
        """Ask about what is due, and say when something is due again. That nothing could be heard stops nothing."""
        key, subjects = context.cluster.key, subjects_of(context)
        if not subjects:
            self.forget(key)
            return Result()
        now, before = asyncio.get_running_loop().time(), self._turns.get(key, {})
        turns = {subject: before.get(subject) or Turn(now + FIRST_SECONDS, FIRST_SECONDS) for subject in subjects}
        heard = self._store.complaints(key).about(subjects)
        for subject in [subject for subject, turn in turns.items() if turn.due <= now]:
            events = await self._events(key, subjects[subject])
            heard = heard if events is None else heard.after(subject, events)
            pause = min(2 * turns[subject].pause, LONGEST_SECONDS)
            turns[subject] = Turn(now + pause, pause)
        self._turns[key] = turns
        self._store.hear(key, heard)
        return Result(again=min(turn.due for turn in turns.values()) - now)

    def forget(self, key: Key) -> None:
        """There is nothing to ask about."""
        if self._turns.pop(key, None) is not None:
            self._store.hear(key, Complaints())

    async def _events(self, key: Key, uid: str) -> list[Body] | None:
        """The Events about one object; None where they cannot be read."""
        pages = self._api.pages(EVENTS, key.namespace, fields=f"involvedObject.uid={uid}")
        try:
            return [event async for page in pages for event in page["items"]]
        except UNREACHABLE as error:
            logger.info("events not read: %s", error or type(error).__name__)
            return None


def subjects_of(context: Context) -> dict[Subject, str]:
    """What cannot be told without Events, and the uid of what they are about."""
    observed = context.observed
    statefulset = observed.children.get((STATEFUL_SETS.kind, context.cluster.name))
    subjects: dict[Subject, str] = {pod: pod.uid for pod in observed.unexplained[:MOST_ASKED]}
    if statefulset and observed.shortage.pods:
        subjects[observed.shortage] = statefulset.uid
    return subjects
