"""The garbage collector: whose owner is gone goes too, some time later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from elixircluster.kube.kinds import PODS
from tests.fake.server import Change, Ref, Server, kinds

ACTOR = "garbage-collector"
KINDS = {kind.kind: kind for kind in kinds()}
ABSENT = "uid-"
"""Objects of the fake have a uid that begins so; an owner of another kind, a Job say, is there for good."""


class Collector:
    """Background deletion. `lag` is the seconds until it looks."""

    def __init__(self, server: Server, lag: Callable[[], float]) -> None:
        self._server = server
        self._lag = lag
        server.listeners.append(self._hear)

    def wake_all(self) -> None:
        """Look at everything."""
        for ref in self._server.objects:
            self._later(ref)

    def _hear(self, change: Change) -> None:
        if change.type == "DELETED":
            uid = change.body["metadata"]["uid"]
            for ref, body in self._server.objects.items():
                if any(owner["uid"] == uid for owner in _owners(body)):
                    self._later(ref)
        elif change.type and change.after and _owners(change.after):
            self._later(change.ref)

    def _later(self, ref: Ref) -> None:
        body = self._server.get(ref)
        if body:
            asyncio.get_running_loop().call_later(self._lag(), self._collect, ref, body["metadata"]["uid"])

    def _collect(self, ref: Ref, uid: str) -> None:
        body = self._server.get(ref)
        if body is None or body["metadata"]["uid"] != uid:
            return
        owners, alive = _owners(body), self._server.uids()
        if owners and not any(owner["uid"] in alive or not owner["uid"].startswith(ABSENT) for owner in owners):
            self._server.delete(ACTOR, KINDS.get(ref.kind, PODS), ref.name)


def _owners(body: dict[str, Any]) -> list[dict[str, Any]]:
    return body["metadata"].get("ownerReferences") or []
