"""The StatefulSet controller: makes the pods that are missing, adopts orphans, takes the surplus, and says so late.

Parallel and OnDelete: a pod is of the newest revision when it is made, and nothing else replaces an old one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from elixircluster.kube.api import ApiError
from elixircluster.kube.kinds import EVENTS, PODS, STATEFUL_SETS
from tests.fake.server import Change, Ref, Server, controller

Body = dict[str, Any]

ACTOR = "kube-controller-manager"
REVISION_LABEL = "controller-revision-hash"
RETRY_SECONDS = 1.0


class StatefulSets:
    """All of them. `lag` is the seconds from a change until the controller gets to it."""

    def __init__(self, server: Server, lag: Callable[[], float]) -> None:
        self._server = server
        self._lag = lag
        self._due: set[str] = set()
        self.quota: int | None = None
        """How many pods of each are let through."""
        server.listeners.append(self._hear)

    def wake_all(self) -> None:
        """Look at all of them, as when the controller starts."""
        for body in self._server.listed(STATEFUL_SETS.kind):
            self._wake(body["metadata"]["name"])

    def _hear(self, change: Change) -> None:
        if not change.type:
            return
        if change.ref.kind == STATEFUL_SETS.kind:
            self._wake(change.ref.name)
        elif change.ref.kind == PODS.kind:
            self._wake(parent(change.ref.name))

    def _wake(self, name: str, lag: float | None = None) -> None:
        if name not in self._due:
            self._due.add(name)
            asyncio.get_running_loop().call_later(self._lag() if lag is None else lag, self._sync, name)

    def _sync(self, name: str) -> None:
        self._due.discard(name)
        body = self._server.get(Ref(STATEFUL_SETS.kind, name))
        if body is None or "deletionTimestamp" in body["metadata"]:
            return
        try:
            pods = self._claimed(body)
            self._scale(body, pods)
        except ApiError:
            # A pod of this name belongs to somebody else, or is not gone yet.
            self._wake(name, RETRY_SECONDS)
        self._report(body)

    def _claimed(self, body: Body) -> dict[int, Body]:
        """Its pods by ordinal. Those without a controller, that are named and labelled as its own, become its own."""
        found = {}
        wanted = body["spec"]["selector"]["matchLabels"].items()
        for pod in self._server.listed(PODS.kind):
            metadata, owner = pod["metadata"], controller(pod)
            if parent(metadata["name"]) != body["metadata"]["name"]:
                continue
            fits = wanted <= (metadata.get("labels") or {}).items() and "deletionTimestamp" not in metadata
            if owner is None and fits:
                patch = {"metadata": {"ownerReferences": [reference(body)]}}
                self._server.merge(ACTOR, PODS, metadata["name"], patch)
            if (owner is None and fits) or (owner and owner["uid"] == body["metadata"]["uid"]):
                found[int(metadata["name"].rpartition("-")[2])] = pod
        return found

    def _scale(self, body: Body, pods: dict[int, Body]) -> None:
        replicas = body["spec"].get("replicas", 1)
        for ordinal, pod in pods.items():
            if ordinal >= replicas and "deletionTimestamp" not in pod["metadata"]:
                self._server.delete(ACTOR, PODS, pod["metadata"]["name"])
        refused = None
        for ordinal in range(replicas):
            if ordinal not in pods:
                pod = pod_of(body, ordinal)
                try:
                    self._admit(body, pod)
                    self._server.create(ACTOR, PODS, pod)
                except ApiError as error:
                    refused = error
        if refused:
            raise refused

    def _admit(self, body: Body, pod: Body) -> None:
        """As a ResourceQuota does, and the controller tells of it in an Event, and in the same one again."""
        there = sum(
            parent(found["metadata"]["name"]) == body["metadata"]["name"] for found in self._server.listed("Pod")
        )
        if self.quota is None or there < self.quota:
            return
        name, pod_name, now = body["metadata"]["name"], pod["metadata"]["name"], self._server.now()
        said = f'pods "{pod_name}" is forbidden: exceeded quota: small, requested: pods=1'
        event = Ref(EVENTS.kind, f"{pod_name}.refused")
        if self._server.get(event):
            self._server.merge(ACTOR, EVENTS, event.name, {"lastTimestamp": now})
        else:
            told = {
                "apiVersion": "v1",
                "kind": EVENTS.kind,
                "metadata": {"name": event.name},
                "involvedObject": {"kind": STATEFUL_SETS.kind, "name": name, "uid": body["metadata"]["uid"]},
                "type": "Warning",
                "reason": "FailedCreate",
                "message": f"create Pod {pod_name} in StatefulSet {name} failed error: {said}",
                "lastTimestamp": now,
            }
            self._server.create(ACTOR, EVENTS, told)
        raise ApiError(403, {"reason": "Forbidden", "message": said})

    def _report(self, body: Body) -> None:
        name, uid = body["metadata"]["name"], body["metadata"]["uid"]
        pods = [
            pod
            for pod in self._server.listed(PODS.kind)
            if (owner := controller(pod)) is not None and owner["uid"] == uid
        ]
        newest = revision(body)
        before = body.get("status") or {}
        status = {
            "observedGeneration": body["metadata"]["generation"],
            "replicas": len(pods),
            "readyReplicas": sum(is_ready(pod) for pod in pods),
            "updatedReplicas": sum(pod["metadata"]["labels"].get(REVISION_LABEL) == newest for pod in pods),
            "currentRevision": before.get("currentRevision", newest),
            "updateRevision": newest,
        }
        if status != before:
            self._server.merge(ACTOR, STATEFUL_SETS, name, {"status": status}, "status")


def pod_of(body: Body, ordinal: int) -> Body:
    """A new pod from the newest template."""
    template = body["spec"]["template"]
    name = f"{body['metadata']['name']}-{ordinal}"
    metadata = template.get("metadata") or {}
    labels = {
        **(metadata.get("labels") or {}),
        REVISION_LABEL: revision(body),
        "statefulset.kubernetes.io/pod-name": name,
        "apps.kubernetes.io/pod-index": str(ordinal),
    }
    return {
        "apiVersion": "v1",
        "kind": PODS.kind,
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": dict(metadata.get("annotations") or {}),
            "ownerReferences": [reference(body)],
        },
        "spec": {**template["spec"], "hostname": name, "subdomain": body["spec"].get("serviceName", "")},
        "status": {},
    }


def reference(body: Body) -> Body:
    """By which a pod says whose it is."""
    metadata = body["metadata"]
    return {
        "apiVersion": STATEFUL_SETS.api_version,
        "kind": STATEFUL_SETS.kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def revision(body: Body) -> str:
    """The name of the template's ControllerRevision: its hash, so that the same template is the same revision."""
    said = json.dumps(body["spec"]["template"], sort_keys=True).encode()
    return f"{body['metadata']['name']}-{hashlib.sha256(said).hexdigest()[:10]}"


def parent(pod: str) -> str:
    """The StatefulSet that a pod is named for, or nothing."""
    found = re.fullmatch(r"(.+)-(\d+)", pod)
    return found[1] if found else ""


def is_ready(pod: Body) -> bool:
    """Whether it is ready and stays."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    ready = any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]
