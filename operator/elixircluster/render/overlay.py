"""A strategic merge of `spec.podTemplate` over the rendered pod template.

Lists of the Pod API merge by key where the API says so (`x-kubernetes-patch-merge-key`), and replace otherwise. `null`
removes a field, where it arrives: `kubectl apply` drops it. `$patch: delete` removes a mapping or an entry of a merged
list, `$patch: replace` puts a mapping or a merged list in the place of ours. Of settings that exclude each other a new
one takes the place of ours, as in `$retainKeys`.
https://github.com/kubernetes/community/blob/main/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from elixircluster.errors import Stalled

MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "imagePullSecrets": "name",
    "resourceClaims": "name",
    "schedulingGates": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}

HANDLERS = frozenset({"exec", "grpc", "httpGet", "sleep", "tcpSocket"})
# Of these keys a mapping, or an entry of the list, has at most one.
ONE_OF: Mapping[str, Callable[[str], bool]] = {
    "startupProbe": HANDLERS.__contains__,
    "readinessProbe": HANDLERS.__contains__,
    "livenessProbe": HANDLERS.__contains__,
    "preStop": HANDLERS.__contains__,
    "postStart": HANDLERS.__contains__,
    "volumes": lambda key: key != "name",
    "env": lambda key: key != "name",
    "valueFrom": lambda _: True,
}

DIRECTIVE = "$patch"
DELETED = object()


def overlay(base: Any, patch: Any) -> Any:
    """`base` with `patch` laid over it; neither is changed. Raises `Stalled` for a directive that is none of ours."""
    result = _merged(base, patch, "")
    return {} if result is DELETED else result


def _merged(base: Any, patch: Any, name: str) -> Any:
    """What stands under `name` afterwards, or `DELETED`."""
    if isinstance(patch, list):
        return _merged_list(base if isinstance(base, list) else [], patch, name)
    if not isinstance(patch, dict):
        return DELETED if patch is None else patch
    said = _directive(patch)
    if said == "delete":
        return DELETED
    kept = dict(base) if isinstance(base, dict) and said != "replace" else {}
    chosen = _chosen(patch, name)
    result = {key: value for key, value in kept.items() if not chosen or key in chosen or not ONE_OF[name](key)}
    for key, value in patch.items():
        if key == DIRECTIVE:
            continue
        merged = _merged(result.get(key), value, key)
        if merged is DELETED:
            result.pop(key, None)
        else:
            result[key] = merged
    return result


def _chosen(patch: Mapping[str, Any], name: str) -> set[str]:
    """What the patch sets, of settings that exclude each other."""
    exclude = ONE_OF.get(name)
    return {key for key, value in patch.items() if exclude and value is not None and key != DIRECTIVE and exclude(key)}


def _merged_list(base: list[Any], patch: list[Any], name: str) -> list[Any]:
    key = MERGE_KEYS.get(name)
    if key is None:
        return [item for item in (_merged(None, item, name) for item in patch) if item is not DELETED]
    entries = [item for item in patch if item != {DIRECTIVE: "replace"}]
    merged = list(base) if len(entries) == len(patch) else []
    for item in entries:
        # Compared, not hashed: a name that a user gave may be anything, and the API server will say so.
        named = item.get(key) if isinstance(item, dict) else None
        at = next((i for i, old in enumerate(merged) if named is not None and _has(old, key, named)), None)
        laid = _merged(None if at is None else merged[at], item, name)
        if at is None:
            at = len(merged)
        merged[at : at + 1] = [] if laid is DELETED else [laid]
    return merged


def _has(item: Any, key: str, value: Any) -> bool:
    return isinstance(item, dict) and item.get(key) == value


def _directive(patch: Mapping[str, Any]) -> str:
    unknown = [key for key in patch if str(key).startswith("$") and key != DIRECTIVE]
    said = patch.get(DIRECTIVE, "merge")
    if unknown or said not in ("merge", "replace", "delete"):
        wrong = unknown[0] if unknown else f"{DIRECTIVE}: {said}"
        raise Stalled(
            "InvalidPodTemplate", f"spec.podTemplate: {wrong} is not known; there are $patch: delete, replace and merge"
        )
    return str(said)
