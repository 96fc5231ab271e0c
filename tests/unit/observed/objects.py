"""Objects as the API server gives them, with as much in them as the store reads, and a list of them."""

from __future__ import annotations

from elixircluster.api.resource import API_VERSION, KIND, Key
from elixircluster.kube.kinds import CLUSTERS, STATEFUL_SETS
from elixircluster.observed.store import Store
from elixircluster.render.names import CLUSTER_LABEL

CHAT = Key("default", "chat")


def meta(name, version, *, uid="u", owner="chat", label="chat", **more):
    reference = {"apiVersion": API_VERSION, "kind": KIND, "name": owner, "uid": f"uid-{owner}", "controller": True}
    return {
        "name": name,
        "namespace": "default",
        "uid": uid,
        "resourceVersion": str(version),
        **({"labels": {CLUSTER_LABEL: label}} if label else {}),
        **({"ownerReferences": [reference]} if owner else {}),
        **more,
    }


def cluster(version=10, **spec):
    return {"metadata": meta("chat", version, owner="", label=""), "spec": spec}


def config(version=10, **kwargs):
    return {"metadata": meta("chat-config", version, **kwargs), "data": {}}


def workload(version=10, *, uid="statefulset", replicas=3, **kwargs):
    return {"metadata": meta("chat", version, uid=uid, generation=1, **kwargs), "spec": {"replicas": replicas}}


def member(ordinal, version=10, *, name="", owner_uid="statefulset", kind="StatefulSet", **status):
    controller = {"apiVersion": "apps/v1", "kind": kind, "name": "chat", "uid": owner_uid, "controller": True}
    metadata = meta(name or f"chat-{ordinal}", version, owner="", uid=f"pod-{ordinal}")
    owners = {"ownerReferences": [controller]} if owner_uid else {}
    return {"metadata": {**metadata, **owners}, "spec": {}, "status": status}


RESOURCE = {"metadata": {**meta("chat", 9, owner="", label=""), "uid": "uid-chat"}, "spec": {}}


def filled():
    store = Store()
    store.see(CLUSTERS, RESOURCE)
    store.see(STATEFUL_SETS, workload())
    return store


class Listed:
    """An API server that lists these objects."""

    def __init__(self, items, version, meanwhile=lambda: None):
        self.items, self.version, self.meanwhile = items, str(version), meanwhile

    async def pages(self, kind, namespace, _labels=""):
        self.meanwhile()
        yield {"metadata": {"resourceVersion": self.version}, "items": self.items.get(kind.kind, [])}
