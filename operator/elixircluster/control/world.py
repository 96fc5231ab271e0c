"""What is known of the world: the resources, their children and pods, as last seen.

Fed by watches and by the answers to our own writes; of two views of one object the newer wins. It is a hint, not the
truth: kopf loses deletions that fall into a watch gap, so `refresh` lists what really is there, and a write that
the world contradicts is refused by its preconditions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from elixircluster.api.resource import GROUP, KIND, Key
from elixircluster.control.kinds import CLUSTERS, PODS, SOMETIMES_KNOWN, STATEFUL_SETS, WATCHED
from elixircluster.control.rollout import Pod, Workload
from elixircluster.kube import Api, ApiError, Kind
from elixircluster.render.names import CLUSTER_LABEL, MANAGED_SELECTOR

Body = dict[str, Any]
Identity = tuple[str, str]
"""Kind and name of a child; its namespace is the resource's."""


@dataclass(frozen=True)
class Child:
    """An object of a resource, without what nobody here reads.

    `state` changes when somebody writes what a resource may have a say in. A status, which its controller writes all
    the time, is not part of it.
    """

    kind: str
    name: str
    uid: str
    resource_version: str
    owner_uid: str
    state: str
    annotations: dict[str, str] = field(default_factory=dict)
    workload: Workload | None = None

    @classmethod
    def parse(cls, kind: Kind, body: Body) -> Child:
        """The object in `body`."""
        metadata = body["metadata"]
        return cls(
            kind=kind.kind,
            name=metadata["name"],
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            owner_uid=owner_uid(metadata),
            state=state_of(body),
            annotations=own_annotations(metadata),
            workload=Workload.parse(body) if kind == STATEFUL_SETS else None,
        )


class World:
    """Everything seen, by resource."""

    def __init__(self) -> None:
        self._clusters: dict[Key, Body] = {}
        self._children: dict[Key, dict[Identity, Child]] = {}
        self._pods: dict[Key, dict[str, Pod]] = {}
        self._references: dict[Key, frozenset[Identity]] = {}
        self._referrers: dict[tuple[str, Identity], set[Key]] = {}
        # Last versions of what was deleted: an answer to a write may come after the news of the deletion.
        self._deleted: dict[tuple[str, Key, str], str] = {}

    def keys(self) -> list[Key]:
        """The resources."""
        return list(self._clusters)

    def cluster(self, key: Key) -> Body | None:
        """The resource as last seen, or None."""
        return self._clusters.get(key)

    def children(self, key: Key) -> dict[Identity, Child]:
        """Objects that carry the resource's label, whoever owns them."""
        return dict(self._children.get(key, {}))

    def pods(self, key: Key) -> list[Pod]:
        """The members, by ordinal."""
        return sorted(self._pods.get(key, {}).values(), key=lambda pod: pod.ordinal)

    def see(self, kind: Kind, body: Body) -> Key | None:
        """Take a view of an object in. Returns the resource that it concerns, or None where it tells nothing new."""
        metadata = body["metadata"]
        key = key_of(kind, metadata)
        if key is None or not _newer(metadata, self._version(kind, key, metadata["name"])):
            return None
        if not _newer(metadata, self._deleted.get((kind.kind, key, metadata["name"]))):
            return None
        if kind == CLUSTERS:
            self._clusters[key] = without_ownership(body)
            self._refer(key, frozenset(references(body.get("spec"))))
        elif kind == PODS:
            self._pods.setdefault(key, {})[metadata["name"]] = Pod.parse(body)
        else:
            self._children.setdefault(key, {})[kind.kind, metadata["name"]] = Child.parse(kind, body)
        return key

    def forget(self, kind: Kind, body: Body) -> Key | None:
        """An object was deleted. Returns the resource that it concerned, or None where it was not known."""
        metadata = body["metadata"]
        key = key_of(kind, metadata)
        known = self._version(kind, key, metadata["name"]) if key else None
        if key is None:
            return None
        self._deleted[kind.kind, key, metadata["name"]] = metadata["resourceVersion"]
        if known is None or _older(metadata["resourceVersion"], known):
            return None
        if kind == CLUSTERS:
            del self._clusters[key]
            self._refer(key, frozenset())
        elif kind == PODS:
            del self._pods[key][metadata["name"]]
        else:
            del self._children[key][kind.kind, metadata["name"]]
        return key

    def referrers(self, namespace: str, kind: str, name: str) -> list[Key]:
        """The resources that refer to an object."""
        return list(self._referrers.get((namespace, (kind, name)), ()))

    def _refer(self, key: Key, wanted: frozenset[Identity]) -> None:
        before = self._references.pop(key, frozenset())
        if wanted:
            self._references[key] = wanted
        for identity in before - wanted:
            self._referrers[key.namespace, identity].discard(key)
        for identity in wanted - before:
            self._referrers.setdefault((key.namespace, identity), set()).add(key)

    def _version(self, kind: Kind, key: Key, name: str) -> str | None:
        if kind == CLUSTERS:
            body = self._clusters.get(key)
            return body["metadata"]["resourceVersion"] if body else None
        if kind == PODS:
            pod = self._pods.get(key, {}).get(name)
            return pod.resource_version if pod else None
        child = self._children.get(key, {}).get((kind.kind, name))
        return child.resource_version if child else None

    async def refresh(self, api: Api, namespaces: Collection[str]) -> set[Key]:
        """See everything that is there, and forget what is not. Returns the resources that were concerned."""
        # No answer to a write is older than the last time.
        self._deleted.clear()
        changed: set[Key | None] = set()
        for kind, namespace in product((CLUSTERS, *WATCHED, *SOMETIMES_KNOWN), namespaces or (None,)):
            try:
                changed |= await self._refresh(api, kind, namespace)
            except ApiError as error:
                if error.code != 404 or kind not in SOMETIMES_KNOWN:
                    raise
        return {key for key in changed if key}

    async def _refresh(self, api: Api, kind: Kind, namespace: str | None) -> set[Key | None]:
        changed = set()
        present: set[tuple[str, str]] = set()
        version = ""
        async for page in api.pages(kind, namespace, "" if kind == CLUSTERS else MANAGED_SELECTOR):
            version = version or page["metadata"]["resourceVersion"]
            for body in page["items"]:
                present.add((body["metadata"]["namespace"], body["metadata"]["name"]))
                changed.add(self.see(kind, body))
        for ghost in self._ghosts(kind, namespace, present, version):
            changed.add(self.forget(kind, ghost))
        return changed

    def _ghosts(self, kind: Kind, namespace: str | None, present: set[tuple[str, str]], version: str) -> list[Body]:
        """What is known, was not listed, and is not newer than the list."""
        return [
            {"metadata": {**metadata, "resourceVersion": version}}
            for metadata in self._known(kind)
            if namespace in {None, metadata["namespace"]}
            and (metadata["namespace"], metadata["name"]) not in present
            and _older(metadata["resourceVersion"], version)
        ]

    def _known(self, kind: Kind) -> Iterator[Body]:
        if kind == CLUSTERS:
            yield from (body["metadata"] for body in self._clusters.values())
            return
        views: dict[Key, Iterable[Pod | Child]] = (
            {key: pods.values() for key, pods in self._pods.items()}
            if kind == PODS
            else {
                key: [child for child in children.values() if child.kind == kind.kind]
                for key, children in self._children.items()
            }
        )
        for key, objects in views.items():
            for view in objects:
                yield {
                    "namespace": key.namespace,
                    "name": view.name,
                    "labels": {CLUSTER_LABEL: key.name},
                    "resourceVersion": view.resource_version,
                }


