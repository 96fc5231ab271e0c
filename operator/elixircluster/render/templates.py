"""The template engine: a folder of `*.yaml.j2`, and a user's folder that overrides files or adds some."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
import yaml

from elixircluster.errors import Stalled
from elixircluster.text import to_json

Object = dict[str, Any]

# Where the chart's documentation installs the operator.
OPERATOR_NAMESPACE = "elixircluster-system"

PACKAGE = Path(__file__).parent.parent
PACKAGED = PACKAGE / "templates"
CHECKOUT = Path(__file__).parents[3] / "templates"

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


class Loader(yaml.CSafeLoader):
    """YAML as JSON needs it: YAML 1.1 takes 1e-05 for text, and 2026-01-01 for a date, as kubectl does not."""


Loader.yaml_implicit_resolvers = {
    first: [row for row in rows if row[0] != "tag:yaml.org,2002:timestamp"]
    for first, rows in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^-?\d+(\.\d+)?[eE][-+]?\d+$"), list("-0123456789"))


class Templates:
    """The templates, compiled once, and where the operator is that renders them."""

    def __init__(self, overrides: Path | None = None, operator_namespace: str = OPERATOR_NAMESPACE) -> None:
        self.operator_namespace = operator_namespace
        packaged = PACKAGED if PACKAGED.is_dir() else CHECKOUT
        self._places = Places()
        self._ours = environment([packaged], self._places.keep)
        self._ours.auto_reload = False  # a file of ours is another one only in another image
        self._all = environment([*([overrides] if overrides else []), packaged], to_json)
        self._overrides = overrides
        self.identity = identity([PACKAGE, packaged, *([overrides] if overrides else [])])
        self.names = sorted(self._all.list_templates(filter_func=lambda name: name.endswith(".yaml.j2")))

    def render(self, context: Mapping[str, Any], *, skip: Collection[str]) -> Iterator[Object]:
        """The objects of all templates but those to skip. A template may give none, or several."""
        for name in self.names:
            if name not in skip:
                yield from self.render_one(name, context)

    def render_one(self, name: str, context: Mapping[str, Any]) -> Iterator[Object]:
        """The objects of one template. Raises `Stalled`, naming the template, where it cannot be rendered."""
        try:
            items = self._objects(name, context)
        except MISTAKES as error:
            raise Stalled("TemplateFailed", f"template {name}: {error}") from None
        for item in items:
            if not is_object(item):
                raise Stalled("TemplateFailed", f"template {name}: no object with kind, metadata.name and namespace")
            if lacks_pods(item):
                raise Stalled("TemplateFailed", f"template {name}: a StatefulSet without spec.template")
            yield item

    def _objects(self, name: str, context: Mapping[str, Any]) -> list[Any]:
        if self._overrides and (self._overrides / name).is_file():
            text = self._all.get_template(name).render(context)
            return list(json.loads(json.dumps(documents(text), default=str)))
        with self._places:
            return list(self._places.filled(remembered_documents(self._ours.get_template(name).render(context))))


class Places:
    """Places for values in a template of ours, which is read as YAML with numbers in them.

    That text is the same for almost all resources, and so is read once: to read YAML takes ten times as long as to
    render it. No value is part of it, so nothing that is remembered holds a secret. For one rendering at a time.
    """

    def __init__(self) -> None:
        self._values: list[str] = []

    def __enter__(self) -> None:
        self._values.clear()

    def __exit__(self, *_: object) -> None:
        self._values.clear()

    def keep(self, value: Any) -> str:
        """A place for the value."""
        self._values.append(json.dumps(value, ensure_ascii=False))
        return f"__{len(self._values) - 1}__"

    def filled(self, node: Any) -> Any:
        """What was read, with the values in their places."""
        if isinstance(node, dict):
            return {key: self.filled(value) for key, value in node.items()}
        if isinstance(node, list):
            return [self.filled(item) for item in node]
        found = PLACE.fullmatch(node) if isinstance(node, str) else None
        return json.loads(self._values[int(found[1])]) if found else node


PLACE = re.compile(r"__(\d+)__")


def identity(folders: Sequence[Path]) -> str:
    """A short name for all that a rendering comes from but the resource: templates, and the code of this package."""
    found = hashlib.blake2b(digest_size=12)
    for file in sorted(file for folder in folders for pattern in ("*.py", "*.j2") for file in folder.rglob(pattern)):
        found.update(file.read_bytes())
    return found.hexdigest()


def environment(folders: Sequence[Path], tojson: Callable[[Any], str]) -> jinja2.Environment:
    """Jinja, as templates here are written."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - the output is YAML, and every value goes through tojson
    )
    found.filters["tojson"] = named(tojson)
    return found


def named(tojson: Callable[[Any], str]) -> Callable[[Any], str]:
    """The same, which says of a name that does not exist which it is, and not that it is no JSON."""
    return lambda value: tojson(str(value) if isinstance(value, jinja2.Undefined) else value)


def documents(text: str) -> list[Any]:
    """The documents of a YAML text."""
    return [item for item in yaml.load_all(text, Loader=Loader) if item]


remembered_documents = lru_cache(maxsize=256)(documents)


def is_object(item: Any) -> bool:
    """Whether it could be an object of a namespace."""
    metadata = item.get("metadata") if isinstance(item, dict) else None
    if not isinstance(metadata, dict):
        return False
    told = (item.get("kind"), metadata.get("name"), metadata.get("namespace"))
    return all(isinstance(text, str) and text for text in told)


def lacks_pods(item: Object) -> bool:
    """Whether it is a StatefulSet without a template of pods, by which it is told from another."""
    spec = item.get("spec")
    return item["kind"] == "StatefulSet" and not (isinstance(spec, dict) and isinstance(spec.get("template"), dict))
