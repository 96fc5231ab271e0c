"""The template engine: a folder of `*.yaml.j2`, and a user's folder that overrides files or adds some."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
import yaml

from elixircluster.errors import Stalled

Object = dict[str, Any]

# Where the chart's documentation installs the operator.
OPERATOR_NAMESPACE = "elixircluster-system"

PACKAGED = Path(__file__).parent.parent / "templates"
CHECKOUT = Path(__file__).parents[3] / "templates"

# JSON is YAML but for these characters, which JSON may hold as they are and YAML must see escaped.
NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def to_json(value: Any) -> str:
    """Any value as YAML on one line. Text stays text: nothing in it can end the value or be a template."""
    text = json.dumps(value, ensure_ascii=False)
    return NOT_IN_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


# What a template of a user may do wrong.
MISTAKES = (
    jinja2.TemplateError,
    yaml.YAMLError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


def objects_of(text: str) -> str:
    """The documents of a YAML text, as JSON. A date, which is no JSON, becomes the text that it was."""
    return json.dumps([item for item in yaml.load_all(text, Loader=Loader) if item], default=str)


# To read YAML takes seven times as long as to render it.
remembered_objects_of = lru_cache(maxsize=4096)(objects_of)


class Loader(yaml.CSafeLoader):
    """YAML as JSON needs it: YAML 1.1 takes 1e-05 for text."""


Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^-?\d+(\.\d+)?[eE][-+]?\d+$"), list("-0123456789"))


class Templates:
    """The templates, compiled once, and where the operator is that renders them."""

    def __init__(self, overrides: Path | None = None, operator_namespace: str = OPERATOR_NAMESPACE) -> None:
        self.operator_namespace = operator_namespace
        folders = [*([overrides] if overrides else []), PACKAGED if PACKAGED.is_dir() else CHECKOUT]
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folders),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,  # noqa: S701 - the output is YAML, and every value goes through tojson
        )
        self._environment.filters["tojson"] = to_json
        self.names = sorted(self._environment.list_templates(filter_func=lambda name: name.endswith(".yaml.j2")))

    def render(self, context: Mapping[str, Any], *, skip: Collection[str]) -> Iterator[Object]:
        """The objects of all templates but those to skip. A template may give none, or several."""
        for name in self.names:
            if name not in skip:
                yield from self._objects(name, context, remembered_objects_of)

    def render_one(self, name: str, context: Mapping[str, Any]) -> Iterator[Object]:
        """The objects of one template, of which nothing is remembered: it may hold a secret."""
        return self._objects(name, context, objects_of)

    def _objects(self, name: str, context: Mapping[str, Any], read: Callable[[str], str]) -> Iterator[Object]:
        """Raises `Stalled`, naming the template, where it cannot be rendered."""
        try:
            items = json.loads(read(self._environment.get_template(name).render(context)))
        except MISTAKES as error:
            raise Stalled("TemplateFailed", f"template {name}: {error}") from None
        for item in items:
            if not is_object(item):
                raise Stalled("TemplateFailed", f"template {name}: no object with kind, metadata.name and namespace")
            yield item


def is_object(item: Any) -> bool:
    """Whether it could be an object of a namespace."""
    metadata = item.get("metadata") if isinstance(item, dict) else None
    return isinstance(metadata, dict) and bool(item.get("kind") and metadata.get("name") and metadata.get("namespace"))
