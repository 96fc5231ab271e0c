"""The scheduler and the kubelets: pods get a place and an address, become ready or do not, and end.

A pod is ready when its node takes connections. When the node has booted is another question, which Kubernetes does not
ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from elixircluster.kube.kinds import PODS
from tests.fake.jobs import FAILED, RESULTS, SUCCEEDED, job_of
from tests.fake.server import Change, Ref, Server

Body = dict[str, Any]

ACTOR = "kubelet"
BROKEN, FLAKY, SLOW, HUNG, LATE, UNFIT = "broken", "flaky", "slow", "hung", "late", "unfit"
"""In an image: its node never becomes ready; is ready by turns; is ready long before it has booted; never boots; dies
while it boots, again and again; its migration fails. What is broken does not even begin.
"""
UNHEARD = "unheard"
"""What a node was told whose machine does not answer."""
FLAP_SECONDS = 7.0
MACHINES = ("machine-0", "machine-1", "machine-2")
BOOT_SECONDS = 20.0
DEATH_SECONDS = 8.0
BACKOFF_SECONDS = 5.0


class Kubelets:
    """Of all machines. `lag` is the seconds that a step takes."""

    def __init__(self, server: Server, lag: Callable[[], float]) -> None:
        self._server = server
        self._lag = lag
        self._addresses = 0
        self.booted: set[str] = set()
        """The uids of the pods whose nodes have booted."""
        self.told: dict[str, list[str]] = {}
        """How the nodes of pods, by their uids, were told to go, again and again."""
        self.hear_nodes: list[Callable[[], None]] = []
        """Called when a node has booted, or has died."""
        self.calm = False
        """No node changes its mind any more."""
        self.silent: set[str] = set()
        """Machines of which nothing is heard."""
        server.listeners.append(self._hear)

    def unready(self, name: str, seconds: float) -> None:
        """A node fails its readiness for a while."""
        pod = self._server.get(Ref(PODS.kind, name))
        if pod and _address(pod):
            self._set_ready(name, pod["metadata"]["uid"], False)
            self._later(seconds, self._start, name, pod["metadata"]["uid"])

    def wake_all(self, machine: str = "") -> None:
        """As after a restart of the machines, or of one: every pod is looked at again."""
        for pod in self._server.listed(PODS.kind):
            name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
            if machine and pod["spec"].get("nodeName", machine) != machine:
                continue
            if "deletionTimestamp" in pod["metadata"]:
                self._later(self._lag(), self._end, name, uid)
            else:
                self._later(self._lag(), self._place, name, uid)

    def _hear(self, change: Change) -> None:
        if change.ref.kind != PODS.kind or change.after is None or not change.type:
            return
        name, uid = change.ref.name, change.after["metadata"]["uid"]
        if change.before is None:
            self._later(self._lag(), self._place, name, uid)
        elif "deletionTimestamp" in change.after["metadata"] and "deletionTimestamp" not in change.before["metadata"]:
            self._later(self._lag(), self._end, name, uid)

    def _place(self, name: str, uid: str) -> None:
        pod = self._there(name, uid)
        if pod is None or (pod.get("status") or {}).get("phase") in RESULTS:
            return
        if not pod["spec"].get("nodeName"):
            free = [machine for machine in MACHINES if machine not in self.silent]
            if not free:
                return
            place = free[sum(map(ord, name)) % len(free)]
            self._server.merge(ACTOR, PODS, name, {"spec": {"nodeName": place}})
        self._set_ready(name, uid, False)
        self._later(self._lag(), self._start, name, uid)

    def _start(self, name: str, uid: str) -> None:
        pod = self._heard_of(name, uid)
        if pod is None or "deletionTimestamp" in pod["metadata"]:
            return
        image = image_of(pod)
        if BROKEN in image:
            return
        if job_of(pod):
            self._run(name, uid, image)
            return
        ready = not _is_ready(pod) or self.calm or FLAKY not in image
        self._set_ready(name, uid, ready)
        if uid not in self.booted:
            self._boot_later(name, uid, image)
        if FLAKY in image and not self.calm:
            self._later(FLAP_SECONDS, self._start, name, uid)

    def _run(self, name: str, uid: str, image: str) -> None:
        """What is to come to an end by itself, and is not started again."""
        pod = self._there(name, uid)
        if pod and (pod.get("status") or {}).get("phase") not in RESULTS:
            self._set_ready(name, uid, True)
            self._later(self._lag(), self._finish, name, uid, FAILED if UNFIT in image else SUCCEEDED)

    def _finish(self, name: str, uid: str, phase: str) -> None:
        pod = self._heard_of(name, uid)
        if pod and (pod.get("status") or {}).get("phase") not in RESULTS:
            ended = {
                "exitCode": 0 if phase == SUCCEEDED else 1,
                "reason": "Completed" if phase == SUCCEEDED else "Error",
            }
            container = {"name": "app", "image": image_of(pod), "ready": False, "state": {"terminated": ended}}
            status = {**pod["status"], "phase": phase, "conditions": [], "containerStatuses": [container]}
            self._server.merge(ACTOR, PODS, name, {"status": status}, "status")

    def _boot_later(self, name: str, uid: str, image: str) -> None:
        if LATE in image and not self.calm:
            self._later(DEATH_SECONDS, self._die, name, uid)
        elif HUNG not in image:
            self._later(BOOT_SECONDS if SLOW in image else self._lag(), self._boot, name, uid)

    def _boot(self, name: str, uid: str) -> None:
        if self._there(name, uid):
            self.booted.add(uid)
            self.tell()

    def _die(self, name: str, uid: str) -> None:
        """Its container ends, and is started again after a while."""
        pod = self._there(name, uid)
        if pod is None or "deletionTimestamp" in pod["metadata"]:
            return
        self._set_ready(name, uid, False, died=True)
        self.tell()
        self._later(BACKOFF_SECONDS, self._start, name, uid)

    def tell(self) -> None:
        """A node has booted or died, or its machine."""
        for hear in self.hear_nodes:
            hear()

    def _end(self, name: str, uid: str) -> None:
        if self._heard_of(name, uid):
            self._server.vanish(ACTOR, Ref(PODS.kind, name))

    def _set_ready(self, name: str, uid: str, ready: bool, *, died: bool = False) -> None:
        pod = self._heard_of(name, uid)
        if pod is None:
            return
        image = image_of(pod)
        before = (pod.get("status") or {}).get("containerStatuses") or [{}]
        restarts = before[0].get("restartCount", 0) + died
        state: Body = {"waiting": {"reason": "CrashLoopBackOff"}} if died or BROKEN in image else {"running": {}}
        container = {
            "name": "app",
            "image": image,
            "ready": ready,
            "started": ready,
            "state": state,
            "restartCount": restarts,
        }
        since = self._server.now() if ready != _is_ready(pod) else ready_since(pod)
        status = {
            "phase": "Running",
            "podIP": _address(pod) or self._next_address(),
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "ContainersReady", "status": "True" if ready else "False"},
                {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": since},
            ],
            "containerStatuses": [container],
        }
        if _timeless(status) != _timeless(pod.get("status") or {}):
            self._server.merge(ACTOR, PODS, name, {"status": status}, "status")

    def _there(self, name: str, uid: str) -> Body | None:
        pod = self._server.get(Ref(PODS.kind, name))
        return pod if pod and pod["metadata"]["uid"] == uid else None

    def _heard_of(self, name: str, uid: str) -> Body | None:
        """The pod, where its machine answers."""
        pod = self._there(name, uid)
        return None if pod is None or pod["spec"].get("nodeName") in self.silent else pod

    def _next_address(self) -> str:
        self._addresses += 1
        return f"10.0.{self._addresses // 250}.{self._addresses % 250 + 1}"

    def _later(self, seconds: float, call: Callable[..., None], *arguments: Any) -> None:
        asyncio.get_running_loop().call_later(seconds, call, *arguments)


def image_of(pod: Body) -> str:
    """The release's image."""
    return next((str(item.get("image", "")) for item in pod["spec"]["containers"] if item["name"] == "app"), "")


def _timeless(status: Body) -> Body:
    conditions = [(item["type"], item["status"]) for item in status.get("conditions") or []]
    return {**status, "conditions": conditions}


def _address(pod: Body) -> str:
    return str((pod.get("status") or {}).get("podIP", ""))


def _is_ready(pod: Body) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def ready_since(pod: Body) -> str:
    """Since when it is as ready as it is, in RFC 3339."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return next((item["lastTransitionTime"] for item in conditions if item["type"] == "Ready"), "")
