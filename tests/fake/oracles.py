"""The laws, as a judge holds them against everything that an operator does. A verdict is a sentence."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from elixircluster.api.resource import GROUP
from elixircluster.kube.api import FIELD_MANAGER
from elixircluster.kube.kinds import CLUSTERS, EVENTS, JOBS, LEASES, PODS, STATEFUL_SETS
from elixircluster.render.migration import IMAGE_ANNOTATION
from elixircluster.text import seconds_between
from tests.fake import statefulset
from tests.fake.api import Request
from tests.fake.kubelet import LATE, UNHEARD, image_of, ready_since
from tests.fake.rights import granted, needed
from tests.fake.server import Change, Ref, Server, controller
from tests.fake.statefulset import is_ready, parent, revision
from tests.fake.view import View, lost, ordinal, revision_of, why_not_whole

Body = dict[str, Any]

UNTOLD_SECONDS = 10.0
"""As long a pod is ready before users may take it for booted whose node is not asked."""
COURTESY = {EVENTS.kind, LEASES.kind}


class Judge:
    """Watches all operators. `verdicts` is what they did wrong; `booted` are the uids of the pods whose nodes have."""

    def __init__(self, server: Server, booted: Collection[str], told: Mapping[str, Sequence[str]]) -> None:
        self._server = server
        self._booted = booted
        self._told = told
        self._specs: dict[tuple[str, int], Body] = {}
        self._strategies: dict[str, str] = {}
        self._sets: dict[str, str] = {}
        self._deletions: dict[tuple[str, str], tuple[str, str] | None] = {}
        """What was sent to delete a pod, at a version, and the law that it breaks if it comes about."""
        self._statuses: dict[tuple[str, str], list[tuple[str, str]]] = {}
        """What was sent as a status, and the laws that it breaks if it comes about."""
        self.verdicts: list[str] = []
        self.expected: list[tuple[str, Body, Body]] = []
        """Resources, their last specs and what came of them: to be compared with fresh ones."""
        server.listeners.append(self._hear)

    def accuse(self, law: str, told: str) -> None:
        """Write a verdict down, once."""
        if (verdict := f"{law}: {told}") not in self.verdicts:
            self.verdicts.append(verdict)

    def issued(self, view: View, request: Request) -> None:
        """An operator sends a request, and knows what is in `view`."""
        if (right := needed(request.kind, request.verb, request.subresource)) not in granted():
            self.accuse("only what its role grants is asked for", " ".join(right))
        if request.verb == "delete" and request.kind == PODS and request.body:
            self._deletions[request.name, request.body["resourceVersion"]] = self._judge_deletion(view, request)
        elif request.subresource == "status" and request.kind == CLUSTERS:
            status = (request.body or {})["status"]
            self._statuses[request.name, said_as(status)] = list(self._judge_status(view, request))
        elif request.kind == STATEFUL_SETS and request.verb == "apply" and request.body:
            self._judge_stop(view, request)
            self._judge_unmigrated(view, request)
            self._judge_leave(view, request)
            cluster = view.cluster(request.name)
            if cluster:
                self._strategies[request.name] = strategy(cluster)

    def _hear(self, change: Change) -> None:
        """Something took effect."""
        if change.ref.kind == CLUSTERS.kind and change.after and change.type:
            metadata = change.after["metadata"]
            self._specs[metadata["uid"], metadata["generation"]] = change.after["spec"]
        if change.ref.kind == STATEFUL_SETS.kind and change.after and (owner := controller(change.after)):
            self._sets[change.after["metadata"]["uid"]] = owner["uid"]
        if change.actor == FIELD_MANAGER and change.ref.kind == CLUSTERS.kind and change.after:
            for verdict in self._statuses.get((change.ref.name, said_as(change.after.get("status"))), ()):
                self.accuse(*verdict)
        if change.actor == FIELD_MANAGER and change.ref.kind not in COURTESY:
            self._judge_ownership(change)
        if change.actor == FIELD_MANAGER and change.verb == "delete" and change.before:
            self._blame(change.ref.name, change.before["metadata"]["resourceVersion"])
        if change.ref.kind == JOBS.kind and change.after:
            self._judge_migration(change)
        if change.actor == statefulset.ACTOR and change.ref.kind == PODS.kind and change.type == "ADDED":
            self._judge_start(change)

    def _judge_ownership(self, change: Change) -> None:
        """Nothing with another owner is ever written or deleted."""
        before = change.before
        if before is None or change.ref.kind == CLUSTERS.kind:
            return
        owner = controller(before)
        ours = owner is not None and owner["apiVersion"].startswith(f"{GROUP}/")
        if change.ref.kind == PODS.kind:
            ours = owner is not None and owner["uid"] in self._sets
        if not ours:
            whose = f"of {owner['kind']} {owner['name']}" if owner else "nobody's"
            self.accuse("another's is not touched", f"{change.verb} of {'/'.join(change.ref)}, which is {whose}")

    def _judge_deletion(self, view: View, request: Request) -> tuple[str, str] | None:
        """Never two broken nodes. Returns the law that it would break, and how."""
        name = parent(request.name)
        cluster, pod = view.cluster(name), view.get(Ref(PODS.kind, request.name))
        if cluster is None or pod is None or view.workload(name) is None or not self._is_up(pod, cluster["spec"]):
            return None
        left = "leave" in self._told.get(pod["metadata"]["uid"], ())
        if revision_of(pod) == view.newest(name) and not left:
            return "healthy nodes stay", f"{request.name} is deleted, which is ready and of the newest revision"
        if strategy(cluster) == "Rolling" and (broken := self._broken(view, name, cluster["spec"])):
            return "never two broken nodes", f"{request.name} is deleted though {' and '.join(broken)}"
        if gone := lost(view, name, cluster["spec"].get("replicas", 3)):
            return "nobody goes while a machine is lost", f"{request.name} is deleted though {gone} are on one"
        return None

    def _blame(self, pod: str, version: str) -> None:
        """What the API server refuses, since the pod or all of etcd is another by now, costs nobody anything."""
        if told := self._deletions.get((pod, version)):
            self.accuse(*told)

    def _judge_stop(self, view: View, request: Request) -> None:
        """Nobody stops all nodes for a change that a node on a lost machine would hold up for ever."""
        before, wanted = view.workload(request.name), (request.body or {}).get("spec", {})
        if before is None or wanted.get("replicas") != 0 or not before["spec"].get("replicas"):
            return
        is_change = revision({"metadata": before["metadata"], "spec": wanted}) != revision(before)
        cluster = view.cluster(request.name)
        if is_change and cluster and cluster["spec"].get("replicas", 3) and (gone := lost(view, request.name)):
            self.accuse("nobody stops all while a machine is lost", f"{request.name} is, and {gone} are on one")

    def _judge_leave(self, view: View, request: Request) -> None:
        """Who is up leaves alone, from the top, knows it, and not while another one is broken."""
        cluster, before = view.cluster(request.name), view.workload(request.name)
        if cluster is None or before is None or request.body is None:
            return
        spec, now, wanted = cluster["spec"], before["spec"].get("replicas", 1), request.body["spec"]["replicas"]
        newest = revision({"metadata": before["metadata"], "spec": request.body["spec"]})
        outdated = any(revision_of(pod) != newest for pod in view.members(request.name))
        recreates = strategy(cluster) == "Recreate" or (spec.get("update") or {}).get("allowRecreate")
        stops = wanted == 0 and (spec.get("replicas", 3) > 0 or (outdated and recreates))
        members = [pod for pod in view.members(request.name) if wanted <= ordinal(pod) < now and self._is_up(pod, spec)]
        if stops or not members:
            return
        names = [pod["metadata"]["name"] for pod in members]
        if len(members) > 1:
            self.accuse("one leaves at a time", f"{request.name} goes from {now} to {wanted}, and {names} are up")
        told = [self._told.get(pod["metadata"]["uid"], ["nothing"])[-1] for pod in members]
        untold = [how for how in told if how not in {"leave", UNHEARD}]
        if untold and spec["mesh"]["probe"] == "Enabled":
            self.accuse("who leaves knows it", f"{names} leave and were not told")
        if broken := why_not_whole(view, request.name, spec.get("replicas", 3)):
            self.accuse("never two broken nodes", f"{names} leave though {' and '.join(broken)}")

    def _judge_unmigrated(self, view: View, request: Request) -> None:
        """No node of an image is made before its migration has run, as far as the operator knows of one."""
        assert request.body is not None
        cluster, before = view.cluster(request.name), view.workload(request.name)
        wanted = image_of({"spec": request.body["spec"]["template"]["spec"]})
        there = before and image_of({"spec": before["spec"]["template"]["spec"]})
        if cluster and cluster["spec"].get("migration") and wanted not in {there, *self._migrated(cluster)}:
            self.accuse(
                "a migration comes first", f"{request.name} gets nodes of {wanted}, whose migration has not run"
            )

    def _judge_migration(self, change: Change) -> None:
        """Of a resource one migration runs at a time, and that of an image once."""
        assert change.after is not None
        owner, image = controller(change.after), image_migrated(change.after)
        cluster = self._server.get(Ref(CLUSTERS.kind, owner["name"])) if owner and image else None
        if cluster is None or owner is None or cluster["metadata"]["uid"] != owner["uid"] or change.before is not None:
            return
        others = [job for job in self._jobs(cluster) if job["metadata"]["uid"] != change.after["metadata"]["uid"]]
        if [job for job in others if not ended(job)]:
            self.accuse("one migration at a time", f"{change.ref.name} is made beside one that runs")
        if image in {image_migrated(job) for job in others if ended(job) == "Complete"}:
            self.accuse("an image is migrated once", f"{change.ref.name} is made though {image} was")

    def _migrated(self, cluster: Body) -> set[str]:
        """The images whose migration has run."""
        told = ((cluster.get("status") or {}).get("migration") or {}).get("images") or []
        return {*told, *(image_migrated(job) for job in self._jobs(cluster) if ended(job) == "Complete")}

    def _jobs(self, cluster: Body) -> list[Body]:
        """Its own."""
        uid, jobs = cluster["metadata"]["uid"], self._server.listed(JOBS.kind)
        return [job for job in jobs if (owner := controller(job)) and owner["uid"] == uid]

    def _is_up(self, pod: Body, spec: Body) -> bool:
        """Whether it is ready, and has booted; where nodes are not asked, whether one that dies before has not."""
        if not is_ready(pod) or pod["metadata"]["uid"] in self._booted:
            return is_ready(pod)
        # That it has died since may be on its way still.
        asked = spec["mesh"]["probe"] == "Enabled"
        return not asked and (LATE not in image_of(pod) or self._ready_seconds(pod) >= UNTOLD_SECONDS)

    def _ready_seconds(self, pod: Body) -> float:
        return seconds_between(ready_since(pod), self._server.now())

    def _broken(self, view: View, name: str, spec: Body) -> list[str]:
        """The members of the newest revision that are missing, unready, about to end, or have not booted."""
        newest, replicas = view.newest(name), spec.get("replicas", 3)
        booting = [
            f"{pod['metadata']['name']} has not booted"
            for pod in view.members(name)
            if ordinal(pod) < replicas and revision_of(pod) == newest and is_ready(pod) and not self._is_up(pod, spec)
        ]
        return [*why_not_whole(view, name, replicas), *booting]

    def _judge_start(self, change: Change) -> None:
        """Old and new never run at the same time by what the operator asks for: in a Recreate, and on other ports."""
        assert change.after is not None
        name = parent(change.ref.name)
        workload = self._server.get(Ref(STATEFUL_SETS.kind, name))
        if workload is None or drifted(workload):
            return
        recreates = self._strategies.get(name) == "Recreate"
        others = [
            pod["metadata"]["name"]
            for pod in self._server.listed(PODS.kind)
            if (owner := controller(pod)) is not None
            and owner["uid"] == workload["metadata"]["uid"]
            and revision_of(pod) != revision_of(change.after)
            and (recreates or distribution_of(pod) != distribution_of(change.after))
        ]
        if others:
            self.accuse("old and new never meet", f"{change.ref.name} of the newest revision starts beside {others}")

    def _judge_status(self, view: View, request: Request) -> Iterator[tuple[str, str]]:
        """Status is true. The laws that it breaks, and how."""
        assert request.body is not None
        status = request.body["status"]
        said = {item["type"]: item for item in status.get("conditions") or []}
        if is_true(said, "Stalled") and is_true(said, "Reconciling"):
            yield "status is true", f"Stalled ({said['Stalled']['reason']}) and Reconciling at once"
        uid = request.body["metadata"].get("uid", "")
        spec = self._specs.get((uid, status.get("observedGeneration", 0)))
        if is_true(said, "Ready") and spec is not None:
            for told in [*not_ready(view, request.name, spec), *self._broken(view, request.name, spec)]:
                yield "status is true", f"Ready though {told}"


def not_ready(view: View, name: str, spec: Body) -> list[str]:
    """Why a resource with this spec is not ready."""
    workload, replicas = view.workload(name), spec.get("replicas", 3)
    if workload is None:
        return ["there is no StatefulSet"]
    members, newest = view.members(name), view.newest(name)
    told = why_not_whole(view, name, replicas)
    if image_of({"spec": workload["spec"]["template"]["spec"]}) != spec["image"]:
        told.append("the StatefulSet has another image")
    told += [f"{pod['metadata']['name']} is of an old revision" for pod in members if revision_of(pod) != newest]
    told += [f"{pod['metadata']['name']} is too many" for pod in members if ordinal(pod) >= replicas]
    return told


def image_migrated(job: Body) -> str:
    """Whose migration a Job is; empty where it is none."""
    return str((job["metadata"].get("annotations") or {}).get(IMAGE_ANNOTATION, ""))


def ended(job: Body) -> str:
    """How it ended, if it did."""
    return next((str(item["type"]) for item in (job.get("status") or {}).get("conditions") or []), "")


def said_as(status: Body | None) -> str:
    """A status as text, to tell one from another."""
    return json.dumps(status, sort_keys=True)


def strategy(cluster: Body) -> str:
    """How it wants to be changed."""
    return str((cluster["spec"].get("update") or {}).get("strategy", "Rolling"))


def distribution_of(pod: Body) -> str:
    """How its node is reached."""
    return str((pod["metadata"].get("annotations") or {}).get(f"{GROUP}/distribution", ""))


def is_true(conditions: dict[str, Body], name: str) -> bool:
    """Whether it says so."""
    return bool(conditions.get(name, {}).get("status") == "True")


def drifted(workload: Body) -> bool:
    """Whether somebody else wrote a StatefulSet's template or size last."""
    others = [item for item in workload["metadata"]["managedFields"] if item["manager"] != FIELD_MANAGER]
    return any("f:spec" in item["fieldsV1"] for item in others)
