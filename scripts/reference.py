"""The reference page: every field, rule, condition, reason and metric, from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY

from elixircluster.api.crd import crd
from elixircluster.api.resource import API_VERSION
from elixircluster.status.conditions import CONDITIONS
from elixircluster.telemetry import metrics

PACKAGE = Path(metrics.__file__).parents[1]
PRESERVE = "x-kubernetes-preserve-unknown-fields"
RULES = "x-kubernetes-validations"

Schema = dict[str, Any]


def reference() -> str:
    """The page."""
    schema = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    properties = schema["properties"]
    parts = [
        "# Reference",
        f"Generated from the source by `make generate`. `ElixirCluster`, `{API_VERSION}`, short name `ex`.",
        "## spec",
        *tables(properties["spec"], "spec"),
        "## What is refused",
        "Beside the types and limits above, the API server refuses at `kubectl apply`:",
        "\n".join(f"- {message}" for message in rules(schema)),
        "## status",
        *tables(properties["status"], "status"),
        "## Conditions",
        "Each is a `metav1.Condition` with `observedGeneration`. `Ready`, `Reconciling` and `Stalled` follow kstatus.",
        table(("condition", "when it is True"), ((f"`{name}`", judge.__doc__) for name, judge in CONDITIONS.items())),
        "## Reasons",
        "Of `Stalled`: a person must act.",
        table(("reason", "message"), reasons("Stalled")),
        "Of `Ready` and `Reconciling` while something is waited for or done:",
        table(("reason", "message"), [*reasons("Retry"), *reasons("Step")]),
        "## Metrics",
        table(("metric", "type", "labels", "meaning"), measured()),
    ]
    return "\n\n".join(parts) + "\n"


def tables(schema: Schema, path: str) -> Iterator[str]:
    """A table of the fields of an object, and of each object in it."""
    if path.count("."):
        yield f"### {path}"
    if "description" in schema:
        yield schema["description"]
    required = schema.get("required", [])
    yield table(
        ("field", "type", "default", "limits", "meaning"),
        (
            (
                f"`{name}`",
                kind(field),
                "required" if name in required else default(field),
                limits(field),
                field.get("description"),
            )
            for name, field in schema["properties"].items()
        ),
    )
    for name, field in schema["properties"].items():
        inner = field.get("items", field)
        if "properties" in inner:
            yield from tables(inner, f"{path}.{name}{'[]' if 'items' in field else ''}")


def kind(field: Schema) -> str:
    """The type in words."""
    if "items" in field:
        return f"list of {kind(field['items'])}"
    if "additionalProperties" in field:
        return f"map of {kind(field['additionalProperties'])}"
    return "object, as in Kubernetes" if field.get(PRESERVE) else str(field["type"])


def default(field: Schema) -> str:
    """The default, as one would write it."""
    value = field.get("default", "")
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value != "" else ""


def limits(field: Schema) -> str:
    """What may be said, as short as can be."""
    said = [" \\| ".join(f"`{value}`" for value in field.get("enum", []))]
    if "minimum" in field:
        said.append(f"{field['minimum']}–{field['maximum']}" if "maximum" in field else f"at least {field['minimum']}")
    said += [
        f"at most {field[key]}{unit}"
        for key, unit in (("maxLength", " characters"), ("maxItems", ""), ("maxProperties", ""))
        if key in field
    ]
    said.append(f"`{field['pattern'].replace('|', chr(92) + '|')}`" if "pattern" in field else "")
    return ", ".join(part for part in said if part)


def rules(schema: Schema) -> Iterator[str]:
    """The messages of the CEL rules, with the fields that they are about."""
    fields: dict[str, list[str]] = {}
    for path, message in said(schema, ""):
        fields.setdefault(message, []).append(f"`{path}`")
    return (f"{', '.join(paths)}: {message}" for message, paths in fields.items())


def said(schema: Schema, path: str) -> Iterator[tuple[str, str]]:
    """Path and message of each rule."""
    for rule in schema.get(RULES, []):
        yield f"{path}{rule.get('fieldPath', '')}".lstrip(".") or "metadata.name", rule["message"]
    for name, inner in schema.get("properties", {}).items():
        yield from said(inner, f"{path}.{name}")
    if "items" in schema:
        yield from said(schema["items"], f"{path}[]")


def reasons(outcome: str) -> list[tuple[str, str]]:
    """Reason and message of each outcome in the source; … stands for what is filled in."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == outcome:
                reason, message = (*(words(argument) for argument in node.args[:2]), "", "")[:2]
                if reason and message:
                    found[reason] = "; or: ".join(dict.fromkeys([*filter(None, [found.get(reason)]), message]))
    return [(f"`{reason}`", message) for reason, message in sorted(found.items())]


def words(node: ast.expr) -> str:
    """The text of a literal; … for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(words(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return "…" if not isinstance(node, ast.Attribute) else ""


def measured() -> Iterator[tuple[str, str, str, str]]:
    """The operator's own metrics."""
    ours = {id(value) for value in vars(metrics).values()}
    for collector in dict.fromkeys(REGISTRY._names_to_collectors.values()):
        if id(collector) in ours:
            (metric,) = collector.describe()
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            labels = ", ".join(f"`{label}`" for label in getattr(collector, "_labelnames", ()))
            yield f"`{name}`", metric.type, labels, metric.documentation


def table(head: tuple[str, ...], rows: Any) -> str:
    """A table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(" ".join(str(cell or "").split()) for cell in row) + " |" for row in lines)
