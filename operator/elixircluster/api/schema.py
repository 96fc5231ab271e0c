"""What every model of the resource is made of: a base class, bounded scalars and CEL rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError


@dataclass(frozen=True)
class Rule:
    """A validation in CEL that the API server applies (`x-kubernetes-validations`).

    `message` says what to do. `field` is the path, relative to the model, that an error points at.
    """

    cel: str
    message: str
    field: str = ""

    def schema(self) -> dict[str, str]:
        """The rule as an entry of `x-kubernetes-validations`."""
        path = {"fieldPath": f".{self.field}"} if self.field else {}
        return {"rule": self.cel, "message": self.message, **path}


class Model(BaseModel):
    """A part of the resource: camelCase outside, snake_case inside, immutable.

    Unknown fields are kept aside, not refused: the API server prunes them, and an older operator
    must be able to read a resource written for a newer one. `unknown_fields` lists them.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow", frozen=True)
    rules: ClassVar[tuple[Rule, ...]] = ()


def unknown_fields(model: BaseModel, path: str = "") -> Iterator[str]:
    """Paths of the fields that no model knows, as a user would write them (`spec.webb.port`)."""
    for name in model.model_extra or {}:
        yield f"{path}.{name}".lstrip(".")
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        here = f"{path}.{field.alias or name}".lstrip(".")
        if isinstance(value, BaseModel):
            yield from unknown_fields(value, here)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, BaseModel):
                    yield from unknown_fields(item, f"{here}[{index}]")


DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
DNS_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[int, Field(ge=1, le=3600)]
ObjectName = Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=DNS_SUBDOMAIN)]
Text = Annotated[str, StringConstraints(max_length=4096)]

# Parts of a Pod that users know from Kubernetes. Their schema is not repeated here: it would be 350 KB,
# and the API server checks them anyway when the StatefulSet is applied.
LONGEST_KEY = 1024
RAW = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
RawObject = Annotated[dict[str, Any], WithJsonSchema(RAW)]


def keyed(*keys: str) -> dict[str, Any]:
    """Of a list that is a map: what tells one entry from another, so that two may each apply some of them."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def _has(key: str) -> AfterValidator:
    def check(value: dict[str, Any]) -> dict[str, Any]:
        if key not in value:
            raise PydanticCustomError("missing", f"{key} is required")
        if not isinstance(value[key], str) or not 1 <= len(value[key]) <= LONGEST_KEY:
            raise PydanticCustomError("string_type", f"{key} should be a text of 1 to {LONGEST_KEY} characters")
        return value

    return AfterValidator(check)


def _raw_with(key: str) -> WithJsonSchema:
    text = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "description": "What tells it from the others."}
    return WithJsonSchema({**RAW, "properties": {key: text}, "required": [key]})


# Entries of a list that is a map; the schema must know by what.
Named = Annotated[dict[str, Any], _has("name"), _raw_with("name")]
Mount = Annotated[dict[str, Any], _has("mountPath"), _raw_with("mountPath")]

QUALIFIED_NAME = "^(DOMAIN([.]DOMAIN)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
DOMAIN_OF_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
DOMAIN_OF_ANNOTATION = "[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?"


def _keys(domain: str) -> dict[str, Any]:
    rule = Rule(
        f"self.all(k, k.size() <= 317 && k.matches('{QUALIFIED_NAME.replace('DOMAIN', domain)}'))",
        "a key is a name of letters, digits, - _ and ., at most 63, and may have a domain and / before it",
    )
    return {"x-kubernetes-validations": [rule.schema()]}


LabelValue = Annotated[str, StringConstraints(max_length=63, pattern=r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")]
Labels = Annotated[dict[str, LabelValue], Field(max_length=64, json_schema_extra=_keys(DOMAIN_OF_LABEL))]
Annotations = Annotated[
    dict[str, Annotated[str, StringConstraints(max_length=65536)]],
    Field(max_length=64, json_schema_extra=_keys(DOMAIN_OF_ANNOTATION)),
]
