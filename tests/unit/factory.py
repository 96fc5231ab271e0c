"""Resources, pods and StatefulSets as the API server tells them, with what a test does not care about filled in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elixircluster.api.resource import API_VERSION, KIND, ElixirCluster, parse
from elixircluster.control.listing import relist
from elixircluster.kube.kinds import CLUSTERS, SOMETIMES_KNOWN, WATCHED
from elixircluster.observed.diagnosis import Diagnosis
from elixircluster.observed.machine import silence
from elixircluster.observed.pod import Pod
from elixircluster.observed.snapshot import Observed
from elixircluster.observed.workload import Workload
from elixircluster.render.objects import render
from elixircluster.render.templates import Templates

UID = "00000000-0000-0000-0000-000000000001"
LONG_AGO = "2025-12-31T00:00:00Z"
NOW = "2026-01-01T00:00:00Z"
LATER = "2026-01-01T00:05:00Z"
TEMPLATES = Templates()


def body(name: str = "chat", namespace: str = "default", **spec: Any) -> dict[str, Any]:
    """An ElixirCluster as the API server gives it."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace, "uid": UID, "generation": 1, "resourceVersion": "100"},
        "spec": {"image": "chat:1", **spec},
    }


def cluster(name: str = "chat", namespace: str = "default", **spec: Any) -> ElixirCluster:
    """An ElixirCluster that was parsed."""
    return parse(body(name, namespace, **spec))


def children(resource: ElixirCluster) -> dict[str, dict[str, Any]]:
    """What is rendered, by kind; the headless Service is called Headless here."""
    objects = render(resource, TEMPLATES, "cookie-uid")
    return {"Headless" if item["metadata"]["name"].endswith("-nodes") else item["kind"]: item for item in objects}


def container(resource: ElixirCluster) -> dict[str, Any]:
    """The release's container."""
    found: dict[str, Any] = children(resource)["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
    return found


def variables(resource: ElixirCluster) -> dict[str, Any]:
    """The environment by name: a text, or where the value comes from."""
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container(resource)["env"]}


def pod(  # noqa: PLR0913 - the situations of a pod
    ordinal: int,
    revision: str = "old",
    *,
    ready: bool = True,
    terminating: bool = False,
    message: str = "",
    image: str = "chat:1",
    address: str | None = None,
    started: bool = True,
    begun: bool = True,
    diagnosis: Diagnosis | None = None,
    machine: str = "",
    lost: str = "",
    ready_since: str = LONG_AGO,
    booted: bool | None = True,
    died_young: bool = False,
) -> Pod:
    """A member. `lost`: since when its machine does not answer."""
    ready = ready and not lost
    message = message or (silence(machine, lost) if lost else "")
    return Pod(
        name=f"chat-{ordinal}",
        ordinal=ordinal,
        uid=f"uid-{ordinal}",
        resource_version="1",
        revision=revision,
        image=image,
        address=f"10.0.0.{ordinal}" if address is None else address,
        ready=ready and not terminating,
        terminating=terminating,
        message=message or ("not booted" if ready and not booted else "not ready")
        if not (ready and booted) or terminating
        else "",
        begun=begun,
        diagnosis=diagnosis,
        started=started or (ready and not terminating),
        ready_since=ready_since if ready else "",
        booted=booted,
        died_young=died_young,
        owner="chat",
        owner_uid="statefulset",
        machine=machine,
        lost=lost,
    )


def workload(revision: str = "new", *, observed: bool = True, replicas: int = 3) -> Workload:
    """A StatefulSet."""
    return Workload(observed=observed, replicas=replicas, revision=revision)


def observed(pods: Sequence[Pod] = (), stateful_set: Workload | None = None, unclaimed: Sequence[Pod] = ()) -> Observed:
    """What belongs to a resource."""
    return Observed(workload=stateful_set, pods=tuple(pods), unclaimed=tuple(unclaimed), now=NOW)


async def refresh(store, api):
    """List everything; the resources that were concerned."""
    told = set()
    await relist(api, store, (CLUSTERS, *WATCHED, *SOMETIMES_KNOWN), (), told.add)
    return told
