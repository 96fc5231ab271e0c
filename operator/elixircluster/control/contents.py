"""The phase that sees whether what pods read from Secrets and ConfigMaps of others is another thing by now.

A node has read them at its start, so that it must be replaced. What counts is what is in them: a label, or the same
written again, is no change. What is there when a resource is made is its beginning, and changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from elixircluster.api.resource import ElixirCluster
from elixircluster.kube.api import Api, Kind
from elixircluster.kube.kinds import CONFIG_MAPS, SECRETS
from elixircluster.observed.references import Reference, named
from elixircluster.observed.store import Store
from elixircluster.phase import Contents, Context, Event, Result, Seen
from elixircluster.render.names import certificate_secret, cookie_key, names

KINDS: Mapping[str, Kind] = {kind.kind: kind for kind in (SECRETS, CONFIG_MAPS)}
PARTS = ("data", "binaryData", "stringData")
ABSENT = "absent"
OF_OTHER_THINGS = {"distribution", "migration", "image_pull_secrets", "update"}
"""Fields whose objects no node reads at its start, or that are looked after by themselves."""
LENGTH = 12
COST = 2**12
"""Of a guess at what is in a Secret, by its short name: 10 ms of a processor."""


class Following:
    """Follows what each resource refers to."""

    def __init__(self, api: Api, store: Store) -> None:
        self._api = api
        self._store = store

    async def phase(self, context: Context) -> Result:
        """Tells what is in the objects, and the revision of it that pods are to be made with."""
        cluster = context.cluster
        before = remembered(context)
        if cluster.spec.update.on_reference_change == "Ignore" or not self._store.references.of(cluster.key):
            return Result(facts=replace(context.facts, contents=before))
        known = {seen.reference: seen for seen in before.seen}
        now = {}
        for reference, optional in sorted(followed(cluster).items()):
            if found := await self._seen(cluster, reference, known.get(reference), optional=optional):
                now[reference] = found
        changed = [name for name, seen in now.items() if name in known and known[name].contents != seen.contents]
        revision = revision_of(now) if changed else before.revision
        told = (event(reference) for reference in changed)
        return Result(
            facts=replace(context.facts, contents=Contents(revision, tuple(now.values()))), events=tuple(told)
        )

    async def _seen(
        self, cluster: ElixirCluster, reference: Reference, known: Seen | None, *, optional: bool
    ) -> Seen | None:
        """How an object is now. One that must be there, and is not, is taken for what it was: no node starts then."""
        index, (kind, name) = self._store.references, reference
        version = index.version(cluster.namespace, reference)
        if known and known.version == version:
            return known
        body = None if version == "" else await self._api.get(KINDS[kind], cluster.namespace, name)
        found = body["metadata"]["resourceVersion"] if body else ""
        if version is None:
            # What is known is told by the watch alone: others who refer to it are woken by that.
            index.see(cluster.namespace, reference, found)
        if body is None:
            return Seen(kind, name, "", ABSENT) if optional else known
        return Seen(kind, name, found, short_name(cluster.uid, kind, body))


def followed(cluster: ElixirCluster) -> dict[Reference, bool]:
    """What the pods of a resource read at their start, each with whether it may be missing."""
    own = {cookie_key(cluster).name, certificate_secret(cluster), names(cluster).authority}
    spec = cluster.spec.model_dump(by_alias=True, exclude_none=True, exclude=OF_OTHER_THINGS)
    found: dict[Reference, bool] = {}
    for reference, optional in named(spec):
        if reference[1] not in own:
            found[reference] = found.get(reference, True) and optional
    return found


def remembered(context: Context) -> Contents:
    """What status tells of the last look; the revision is also that of the StatefulSet's pods."""
    status, workload = context.cluster.status.get("references") or {}, context.observed.workload
    revision = status.get("revision", workload.contents if workload else "")
    objects = status.get("objects") or []
    return Contents(
        revision, tuple(Seen(each["kind"], each["name"], each["version"], each["contents"]) for each in objects)
    )


def revision_of(now: Mapping[Reference, Seen]) -> str:
    """A short name for all of them together."""
    told = [[*reference, seen.contents] for reference, seen in now.items()]
    return hashlib.sha256(orjson.dumps(told)).hexdigest()[:LENGTH]


def short_name(salt: str, kind: str, body: dict[str, Any]) -> str:
    """A short name for what is in an object, from which it is slow to guess what that is."""
    text = orjson.dumps([body.get(part) or {} for part in PARTS], option=orjson.OPT_SORT_KEYS)
    if kind == SECRETS.kind:
        return hashlib.scrypt(text, salt=salt.encode(), n=COST, r=8, p=1, dklen=LENGTH // 2).hex()
    return hashlib.sha256(text).hexdigest()[:LENGTH]


def event(reference: Reference) -> Event:
    """For the user."""
    kind, name = reference
    return Event("Normal", "ReferenceChanged", f"{kind} {name} has changed; nodes that read it are replaced")
