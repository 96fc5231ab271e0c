"""What every model of the resource is made of: a base class, bounded scalars and CEL rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic.alias_generators import to_camel


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
RawObject = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True})]
LabelValue = Annotated[str, StringConstraints(max_length=63, pattern=r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")]
Labels = Annotated[dict[str, LabelValue], Field(max_length=64)]
Annotations = Annotated[dict[str, Annotated[str, StringConstraints(max_length=65536)]], Field(max_length=64)]
