"""The objects of one API server: versions, generations, uids, owners of fields, and the refusals that follow."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from elixircluster.kube.api import ApiError, Kind
from elixircluster.kube.kinds import CLUSTERS, OWNED, PODS, SECRETS, STATEFUL_SETS
from tests.fake import fields

Body = dict[str, Any]

NAMESPACE = "default"
NEVER = "1"
"""The version that an apply names in order to create and nothing else."""
GENERATIONS = {CLUSTERS.kind, STATEFUL_SETS.kind, "PodDisruptionBudget", "NetworkPolicy", "Certificate", "Job"}
"""Kinds whose objects count the changes of their spec."""
FIRST_VERSION = 100
MUTABLE = {"replicas", "template", "updateStrategy", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"}
"""Of a StatefulSet's spec."""


class Ref(NamedTuple):
    """An object's name in its kind; there is one namespace."""

    kind: str
    name: str


@dataclass(frozen=True)
class Change:
    """Something that was written. `number` only grows, whatever becomes of the versions."""

    number: int
    type: str
    actor: str
    verb: str
    ref: Ref
    before: Body | None
    after: Body | None

    @property
    def body(self) -> Body:
        """The object as an event tells of it: of a deleted one the last state, with the version of the deletion."""
        body = self.after or self.before
        assert body is not None
        return body


@dataclass(frozen=True)
class Snapshot:
    """What a backup of etcd holds."""

    version: int
    objects: dict[Ref, Body]
    owners: dict[Ref, fields.Owners]


