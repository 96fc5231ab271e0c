"""The CustomResourceDefinition, generated from the models.

A structural schema (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/)
is JSON schema without references, without null and without `additionalProperties` beside `properties`.
"""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, TypeGuard, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from elixircluster.api.resource import API_VERSION, GROUP, KIND, MAX_NAME, PLURAL, VERSION
from elixircluster.api.schema import Model, Rule
from elixircluster.api.spec import ElixirClusterSpec
from elixircluster.api.status import ElixirClusterStatus

JsonSchema = dict[str, Any]

NAME_RULES = (
    Rule(
        f"self.metadata.name.size() <= {MAX_NAME}",
        f"metadata.name is longer than {MAX_NAME} characters, and would not fit into the labels of its pods; "
        "choose a shorter name",
    ),
    Rule(
        "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "metadata.name must begin with a letter and hold only small letters, digits and -, because Services are "
        "named after it",
    ),
)

PRINTER_COLUMNS = (
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', 0),
    ("Nodes", "string", ".status.readyNodes", 0),
    ("Mesh", "string", ".status.clustered", 0),
    ("Image", "string", ".spec.image", 0),
    ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', 1),
    ("Strategy", "string", ".status.update.strategy", 1),
    ("Revision", "string", ".status.update.revision", 1),
    ("Age", "date", ".metadata.creationTimestamp", 0),
)


def crd() -> dict[str, Any]:
    """The CustomResourceDefinition of `elixirclusters`."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["ex"],
                "categories": ["all"],
            },
            "versions": [version()],
        },
    }


def version() -> dict[str, Any]:
    """The one version of the resource."""
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path, "priority": priority}
            for name, kind, path, priority in PRINTER_COLUMNS
        ],
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "description": f"One BEAM cluster ({API_VERSION}).",
                "required": ["spec"],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"type": "object"},
                    "spec": structural(ElixirClusterSpec),
                    "status": structural(ElixirClusterStatus),
                },
                "x-kubernetes-validations": [rule.schema() for rule in NAME_RULES],
            }
        },
    }


def structural(model: type[Model]) -> JsonSchema:
    """The structural schema of a model."""
    schema: JsonSchema = {"type": "object", "properties": {}}
    if model.__doc__:
        schema["description"] = model.__doc__.split("\n\n")[0]
    required = []
    for name, field in model.model_fields.items():
        alias = field.alias or name
        schema["properties"][alias] = field_schema(model, name, field)
        if field.is_required():
            required.append(alias)
    if required:
        schema["required"] = required
    if model.rules:
        schema["x-kubernetes-validations"] = [rule.schema() for rule in model.rules]
    return schema


def field_schema(model: type[Model], name: str, field: FieldInfo) -> JsonSchema:
    """The schema of one field: that of a nested model, or pydantic's own made structural."""
    annotation = bare(field.annotation)
    items = bare(get_args(annotation)[0]) if get_origin(annotation) is list else None
    if is_model(annotation):
        schema = structural(annotation)
    else:
        schema = simplify(model.model_json_schema()["properties"][field.alias or name])
        if is_model(items):
            schema["items"] = structural(items)
    if isinstance(field.json_schema_extra, dict):
        schema |= field.json_schema_extra
    if field.description:
        schema["description"] = field.description
    if isinstance(field.default, str | int | bool):
        schema["default"] = field.default
    return schema


def bare(annotation: Any) -> Any:
    """An annotation without its constraints and without `| None`."""
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        (annotation,) = (option for option in get_args(annotation) if option is not type(None))
        return bare(annotation)
    return annotation


def is_model(annotation: Any) -> TypeGuard[type[Model]]:
    """Whether it is a part of the resource with a schema of its own."""
    return isinstance(annotation, type) and issubclass(annotation, Model)


def simplify(schema: JsonSchema) -> JsonSchema:
    """Pydantic's schema of a field without nulls, titles, defaults and single-valued constants."""
    if "anyOf" in schema:
        (schema,) = (option for option in schema["anyOf"] if option.get("type") != "null")
    result = {key: value for key, value in schema.items() if key not in {"title", "default", "propertyNames"}}
    if "const" in result:
        result["enum"] = [result.pop("const")]
    for nested in ("items", "additionalProperties"):
        if isinstance(result.get(nested), dict):
            result[nested] = simplify(result[nested])
    return result
