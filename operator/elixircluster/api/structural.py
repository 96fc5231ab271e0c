"""The structural schema of a model: JSON schema without references, null, `additionalProperties` beside `properties`.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeGuard, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from elixircluster.api.schema import Model

JsonSchema = dict[str, Any]


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
        schema = simplify(_json_schema(model)["properties"][field.alias or name])
        if is_model(items):
            schema["items"] = structural(items)
    if isinstance(field.json_schema_extra, dict):
        schema |= field.json_schema_extra
    if field.description:
        schema["description"] = field.description
    if isinstance(field.default, str | int | bool):
        schema["default"] = field.default
    return schema


@cache
def _json_schema(model: type[Model]) -> JsonSchema:
    return model.model_json_schema()


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