@dataclass
class Server:
    """What is stored is never changed in place: whoever is handed a body may keep it, and must not write to it."""

    now: Callable[[], str]
    version: int = FIRST_VERSION
    objects: dict[Ref, Body] = field(default_factory=dict)
    owners: dict[Ref, fields.Owners] = field(default_factory=dict)
    listeners: list[Callable[[Change], None]] = field(default_factory=list)
    written: int = 0
    made: int = 0
    restores: int = 0

    def get(self, ref: Ref) -> Body | None:
        """The object, or None."""
        return self.objects.get(ref)

    def listed(self, kind: str, selector: str = "") -> list[Body]:
        """All objects of a kind that carry these labels."""
        return [body for ref, body in self.objects.items() if ref.kind == kind and matches(selector, body)]

    def uids(self) -> set[str]:
        """Of everything that there is."""
        return {body["metadata"]["uid"] for body in self.objects.values()}

    def create(self, actor: str, kind: Kind, body: Body) -> Body:
        """A new object; 409 where there is one of this name."""
        metadata = dict(body["metadata"])
        if "generateName" in metadata:
            metadata["name"] = f"{metadata.pop('generateName')}{self.made:05}"
        ref = Ref(kind.kind, metadata["name"])
        if ref in self.objects:
            raise refused(409, "AlreadyExists", f'{kind.plural} "{ref.name}" already exists')
        return self._make(actor, "create", (actor, "Update", ""), ref, {**body, "metadata": metadata})

    def replace(self, actor: str, kind: Kind, body: Body) -> Body:
        """All of the object but its status."""
        before = self._present(kind, body["metadata"]["name"])
        expect(before, body["metadata"])
        kept = {"status": before["status"]} if "status" in before else {}
        identity = {**before["metadata"], **{name: body["metadata"].get(name) for name in fields.METADATA}}
        metadata = {name: value for name, value in identity.items() if value is not None}
        return self._change(actor, "replace", before, {**without_status(body), "metadata": metadata, **kept})

    def merge(self, actor: str, kind: Kind, name: str, patch: Body, subresource: str = "") -> Body:
        """A JSON merge patch; uid and version in it are preconditions."""
        before = self._present(kind, name)
        expect(before, patch.get("metadata") or {})
        if subresource:
            after = {**before, "status": patched(before.get("status") or {}, patch.get("status"))}
        else:
            named = patch.get("metadata") or {}
            metadata = {key: named[key] for key in fields.METADATA if key in named}
            after = patched(before, {**without_status(patch), **({"metadata": metadata} if metadata else {})})
        return self._change(actor, "merge", before, stored(kind, after), subresource)

    def apply(self, actor: str, kind: Kind, body: Body, subresource: str = "") -> Body:
        """Server-side apply with force."""
        metadata, manager = body["metadata"], (actor, "Apply", subresource)
        ref = Ref(kind.kind, metadata["name"])
        before = self.objects.get(ref)
        if before is None:
            return self._create_by_apply(actor, manager, ref, body)
        expect(before, metadata)
        live, wanted = fields.said(before, subresource), fields.said(stored(kind, body), subresource)
        laid, owners = fields.apply(live, self.owners[ref], manager, wanted)
        if subresource:
            after = {**before, **laid}
        else:
            said = {name: value for name, value in laid.pop("metadata", {}).items() if value}
            kept = {key: value for key, value in before["metadata"].items() if key not in fields.METADATA}
            status = {"status": before["status"]} if "status" in before else {}
            after = {"apiVersion": before["apiVersion"], "kind": ref.kind, "metadata": {**kept, **said}} | laid | status
        return self._commit(actor, "apply", before, after, owners)

    def delete(self, actor: str, kind: Kind, name: str, preconditions: Body | None = None) -> None:
        """Delete it; a pod is only told to end, and its kubelet takes it away with `vanish`."""
        before = self._present(kind, name)
        expect(before, preconditions or {})
        if kind != PODS or not before["spec"].get("nodeName"):
            self.vanish(actor, Ref(kind.kind, name))
        elif "deletionTimestamp" not in before["metadata"]:
            grace = before["spec"].get("terminationGracePeriodSeconds", 30)
            told = {"deletionTimestamp": self.now(), "deletionGracePeriodSeconds": grace}
            after = {**before, "metadata": {**before["metadata"], **told}}
            self._commit(actor, "delete", before, after, self.owners[Ref(kind.kind, name)])

    def vanish(self, actor: str, ref: Ref) -> None:
        """It is gone at once."""
        before = self.objects.pop(ref)
        self.owners.pop(ref)
        last = {**before, "metadata": {**before["metadata"], "resourceVersion": self._next()}}
        self._tell("DELETED", actor, "delete", ref, last, None)

    def snapshot(self) -> Snapshot:
        """A backup."""
        return Snapshot(self.version, dict(self.objects), dict(self.owners))

    def restore(self, backup: Snapshot) -> None:
        """Versions go on from where they were then, so that they come a second time."""
        self.restores += 1
        self.version = backup.version
        self.objects, self.owners = dict(backup.objects), dict(backup.owners)

    def _create_by_apply(self, actor: str, manager: fields.Manager, ref: Ref, body: Body) -> Body:
        if manager[2]:
            raise refused(404, "NotFound", f"{ref.kind} {ref.name} not found")
        if body["metadata"].get("uid"):
            raise refused(409, "Conflict", "uid mismatch: there is no such object")
        if body["metadata"].get("resourceVersion") not in {None, NEVER}:
            raise refused(409, "Conflict", "the object was deleted")
        return self._make(actor, "apply", manager, ref, body)

    def _make(self, actor: str, verb: str, manager: fields.Manager, ref: Ref, body: Body) -> Body:
        self.made += 1
        metadata = {
            **{key: body["metadata"][key] for key in ("name", *fields.METADATA) if body["metadata"].get(key)},
            "namespace": NAMESPACE,
            "uid": f"uid-{self.made:05}",
            "creationTimestamp": self.now(),
            **({"generation": 1} if ref.kind in GENERATIONS else {}),
        }
        plain = {**without_status(stored_kind(ref.kind, body)), "kind": ref.kind, "metadata": metadata}
        # Nobody looks at whose the fields of a pod are, and pods are written most.
        said = {} if ref.kind == PODS.kind else fields.said(plain)
        owners: fields.Owners = {manager: frozenset(fields.leaves(said))}
        return self._commit(actor, verb, None, plain, owners)

    def _change(self, actor: str, verb: str, before: Body, after: Body, subresource: str = "") -> Body:
        old, new = fields.said(before, subresource), fields.said(after, subresource)
        owners = self.owners[Ref(before["kind"], before["metadata"]["name"])]
        if old != new and before["kind"] != PODS.kind:
            owners = fields.update(old, new, owners, (actor, "Update", subresource))
        return self._commit(actor, verb, before, after, owners)

    def _commit(self, actor: str, verb: str, before: Body | None, after: Body, owners: fields.Owners) -> Body:
        """Store it. What changes nothing makes no version and no event."""
        ref = Ref(after["kind"], after["metadata"]["name"])
        if before is not None:
            if after == before and owners == self.owners[ref]:
                self._tell("", actor, verb, ref, before, before)
                return before
            refuse_immutable(before, after)
        metadata = {**after["metadata"], "resourceVersion": self._next()}
        if before is not None and ref.kind in GENERATIONS and spec(before) != spec(after):
            metadata["generation"] = before["metadata"]["generation"] + 1
        if ref.kind != PODS.kind:
            known = before["metadata"].get("managedFields", []) if before else []
            metadata["managedFields"] = self._managed(after, owners, self.owners.get(ref, {}), known)
        result = self.objects[ref] = {**after, "metadata": metadata}
        self.owners[ref] = owners
        self._tell("MODIFIED" if before else "ADDED", actor, verb, ref, before, result)
        return result

    def _managed(self, body: Body, owners: fields.Owners, before: fields.Owners, known: list[Body]) -> list[Body]:
        entries = {(item["manager"], item["operation"], item.get("subresource", "")): item for item in known}
        result = []
        for who, paths in owners.items():
            if before.get(who) == paths and who in entries:
                result.append(entries[who])
                continue
            name, operation, subresource = who
            entry = {"manager": name, "operation": operation, "apiVersion": body["apiVersion"], "time": self.now()}
            entry |= {"fieldsType": "FieldsV1", "fieldsV1": fields.fields_v1(paths)}
            result.append({**entry, "subresource": subresource} if subresource else entry)
        return result

    def _present(self, kind: Kind, name: str) -> Body:
        body = self.objects.get(Ref(kind.kind, name))
        if body is None:
            raise refused(404, "NotFound", f'{kind.plural} "{name}" not found')
        return body

    def _next(self) -> str:
        self.version += 1
        return str(self.version)

    def _tell(self, type_: str, actor: str, verb: str, ref: Ref, before: Body | None, after: Body | None) -> None:
        self.written += 1
        change = Change(self.written, type_, actor, verb, ref, before, after)
        for listener in self.listeners:
            listener(change)


