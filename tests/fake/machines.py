"""Machines that come and go, and what Kubernetes says of the pods on one that it does not hear of.

at once   its kubelet says nothing more: no pod on it starts, becomes ready or ends
50 s      the node lifecycle controller sets Ready to False, and nothing else
350 s     the taint manager deletes its pods, of which nobody there hears
"""

from __future__ import annotations

import asyncio
from typing import Any

from elixircluster.kube.kinds import PODS
from tests.fake.kubelet import MACHINES, Kubelets
from tests.fake.server import Ref, Server

Body = dict[str, Any]

ACTOR = "node-controller"
GRACE_SECONDS = 50.0
TOLERATION_SECONDS = 300.0


class Machines:
    """All of them."""

    def __init__(self, server: Server, kubelets: Kubelets) -> None:
        self._server = server
        self._kubelets = kubelets
        self._losses: dict[str, int] = {}

    def lose(self, name: str) -> None:
        """Cut off, or without power."""
        if name not in self._kubelets.silent:
            self._kubelets.silent.add(name)
            loss = self._losses[name] = self._losses.get(name, 0) + 1
            self._kubelets.tell()
            loop = asyncio.get_running_loop()
            loop.call_later(GRACE_SECONDS, self._unready, name, loss)
            loop.call_later(GRACE_SECONDS + TOLERATION_SECONDS, self._evict, name, loss)

    def back(self, name: str) -> None:
        """It answers again."""
        if name in self._kubelets.silent:
            self._kubelets.silent.discard(name)
            self._kubelets.tell()
            self._kubelets.wake_all(name)

    def give_up(self, name: str) -> None:
        """A person says that it is out of service: its pods are deleted, and need nobody there to end."""
        if name in self._kubelets.silent:
            for pod in self._pods(name):
                self._server.vanish("pod-garbage-collector", Ref(PODS.kind, pod["metadata"]["name"]))

    def all_back(self) -> None:
        """As after the night."""
        for name in MACHINES:
            self.back(name)

    def _unready(self, name: str, loss: int) -> None:
        for pod in self._pods(name) if self._is_still_lost(name, loss) else []:
            conditions = [self._marked(item) for item in (pod.get("status") or {}).get("conditions") or []]
            patch = {"status": {"conditions": conditions}}
            if conditions != (pod.get("status") or {}).get("conditions"):
                self._server.merge(ACTOR, PODS, pod["metadata"]["name"], patch, "status")

    def _marked(self, condition: Body) -> Body:
        if (condition["type"], condition["status"]) != ("Ready", "True"):
            return condition
        return {**condition, "status": "False", "lastTransitionTime": self._server.now()}

    def _evict(self, name: str, loss: int) -> None:
        for pod in self._pods(name) if self._is_still_lost(name, loss) else []:
            self._server.delete(ACTOR, PODS, pod["metadata"]["name"])

    def _is_still_lost(self, name: str, loss: int) -> bool:
        return name in self._kubelets.silent and self._losses[name] == loss

    def _pods(self, name: str) -> list[Body]:
        return [pod for pod in self._server.listed(PODS.kind) if pod["spec"].get("nodeName") == name]
