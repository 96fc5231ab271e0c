"""The Job controller: makes the pod, another one where that is lost, and says late how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from elixircluster.kube.kinds import JOBS, PODS
from tests.fake.server import Change, Ref, Server, controller

Body = dict[str, Any]

ACTOR = "job-controller"
SUCCEEDED, FAILED = "Succeeded", "Failed"
RESULTS = {SUCCEEDED: "Complete", FAILED: "Failed"}


class Jobs:
    """All of them, each of one pod that is tried once. `lag` is the seconds until the controller gets to something."""

    def __init__(self, server: Server, lag: Callable[[], float]) -> None:
        self._server = server
        self._lag = lag
        self._pods = 0
        server.listeners.append(self._hear)

    def wake_all(self) -> None:
        """Look at all of them."""
        for body in self._server.listed(JOBS.kind):
            self._later(self._lag(), self._sync, body["metadata"]["name"], body["metadata"]["uid"])

    def _hear(self, change: Change) -> None:
        if not change.type:
            return
        # One that somebody made in the place of ours has nothing in it.
        if change.ref.kind == JOBS.kind and change.type == "ADDED" and "spec" in change.body:
            name, uid = change.ref.name, change.body["metadata"]["uid"]
            self._later(self._lag(), self._sync, name, uid)
            self._later(change.body["spec"]["activeDeadlineSeconds"], self._end, name, uid, "DeadlineExceeded")
        elif change.ref.kind == PODS.kind and (owner := job_of(change.body)):
            self._later(self._lag(), self._sync, owner["name"], owner["uid"])

    def _sync(self, name: str, uid: str) -> None:
        job = self._unfinished(name, uid)
        if job is None:
            return
        pods = self._pods_of(uid)
        ended = next((pod["status"]["phase"] for pod in pods if (pod.get("status") or {}).get("phase") in RESULTS), "")
        if ended:
            self._report(name, ended, "" if ended == SUCCEEDED else "BackoffLimitExceeded")
        elif not pods:
            self._pods += 1
            self._server.create(ACTOR, PODS, pod_of(job, self._pods))

    def _end(self, name: str, uid: str, why: str) -> None:
        """It has taken too long: its pods go, and then it has failed."""
        if self._unfinished(name, uid):
            for pod in self._pods_of(uid):
                self._server.vanish(ACTOR, Ref(PODS.kind, pod["metadata"]["name"]))
            self._report(name, FAILED, why)

    def _report(self, name: str, phase: str, why: str) -> None:
        said = {"type": RESULTS[phase], "status": "True", "reason": why, "lastTransitionTime": self._server.now()}
        self._server.merge(ACTOR, JOBS, name, {"status": {"conditions": [said]}}, "status")

    def _unfinished(self, name: str, uid: str) -> Body | None:
        job = self._server.get(Ref(JOBS.kind, name))
        known = job is not None and job["metadata"]["uid"] == uid and "spec" in job
        return job if known and job and not (job.get("status") or {}).get("conditions") else None

    def _pods_of(self, uid: str) -> list[Body]:
        return [pod for pod in self._server.listed(PODS.kind) if (owner := job_of(pod)) and owner["uid"] == uid]

    def _later(self, seconds: float, call: Callable[..., None], *arguments: Any) -> None:
        asyncio.get_running_loop().call_later(seconds, call, *arguments)


def job_of(pod: Body) -> Body | None:
    """The reference to the Job that a pod is of."""
    owner = controller(pod)
    return owner if owner and owner["kind"] == JOBS.kind else None


def pod_of(job: Body, number: int) -> Body:
    """A pod of its template."""
    metadata, template = job["metadata"], job["spec"]["template"]
    owner = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "v1",
        "kind": PODS.kind,
        "metadata": {
            "name": f"{metadata['name']}-{number}x",
            "labels": dict(template["metadata"]["labels"]),
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": dict(template["spec"]),
        "status": {},
    }
