"""Who wrote which field: server-side apply over plain dicts, with the lists that are maps as our kinds have them.

A field is a path of segments as in `managedFields`: `f:spec`, `k:{"name":"app"}`, `v:"kubernetes"`.
https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

Body = dict[str, Any]
Path = tuple[str, ...]

ITEM = object()
"""The value of the path of a list's item itself, which is owned apart from what is in it."""

KEYS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeClaimTemplates": (),
    "conditions": ("type",),
    "nodes": ("pod",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
DEFAULTS = {"protocol": "TCP"}
SETS = {"finalizers"}
ATOMIC = {"selector", "roleRef", "podSelector", "labelSelector", "namespaceSelector"}
METADATA = ("labels", "annotations", "ownerReferences", "finalizers")
UNOWNED = ("apiVersion", "kind", "metadata", "status")


def said(body: Body, subresource: str = "") -> Body:
    """What of an object anybody can own: all but its identity; of the status only where that is what is written."""
    if subresource:
        return {"status": body.get("status") or {}}
    metadata = {name: body["metadata"][name] for name in METADATA if body["metadata"].get(name) is not None}
    rest = {name: value for name, value in body.items() if name not in UNOWNED}
    return {"metadata": metadata, **rest} if metadata else rest


def leaves(value: Any, path: Path = (), field: str = "") -> dict[Path, Any]:
    """Every field that can have an owner, and its value."""
    result: dict[Path, Any] = {}
    if isinstance(value, dict) and value and field not in ATOMIC:
        for name, inner in value.items():
            result |= leaves(inner, (*path, f"f:{name}"), name)
    elif isinstance(value, list) and field in SETS:
        result |= {(*path, f"v:{json.dumps(item)}"): item for item in value}
    elif isinstance(value, list) and value and (keys := merge_keys(field, value)):
        for item in value:
            here = (*path, segment(item, keys))
            result[here] = ITEM
            result |= leaves(item, here)
    else:
        result[path] = value
    return result


def merge_keys(field: str, items: list[Any]) -> tuple[str, ...]:
    """What tells the items of a list apart; nothing where the list is one value."""
    if field == "ports" and items and isinstance(items[0], dict):
        return ("containerPort", "protocol") if "containerPort" in items[0] else ("port", "protocol")
    return KEYS.get(field, ())


def segment(item: Body, keys: tuple[str, ...]) -> str:
    """An item's part of a path."""
    return _segment(keys, tuple(item.get(key, DEFAULTS.get(key)) for key in keys))


@lru_cache(maxsize=1000)
def _segment(keys: tuple[str, ...], values: tuple[Any, ...]) -> str:
    return "k:" + json.dumps(dict(zip(keys, values, strict=True)), sort_keys=True, separators=(",", ":"))


def merged(live: Any, applied: Any, field: str = "") -> Any:
    """`applied` laid over what is there."""
    if isinstance(live, dict) and isinstance(applied, dict) and field not in ATOMIC:
        laid = {name: merged(live.get(name), value, name) for name, value in applied.items()}
        return {**live, **laid}
    if isinstance(live, list) and isinstance(applied, list):
        if field in SETS:
            return live + [item for item in applied if item not in live]
        keys = merge_keys(field, applied or live)
        if keys and applied:
            there = {segment(item, keys): item for item in live}
            laid = {(name := segment(item, keys)): merged(there.get(name), item) for item in applied}
            # In the order of who applies; what only others have comes last.
            return [*laid.values(), *(item for name, item in there.items() if name not in laid)]
    return applied


def without(value: Any, paths: Iterable[Path], field: str = "") -> Any:
    """The value without these fields, and without the maps that became empty by it."""
    rest = [path for path in paths if path]
    if not rest:
        return value
    if isinstance(value, dict):
        result = {}
        for name, inner in value.items():
            mine = [path[1:] for path in rest if path[0] == f"f:{name}"]
            if () in mine:
                continue
            kept = without(inner, mine, name)
            if kept in ({}, []) and mine:
                continue
            result[name] = kept
        return result
    if isinstance(value, list):
        if field in SETS:
            return [item for item in value if (f"v:{json.dumps(item)}",) not in rest]
        keys = merge_keys(field, value)
        kept_items = []
        for item in value:
            mine = [path[1:] for path in rest if path[0] == segment(item, keys)] if keys else []
            if () not in mine:
                kept_items.append(without(item, mine))
        return kept_items
    return value


def fields_v1(paths: Iterable[Path]) -> Body:
    """Paths as `fieldsV1` tells them."""
    result: Body = {}
    for path in sorted(paths):
        node = result
        for part in path:
            node = node.setdefault(part, {})
        if path and path[-1].startswith("k:"):
            node["."] = {}
    return result


Manager = tuple[str, str, str]
"""Name, operation and subresource."""
Owners = Mapping[Manager, frozenset[Path]]


def apply(live: Body, owners: Owners, manager: Manager, applied: Body) -> tuple[Body, Owners]:
    """Forced server-side apply by one manager. `live` and `applied` are what `said` makes of objects."""
    before, wanted = leaves(live), leaves(applied)
    others = {who: paths for who, paths in owners.items() if who != manager}
    theirs: frozenset[Path] = frozenset().union(*others.values()) if others else frozenset()
    dropped = [path for path in owners.get(manager, frozenset()) - wanted.keys() if not _kept(path, theirs)]
    result = merged(without(live, dropped), applied)
    taken = {path for path, value in wanted.items() if path not in before or before[path] != value}
    return result, _pruned({**{who: paths - taken for who, paths in others.items()}, manager: frozenset(wanted)})


def update(before: Body, after: Body, owners: Owners, manager: Manager) -> Owners:
    """Any other write: what changed is owned by who changed it, and by nobody else any more."""
    old, new = leaves(before), leaves(after)
    changed = {path for path, value in new.items() if path not in old or old[path] != value}
    lost = changed | (old.keys() - new.keys())
    kept = {who: paths - lost for who, paths in owners.items()}
    if changed:
        kept[manager] = kept.get(manager, frozenset()) | changed
    return _pruned(kept)


def _kept(path: Path, theirs: frozenset[Path]) -> bool:
    """Whether another owns the field, or something in the item that it is."""
    return path in theirs or any(other[: len(path)] == path for other in theirs)


def _pruned(owners: Mapping[Manager, frozenset[Path]]) -> Owners:
    return {who: paths for who, paths in owners.items() if paths}
