"""`elixircluster render`: what the operator would apply, without a cluster, as `helm template` does for a chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from elixircluster.api.resource import API_VERSION, KIND, ElixirCluster, parse
from elixircluster.api.schema import unknown_fields
from elixircluster.render.names import names
from elixircluster.render.objects import Object, render, render_cookie_secret, render_migration, render_tls_secret
from elixircluster.render.templates import Loader, Templates

GENERATED = "<generated>"
PAIR = ("tls.crt", "tls.key")
LISTS = ("List", f"{KIND}List")
"""What `kubectl get -o yaml` prints of several, and `kubectl apply` takes for them."""
FIELDS = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})


def preview(
    text: str,
    values: Sequence[str],
    settings: Sequence[str],
    templates: Path | None,
    refuse: Callable[[Object], object] = lambda _: None,
) -> list[Object]:
    """All objects of the resources in `text`; what is no ElixirCluster is handed on as it is.

    `values` are YAML texts laid over each spec, `settings` are `a.b=c`; `refuse` raises `Stalled` for an object that
    the operator would not apply. Raises `ValueError` or `Stalled` with a message for the user.
    """
    engine = Templates(templates)
    layers = [*(mapping(load(layer, "--values"), "--values") for layer in values), *map(parse_setting, settings)]
    objects: list[Object] = []
    for body in documents(text):
        if body["kind"] != KIND:
            objects.append(body)
            continue
        objects.extend(children(body, layers, engine, refuse))
    return objects


def children(
    body: Object, layers: Sequence[dict[str, Any]], engine: Templates, refuse: Callable[[Object], object]
) -> Iterator[Object]:
    """The objects of one resource."""
    cluster = parse({**body, "spec": reduce(merge, layers, body.get("spec") or {})})
    unknown = sorted(unknown_fields(cluster.spec, "spec"))
    if unknown:
        raise ValueError(f"unknown field {', '.join(unknown)}")
    if not cluster.spec.distribution.cookie.secret_key_ref:
        yield without_uid(render_cookie_secret(cluster, engine, GENERATED))
    yield from map(without_uid, certificate_secrets(cluster, engine))
    for child in render(cluster, engine, GENERATED):
        refuse(child)
        yield without_uid(child)
    if cluster.spec.migration:
        yield without_uid(render_migration(cluster, cluster.spec.migration, engine))


def certificate_secrets(cluster: ElixirCluster, engine: Templates) -> Iterator[Object]:
    """The Secrets that the operator fills where it makes the certificates itself."""
    if cluster.spec.distribution.tls.mode == "SelfSigned":
        for name, keys in ((names(cluster).authority, PAIR), (names(cluster).certificate, (*PAIR, "ca.crt"))):
            yield render_tls_secret(cluster, engine, name, dict.fromkeys(keys, GENERATED), {})


def documents(text: str) -> Iterator[Object]:
    """The objects in a YAML text. Raises `ValueError` where one is none."""
    try:
        bodies = [item for item in yaml.load_all(text, Loader=Loader) if item]
    except yaml.YAMLError as error:
        raise ValueError(f"no YAML: {error}") from None
    for body in bodies:
        yield from listed(body)


def listed(body: Any) -> Iterator[Object]:
    """The object itself, or those of a list."""
    if not isinstance(body, dict) or not (body.get("apiVersion") and body.get("kind")):
        raise ValueError("not an object with apiVersion and kind")
    if body["kind"] in LISTS:
        items = body.get("items") or []
        if not isinstance(items, list):
            raise ValueError("items is not a list")
        for item in items:
            yield from listed(item)
        return
    if body["kind"] == KIND:
        check(body)
    yield body


def check(body: Object) -> None:
    """What must be right before a resource can be parsed."""
    if body["apiVersion"] != API_VERSION:
        raise ValueError(f"{KIND} of apiVersion {body['apiVersion']}: this knows {API_VERSION} only")
    if unknown := sorted(map(str, body.keys() - FIELDS)):
        raise ValueError(f"unknown field {', '.join(unknown)}")
    metadata = mapping(body.get("metadata"), "metadata")
    if not metadata.get("name"):
        raise ValueError("metadata.name is missing")
    for field in ("name", "namespace"):
        if not isinstance(metadata.get(field), str | None):
            raise ValueError(f"metadata.{field} is not a text")
    for field in ("labels", "annotations"):
        for key, value in mapping(metadata.get(field), f"metadata.{field}").items():
            if not isinstance(value, str | None):
                raise ValueError(f"metadata.{field}.{key} is not a text; put it in quotes")
    mapping(body.get("spec"), "spec")


def load(text: str, where: str) -> Any:
    """A YAML text."""
    try:
        return yaml.load(text, Loader=Loader)  # noqa: S506 - it is a safe one
    except yaml.YAMLError as error:
        raise ValueError(f"{where}: no YAML: {error}") from None


def mapping(value: Any, where: str) -> dict[str, Any]:
    """A mapping, or nothing."""
    if not isinstance(value, dict | None):
        raise ValueError(f"{where} is not a mapping")
    return value or {}


def parse_setting(setting: str) -> dict[str, Any]:
    """`a.b=c` as nested mappings; the value is read as YAML, as `helm --set` reads numbers and booleans."""
    path, separator, value = setting.partition("=")
    if not separator or not path:
        raise ValueError(f"--set {setting}: not of the form a.b=c")
    result: Any = load(value, f"--set {setting}")
    for part in reversed(path.removeprefix("spec.").split(".")):
        result = {part: result}
    return dict(result)


def merge(base: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    """Mappings merge, everything else replaces."""
    result = dict(base)
    for key, value in layer.items():
        known = result.get(key)
        result[key] = merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result


def without_uid(item: Object) -> Object:
    """The owner's uid is known only to a cluster."""
    item["metadata"].pop("ownerReferences", None)
    return item
