"""A strategic merge of `spec.podTemplate` over the rendered pod template.

Lists of the Pod API merge by key where the API says so (`x-kubernetes-patch-merge-key`), and replace otherwise;
null removes. https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

from __future__ import annotations

from typing import Any

MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "imagePullSecrets": "name",
    "resourceClaims": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}


def overlay(base: Any, patch: Any) -> Any:
    """`base` with `patch` laid over it; neither is changed."""
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return patch
    result = dict(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, list) and isinstance(result.get(key), list) and key in MERGE_KEYS:
            result[key] = _merge_list(result[key], value, MERGE_KEYS[key])
        else:
            result[key] = overlay(result.get(key), value)
    return result


def _merge_list(base: list[Any], patch: list[Any], key: str) -> list[Any]:
    merged = list(base)
    # Compared, not hashed: a name that a user gave may be anything, and the API server will say so.
    known = [item.get(key) if isinstance(item, dict) else None for item in base]
    for item in patch:
        name = item.get(key) if isinstance(item, dict) else None
        if name is not None and name in known:
            merged[known.index(name)] = overlay(merged[known.index(name)], item)
        else:
            merged.append(item)
    return merged
