"""What the API server does with a resource before it stores it, for those that read one without an API server.

The same schema is the CustomResourceDefinition's, so that `kubectl apply`, `elixircluster render` and the operator
refuse the same. Types, limits and patterns are pydantic's part, which has them from the same models.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from elixircluster.api import cel

Schema = dict[str, Any]

RULES = "x-kubernetes-validations"
LIST_TYPE = "x-kubernetes-list-type"
MAP_KEYS = "x-kubernetes-list-map-keys"


def defaulted(schema: Schema, value: Any) -> Any:
    """`value` with the schema's defaults, and without nulls where the schema knows the field."""
    if isinstance(value, list) and "items" in schema:
        return [defaulted(schema["items"], item) for item in value]
    if not isinstance(value, dict):
        return value
    known = schema.get("properties", {})
    result = {
        name: defaulted(known[name], item) if name in known else item
        for name, item in value.items()
        if item is not None or name not in known
    }
    for name, part in known.items():
        if name not in result and "default" in part:
            result[name] = part["default"]
    return result


def broken(schema: Schema, value: Any, path: str = "") -> Iterator[str]:
    """What the schema's rules say against `value`, which has its defaults."""
    rules = [rule for rule in schema.get(RULES, []) if cel.TRANSITION not in rule["rule"]]
    if rules and not cel.all_hold([rule["rule"] for rule in rules], value):
        for rule in rules:
            if not cel.holds(rule["rule"], value):
                yield f"{path}{rule.get('fieldPath', '')}: {rule['message']}".lstrip(": ")
    if isinstance(value, list):
        yield from _duplicates(schema, value, path)
        for index, item in enumerate(value):
            yield from broken(schema.get("items", {}), item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, part in schema.get("properties", {}).items():
            if name in value:
                yield from broken(part, value[name], f"{path}.{name}".lstrip("."))


def _duplicates(schema: Schema, value: list[Any], path: str) -> Iterator[str]:
    """A list that is a map has each key once."""
    if schema.get(LIST_TYPE) != "map":
        return
    seen = []
    for index, item in enumerate(value):
        identity = [item.get(key) for key in schema[MAP_KEYS]]
        if identity in seen:
            said = ", ".join(f"{key} {name}" for key, name in zip(schema[MAP_KEYS], identity, strict=True))
            yield f"{path}[{index}]: a second entry of {said}"
        seen.append(identity)