def refused(code: int, reason: str, message: str, after: float | None = None) -> ApiError:
    """An answer with an error's code."""
    return ApiError(code, {"kind": "Status", "reason": reason, "message": message, "code": code}, after)


def expect(body: Body, preconditions: Body) -> None:
    """409 unless the object is the one that is meant, as it was seen."""
    for name in ("uid", "resourceVersion"):
        if preconditions.get(name) not in {None, body["metadata"][name]}:
            raise refused(409, "Conflict", f"Precondition failed: {name} is {body['metadata'][name]}")


def refuse_immutable(before: Body, after: Body) -> None:
    """422 for what cannot be changed in a StatefulSet."""
    if before["kind"] != STATEFUL_SETS.kind:
        return
    fixed = [{key: value for key, value in spec(body).items() if key not in MUTABLE} for body in (before, after)]
    if fixed[0] != fixed[1]:
        raise refused(422, "Invalid", "updates to statefulset spec for fields other than these are forbidden")


def spec(body: Body) -> Body:
    """What counts for the generation."""
    found: Body = body.get("spec") or {}
    return found


def without_status(body: Body) -> Body:
    return {name: value for name, value in body.items() if name != "status"}


def stored(kind: Kind, body: Body) -> Body:
    return stored_kind(kind.kind, body)


def stored_kind(kind: str, body: Body) -> Body:
    """As the API server keeps it: the texts of a Secret are data."""
    if kind != SECRETS.kind or "stringData" not in body:
        return body
    texts = {name: base64.b64encode(text.encode()).decode() for name, text in body["stringData"].items()}
    rest = {name: value for name, value in body.items() if name != "stringData"}
    return {**rest, "data": {**(body.get("data") or {}), **texts}}


def patched(value: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for name, inner in patch.items():
        if inner is None:
            result.pop(name, None)
        else:
            result[name] = patched(result.get(name), inner)
    return result


def matches(selector: str, body: Body) -> bool:
    """Whether an object carries the labels."""
    labels = body["metadata"].get("labels") or {}
    return all(_fits(term, labels) for term in selector.split(",") if term)


def _fits(term: str, labels: dict[str, str]) -> bool:
    name, unequal, value = term.partition("!=")
    if unequal:
        return labels.get(name) != value
    name, _, value = term.partition("=")
    return labels.get(name) == value


def controller(body: Body) -> Body | None:
    """The reference to the object that controls this one."""
    references = body["metadata"].get("ownerReferences") or []
    return next((reference for reference in references if reference.get("controller")), None)


def kinds() -> Iterator[Kind]:
    """Every kind that there is."""
    yield from (CLUSTERS, PODS, *(row.kind for row in OWNED.values()))
