"""Objects that a spec names and that are not its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from elixircluster.api.resource import Key
from elixircluster.render.names import issued_secret

Reference = tuple[str, str]
"""Kind and name of an object in the resource's namespace."""

REFERENCE_FIELDS = (
    ("secretRef", "name", "Secret"),
    ("secretKeyRef", "name", "Secret"),
    ("secret", "secretName", "Secret"),
    ("configMapRef", "name", "ConfigMap"),
    ("configMapKeyRef", "name", "ConfigMap"),
    ("configMap", "name", "ConfigMap"),
)


def references(value: Any) -> Iterator[Reference]:
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


def referred(body: dict[str, Any]) -> frozenset[Reference]:
    """What a resource refers to: what its spec names, and the Secret that cert-manager fills for it."""
    spec = body.get("spec") or {}
    tls = (spec.get("distribution") or {}).get("tls") or {}
    issued = {("Secret", issued_secret(body["metadata"]["name"]))} if tls.get("mode") == "CertManager" else set()
    return frozenset({*references(spec), *issued})


class ReferenceIndex:
    """Who refers to what, both ways. What nobody refers to is not kept."""

    def __init__(self) -> None:
        self._references: dict[Key, frozenset[Reference]] = {}
        self._referrers: dict[tuple[str, Reference], set[Key]] = {}

    def referrers(self, namespace: str, reference: Reference) -> list[Key]:
        """The resources that refer to an object."""
        return list(self._referrers.get((namespace, reference), ()))

    def referring(self) -> list[Key]:
        """The resources that refer to anything."""
        return list(self._references)

    def refer(self, key: Key, wanted: frozenset[Reference]) -> None:
        """The resource refers to these and to no others."""
        before = self._references.pop(key, frozenset())
        if wanted:
            self._references[key] = wanted
        for reference in before - wanted:
            referrers = self._referrers[key.namespace, reference]
            referrers.discard(key)
            if not referrers:
                del self._referrers[key.namespace, reference]
        for reference in wanted - before:
            self._referrers.setdefault((key.namespace, reference), set()).add(key)
