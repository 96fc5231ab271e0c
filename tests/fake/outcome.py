"""What a resource has come to, told so that two worlds can be compared: without uids, versions and times."""

from __future__ import annotations

import json
from typing import Any

from elixircluster.kube.kinds import JOBS, SECRETS, STATEFUL_SETS
from elixircluster.observed.child import INTENT_ANNOTATION
from elixircluster.observed.workload import TEMPLATE_ANNOTATION
from elixircluster.render.pod import CONTENTS_ANNOTATION, COOKIE_ANNOTATION
from tests.fake.server import controller
from tests.fake.statefulset import REVISION_LABEL, revision
from tests.fake.world import World

Body = dict[str, Any]

UNTOLD = {"uid", "resourceVersion", "generation", "managedFields", "creationTimestamp"}
GENERATIONS = {"observedGeneration", "appliedGeneration"}
TIMES = {"upSince", "meshedSince", "lastTransitionTime", "progressedAt"}
ADDRESSES = {"podIP", "node", "machine"}
IDENTITIES = {COOKIE_ANNOTATION, INTENT_ANNOTATION, TEMPLATE_ANNOTATION, "written"}
"""Annotations, and a part of status, made from uids."""
PAST = {"history", "references", CONTENTS_ANNOTATION, "job", "images", "startedAt", "endedAt", JOBS.kind}
"""What tells of the way here."""
NEVER_THE_SAME = PAST | UNTOLD | GENERATIONS | TIMES | ADDRESSES | IDENTITIES


def outcome(world: World, name: str) -> Body:
    """Its children, pods and status."""
    cluster = world.resource(name)
    workload = world.child(name, STATEFUL_SETS.kind)
    newest = revision(workload) if workload else ""
    children = {
        f"{body['kind']}/{body['metadata']['name']}": child(body)
        for body in world.children(name)
        if body["kind"] not in PAST
    }
    pods = {
        pod["metadata"]["name"]: "newest" if pod["metadata"]["labels"].get(REVISION_LABEL) == newest else "old"
        for pod in world.pods(name)
        if (owner := controller(pod)) is not None and workload and owner["uid"] == workload["metadata"]["uid"]
    }
    status = plain((cluster or {}).get("status") or {})
    status = json.loads(json.dumps(status).replace(newest.removeprefix(f"{name}-"), "newest")) if newest else status
    return {"children": children, "pods": pods, "status": status}


def child(body: Body) -> Body:
    """What a child holds, but for its status and for what is another one each time: a cookie."""
    result: Body = plain({key: value for key, value in body.items() if key != "status"})
    if body["kind"] == SECRETS.kind:
        result["data"] = sorted(body.get("data") or {})
    return result


def plain(value: Any) -> Any:
    """Without what is never the same twice."""
    if isinstance(value, dict):
        told = {key: plain(inner) for key, inner in value.items() if key not in NEVER_THE_SAME}
        return {key: inner for key, inner in told.items() if inner or key not in {"annotations", "migration"}}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def differences(wanted: Any, found: Any, path: str = "") -> list[str]:
    """Where two outcomes are not the same."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        names = sorted(wanted.keys() | found.keys())
        return [told for name in names for told in differences(wanted.get(name), found.get(name), f"{path}.{name}")]
    return [] if wanted == found else [f"{path.lstrip('.')} is {found!r} and should be {wanted!r}"]
