"""Which fields of an object are ours, by the API server's own record (`metadata.managedFields`).

Whoever changes a field that we applied takes it away from our entry, so an entry that still holds every field that is
wanted says that nobody has: no values are compared, which the API server may have written in another way (`1000m`).
https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from sys import intern
from typing import Any

from elixircluster.kube.api import FIELD_MANAGER

NOT_FIELDS = frozenset({"apiVersion", "kind"})
NOT_OURS_TO_LOSE = frozenset({"name", "namespace", "uid", "resourceVersion", "ownerReferences"})
"""Of metadata: told by other means."""


def fields_of(metadata: Mapping[str, Any]) -> str:
    """What our own applies have written, as text.

    Resources are alike, so most texts are held once for all of them: the owner's uid, which differs, is left out.
    """
    fields = dict(_ours(metadata).get("fieldsV1") or {})
    if not fields:
        return ""
    metadata_fields = _without(fields.pop("f:metadata", {}), frozenset({"f:ownerReferences"}))
    fields |= {"f:metadata": metadata_fields} if metadata_fields else {}
    return intern(json.dumps(fields, sort_keys=True, separators=(",", ":")))


def written_at(metadata: Mapping[str, Any]) -> str:
    """When our applies last changed anything."""
    return str(_ours(metadata).get("time") or "")


def _ours(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """The entry of our own applies; empty where there is none."""
    for entry in metadata.get("managedFields") or []:
        if (entry.get("manager"), entry.get("operation")) == (FIELD_MANAGER, "Apply") and not entry.get("subresource"):
            found: Mapping[str, Any] = entry
            return found
    return {}


def holds(fields: str, wanted: Mapping[str, Any]) -> bool:
    """Whether every field of `wanted` is still ours."""
    if not fields:
        return False
    known = _parsed(fields).named
    return all(
        _holds(known.get(name), _without(value, NOT_OURS_TO_LOSE) if name == "metadata" else value)
        for name, value in wanted.items()
        if name not in NOT_FIELDS
    )


@dataclass(frozen=True, slots=True)
class Owned:
    """What is ours of one value: fields by name, items of a list by their keys, or the values of a set."""

    named: Mapping[str, Owned]
    keyed: Sequence[tuple[Mapping[str, Any], Owned]]
    values: Sequence[Any]

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Owned:
        """What a record says, whose names are `f:` and a name, `k:` and keys, or `v:` and a value."""
        split = [(*name.partition(":")[::2], part) for name, part in record.items()]
        return cls(
            named={text: cls.parse(part) for kind, text, part in split if kind == "f"},
            keyed=[(json.loads(text), cls.parse(part)) for kind, text, part in split if kind == "k"],
            values=[json.loads(text) for kind, text, _ in split if kind == "v"],
        )

    @property
    def whole(self) -> bool:
        """A leaf, or something that has one owner in all its parts."""
        return not (self.named or self.keyed or self.values)


def _holds(ours: Owned | None, wanted: Any) -> bool:
    if wanted in ({}, [], None):
        # The API server keeps no record of what is empty.
        return True
    if ours is None:
        return False
    if ours.whole:
        return True
    if isinstance(wanted, dict):
        return all(_holds(ours.named.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return all(item in ours.values or _holds_item(ours, item) for item in wanted)
    return True


def _holds_item(ours: Owned, wanted: Any) -> bool:
    """Whether one of a list's items that are ours is this one."""
    if not isinstance(wanted, dict):
        return False
    return any(_is_keyed(wanted, keys) and _holds(item, wanted) for keys, item in ours.keyed)


def _is_keyed(item: Mapping[str, Any], keys: Mapping[str, Any]) -> bool:
    # A key that the item leaves out has its default there.
    return all(item.get(key, value) == value for key, value in keys.items())


def _without(value: Any, names: frozenset[str]) -> Any:
    return {key: item for key, item in value.items() if key not in names} if isinstance(value, dict) else value


@lru_cache(maxsize=512)
def _parsed(fields: str) -> Owned:
    return Owned.parse(json.loads(fields))
