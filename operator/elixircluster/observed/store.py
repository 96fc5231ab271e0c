"""What is known of the world: the resources, their children and pods, as last seen.

Fed by watches and by the answers to our own writes; of two views of one object the newer wins. It is a hint, not the
truth: a deletion may fall into a gap of a watch, so a list settles what really is there, and a write that the world
contradicts is refused by its preconditions.

No news is lost because our own write told it first: what an answer tells beyond what the reconcile has looked at
brings the key back (`has_news`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from elixircluster.api.resource import Key
from elixircluster.kube.api import Kind
from elixircluster.kube.kinds import CLUSTERS, PODS
from elixircluster.observed.child import Child, Identity
from elixircluster.observed.complaints import Complaints
from elixircluster.observed.ownership import key_of
from elixircluster.observed.pod import Pod
from elixircluster.observed.references import ReferenceIndex, referred
from elixircluster.observed.resource import Resource
from elixircluster.observed.snapshot import NO_COMPLAINTS, Observed
from elixircluster.observed.versions import is_older

Body = dict[str, Any]
View = Resource | Child | Pod
Clock = Callable[[], float]

REMEMBER_DELETED_SECONDS = 120.0
"""An answer to a write may come after the news of the deletion, but not after the write has timed out, four times."""


class Store:
    """Everything seen, by resource."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._clusters: dict[Key, Resource] = {}
        self._children: dict[Key, dict[Identity, Child]] = {}
        self._pods: dict[Key, dict[str, Pod]] = {}
        self._complaints: dict[Key, Complaints] = {}
        self._references = ReferenceIndex()
        self._deleted: dict[tuple[str, Key, str], tuple[str, float]] = {}
        self._news: set[Key] = set()
        self._newest: dict[str, str] = {}
        self._listed: dict[tuple[str, str | None], str] = {}

    def keys(self) -> list[Key]:
        """The resources."""
        return list(self._clusters)

    def cluster(self, key: Key) -> Body | None:
        """The resource as last seen, or None."""
        resource = self._clusters.get(key)
        return resource.body() if resource else None

    def identity(self, key: Key) -> tuple[str, int] | None:
        """Which resource that is, and what it wants: its uid and generation. None where there is none."""
        resource = self._clusters.get(key)
        return (resource.uid, resource.generation) if resource else None

    def children(self, key: Key) -> dict[Identity, Child]:
        """Objects that carry the resource's label, whoever owns them."""
        return dict(self._children.get(key, {}))

    def observed(self, key: Key) -> Observed:
        """The resource's part of the world as it is now known. With this there is no news of it any more."""
        self._news.discard(key)
        return self._observed(key)

    def pods(self, key: Key) -> tuple[Pod, ...]:
        """The members, by ordinal."""
        return self._observed(key).pods

    def _observed(self, key: Key) -> Observed:
        resource = self._clusters.get(key)
        uid = resource.uid if resource else ""
        pods = self._pods.get(key, {}).values()
        return Observed.of(key.name, uid, self._children.get(key, {}), pods, self.complaints(key))

    def complaints(self, key: Key) -> Complaints:
        """What Kubernetes said of a resource's pods in Events."""
        return self._complaints.get(key, NO_COMPLAINTS)

    def hear(self, key: Key, complaints: Complaints) -> None:
        """Kubernetes says this by now."""
        self._complaints[key] = complaints
        if complaints == NO_COMPLAINTS:
            del self._complaints[key]

    def has_news(self, key: Key) -> bool:
        """Whether an answer to a write told something since the last look."""
        return key in self._news

    @property
    def references(self) -> ReferenceIndex:
        """What resources refer to and do not own."""
        return self._references

    def see(self, kind: Kind, body: Body) -> Key | None:
        """Take a view of an object in. Returns the resource that it concerns, or None where it tells nothing new."""
        return self._take_in(kind, body)

    def see_listed(self, kind: Kind, body: Body, version: str) -> Key | None:
        """The same for an object of a list, which is the whole truth up to its version.

        What is known of the object and is not newer than the list, a deletion too, is of a time that an etcd that was
        restored does not know.
        """
        return self._take_in(kind, body, as_of=version)

    def absorb(self, kind: Kind, body: Body) -> None:
        """Take in the answer to a write of ours. What it tells beyond that write is news."""
        if key := self._take_in(kind, body, ours=True):
            self._news.add(key)

    def forget(self, kind: Kind, body: Body) -> Key | None:
        """An object was deleted. Returns the resource that it concerned, or None where it was not known."""
        metadata = body["metadata"]
        key = key_of(kind, metadata)
        if key is None:
            return None
        self._saw(kind, metadata["resourceVersion"])
        self._deleted[kind.kind, key, metadata["name"]] = (metadata["resourceVersion"], self._clock())
        known = self._views(kind, key).get(_place(kind, metadata["name"]))
        if known is None or is_older(metadata["resourceVersion"], known.resource_version):
            return None
        self._drop(kind, key, metadata["name"])
        return key

    def version(self, kind: Kind, key: Key, name: str) -> str:
        """In which version an object is known; empty where it is not."""
        view = self._views(kind, key).get(_place(kind, name))
        return view.resource_version if view else ""

    def vanished(self, kind: Kind, key: Key, name: str, known: str) -> None:
        """The API server said that there is no such object, when it was asked; it was `known` in that version then.

        What was seen since may have been made since.
        """
        if known and self.version(kind, key, name) == known:
            self._drop(kind, key, name)

    def newest(self, kind: Kind) -> str:
        """The newest version of a kind that was seen. A list that is asked for now cannot be older."""
        return self._newest.get(kind.plural, "")

    def forget_kind(self, kind: Kind, namespace: str | None) -> set[Key]:
        """A list that is older than what was seen before it was asked for comes from an etcd that was restored.

        What was known is of another time, whose versions mean nothing now. Returns the resources that were concerned.
        """
        known = [(key, name) for key, name, _ in self._known(kind) if namespace in {None, key.namespace}]
        for key, name in known:
            self._drop(kind, key, name)
        self._deleted = {place: found for place, found in self._deleted.items() if place[0] != kind.kind}
        self._newest[kind.plural] = ""
        self._listed.pop((kind.plural, namespace), None)
        return {key for key, _ in known}

    def settle(self, kind: Kind, namespace: str | None, present: set[tuple[str, str]], version: str) -> set[Key]:
        """A list of all of a kind has ended: forget what is known, was not listed, and is not newer than the list.

        What is as new as the list, and not in it, is of a time that an etcd that was restored does not know. Returns
        the resources that were concerned.
        """
        changed = set()
        for key, name, known in self._known(kind):
            listed = namespace not in {None, key.namespace} or (key.namespace, name) in present
            if not listed and not is_older(version, known):
                self._deleted[kind.kind, key, name] = (version, self._clock())
                self._drop(kind, key, name)
                changed.add(key)
        self._listed[kind.plural, namespace] = version
        self._forget_old_deletions()
        return changed

    def _take_in(self, kind: Kind, body: Body, *, as_of: str = "", ours: bool = False) -> Key | None:
        metadata = body["metadata"]
        key = key_of(kind, metadata)
        self._saw(kind, metadata["resourceVersion"])
        if key is None or self._is_outdated(kind, key, metadata, as_of):
            return None
        before = self._views(kind, key).get(_place(kind, metadata["name"]))
        after = self._keep(kind, key, body)
        return key if before is None or _differ(before, after, ours=ours) else None

    def _is_outdated(self, kind: Kind, key: Key, metadata: Body, as_of: str) -> bool:
        view = self._views(kind, key).get(_place(kind, metadata["name"]))
        deleted, _ = self._deleted.get((kind.kind, key, metadata["name"]), ("", 0.0))
        told = [deleted, view.resource_version if view else ""]
        if as_of:
            return any(is_older(as_of, known) for known in told)
        if view is None:
            # What no list has is gone, also where the answer to the write that made it comes later.
            told += [self._listed.get((kind.plural, namespace), "") for namespace in (None, key.namespace)]
        return any(not is_older(known, metadata["resourceVersion"]) for known in told)

    def _keep(self, kind: Kind, key: Key, body: Body) -> View:
        name = body["metadata"]["name"]
        if kind == CLUSTERS:
            self._references.refer(key, referred(body))
            resource = self._clusters[key] = Resource.parse(body)
            return resource
        if kind == PODS:
            pod = self._pods.setdefault(key, {})[name] = Pod.parse(body)
            return pod
        child = self._children.setdefault(key, {})[kind.kind, name] = Child.parse(kind, body)
        return child

    def _views(self, kind: Kind, key: Key) -> dict[Any, Any]:
        if kind == CLUSTERS:
            return {key.name: self._clusters[key]} if key in self._clusters else {}
        return self._pods.get(key, {}) if kind == PODS else self._children.get(key, {})

    def _drop(self, kind: Kind, key: Key, name: str) -> None:
        """Forget one object, and with the last one everything that its resource's name left behind."""
        if kind == CLUSTERS:
            del self._clusters[key]
            self._news.discard(key)
            self._references.refer(key, frozenset())
            self._complaints.pop(key, None)
            return
        views: dict[Key, Any] = self._pods if kind == PODS else self._children
        del views[key][_place(kind, name)]
        if not views[key]:
            del views[key]

    def _known(self, kind: Kind) -> list[tuple[Key, str, str]]:
        if kind == CLUSTERS:
            return [(key, key.name, resource.resource_version) for key, resource in self._clusters.items()]
        if kind == PODS:
            return [(key, pod.name, pod.resource_version) for key, pods in self._pods.items() for pod in pods.values()]
        return [
            (key, child.name, child.resource_version)
            for key, children in self._children.items()
            for child in children.values()
            if child.kind == kind.kind
        ]

    def _saw(self, kind: Kind, version: str) -> None:
        if is_older(self._newest.get(kind.plural, ""), version):
            self._newest[kind.plural] = version

    def _forget_old_deletions(self) -> None:
        oldest = self._clock() - REMEMBER_DELETED_SECONDS
        self._deleted = {place: (version, at) for place, (version, at) in self._deleted.items() if at > oldest}


def _place(kind: Kind, name: str) -> str | Identity:
    return name if kind in {CLUSTERS, PODS} else (kind.kind, name)


def _differ(before: View, after: View, *, ours: bool) -> bool:
    """Whether anything differs that somebody decides by."""
    if isinstance(before, Resource) and isinstance(after, Resource):
        return before.differs(after, ours=ours)
    return before != after