def without_ownership(body: Body) -> Body:
    """A resource without the record of who wrote which field, which is larger than the resource."""
    kept = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
    return {**body, "metadata": kept}


def key_of(kind: Kind, metadata: Body) -> Key | None:
    """The resource that an object belongs to: by itself, by its owner or by its label.

    The owner comes first, so that a child whose label somebody took away is still seen, and gets it back.
    """
    owner = _owner(metadata)
    if kind == CLUSTERS:
        name = metadata["name"]
    elif owner:
        name = owner["name"]
    else:
        name = (metadata.get("labels") or {}).get(CLUSTER_LABEL)
    return Key(metadata.get("namespace", ""), name) if name else None


REFERENCE_FIELDS = (
    ("secretRef", "name", "Secret"),
    ("secretKeyRef", "name", "Secret"),
    ("secret", "secretName", "Secret"),
    ("configMapRef", "name", "ConfigMap"),
    ("configMapKeyRef", "name", "ConfigMap"),
    ("configMap", "name", "ConfigMap"),
)


def references(value: Any) -> Iterator[Identity]:
    """The Secrets and ConfigMaps that a spec names, wherever in it a Pod may name one."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for field, attribute, kind in REFERENCE_FIELDS:
            target = value.get(field)
            if isinstance(target, dict) and isinstance(target.get(attribute), str):
                yield kind, target[attribute]
        for item in value.values():
            yield from references(item)


def own_annotations(metadata: Body) -> dict[str, str]:
    """The operator's own annotations."""
    said = metadata.get("annotations") or {}
    return {key: value for key, value in said.items() if key.startswith(f"{GROUP}/")}


def owner_uid(metadata: Body) -> str:
    """The uid of the ElixirCluster that controls the object; empty where none does."""
    owner = _owner(metadata)
    return str(owner["uid"]) if owner else ""


def owner_name(metadata: Body) -> str:
    """The name of that ElixirCluster."""
    owner = _owner(metadata)
    return str(owner["name"]) if owner else ""


def _owner(metadata: Body) -> Body | None:
    for reference in metadata.get("ownerReferences") or []:
        group = reference["apiVersion"].partition("/")[0]
        if reference.get("controller") and (reference["kind"], group) == (KIND, GROUP):
            return dict(reference)
    return None


def state_of(body: Body) -> str:
    """What tells that somebody wrote more than a status: the generation where there is one, and the metadata."""
    metadata = body["metadata"]
    if "generation" not in metadata:
        return str(metadata["resourceVersion"])
    said = [metadata.get(part) for part in ("labels", "annotations", "ownerReferences")]
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
    return f"{metadata['generation']}/{digest}"


def _newer(metadata: Body, known: str | None) -> bool:
    return known is None or _older(known, metadata["resourceVersion"])


def _older(version: str, than: str) -> bool:
    """Resource versions are numbers to compare: KEP-5504, and in fact ever since etcd 3."""
    return len(version) < len(than) or (len(version) == len(than) and version < than)
