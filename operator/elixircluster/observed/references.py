"""Objects that a spec names and that are not its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from elixircluster.api.resource import Key
from elixircluster.render.names import issued_secret

Reference = tuple[str, str]
"""Kind and name of an object in the resource's namespace."""

REFERENCE_FIELDS = (
    ("secretRef", "name", "Secret"),
    ("secretKeyRef", "name", "Secret"),
    ("secret", "secretName", "Secret"),
    ("secret", "name", "Secret"),
    ("configMapRef", "name", "ConfigMap"),
    ("configMapKeyRef", "name", "ConfigMap"),
    ("configMap", "name", "ConfigMap"),
)


def references(value: Any) -> Iterator[Reference]:
    """The Secrets and ConfigMaps that a spec names, wherever in it a Pod may name one."""
    return (reference for reference, _ in named(value))


def named(value: Any) -> Iterator[tuple[Reference, bool]]:
    """The same, each with whether it may be missing."""
    if isinstance(value, list):
        for item in value:
            yield from named(item)
    elif isinstance(value, dict):
        for field, attribute, kind in REFERENCE_FIELDS:
            target = value.get(field)
            if isinstance(target, dict) and isinstance(target.get(attribute), str):
                yield (kind, target[attribute]), target.get("optional") is True
        for item in value.values():
            yield from named(item)


def referred(body: dict[str, Any]) -> frozenset[Reference]:
    """What a resource refers to: what its spec names, and the Secret that cert-manager fills for it."""
    spec = body.get("spec") or {}
    tls = (spec.get("distribution") or {}).get("tls") or {}
    issued = {("Secret", issued_secret(body["metadata"]["name"]))} if tls.get("mode") == "CertManager" else set()
    return frozenset({*references(spec), *issued})


class ReferenceIndex:
    """Who refers to what, both ways, and in which version that was seen. What nobody refers to is not kept."""

    def __init__(self) -> None:
        self._references: dict[Key, frozenset[Reference]] = {}
        self._referrers: dict[tuple[str, Reference], set[Key]] = {}
        self._versions: dict[tuple[str, Reference], str] = {}

    def of(self, key: Key) -> frozenset[Reference]:
        """What a resource refers to."""
        return self._references.get(key, frozenset())

    def version(self, namespace: str, reference: Reference) -> str | None:
        """The version of an object, empty where there is none; None where that is not known."""
        return self._versions.get((namespace, reference))

    def see(self, namespace: str, reference: Reference, version: str) -> list[Key]:
        """An object was seen, or, without a version, that there is none. Returns for whom that is news."""
        place = (namespace, reference)
        if place not in self._referrers or self._versions.get(place) == version:
            return []
        self._versions[place] = version
        return list(self._referrers[place])

    def settle(self, kind: str, namespace: str | None, present: Mapping[tuple[str, str], str]) -> list[Key]:
        """A list of all of a kind, by namespace and name. Returns for whom something of it is news."""
        places = [place for place in self._referrers if place[1][0] == kind and namespace in {None, place[0]}]
        return [
            key
            for where, reference in places
            for key in self.see(where, reference, present.get((where, reference[1]), ""))
        ]

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
                self._versions.pop((key.namespace, reference), None)
        for reference in wanted - before:
            self._referrers.setdefault((key.namespace, reference), set()).add(key)
