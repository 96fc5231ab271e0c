"""The CustomResourceDefinition that the models become."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from elixircluster.api.crd import crd
from elixircluster.api.resource import parse
from elixircluster.api.schema import Model
from elixircluster.api.spec import ElixirClusterSpec
from tests.unit.factory import body

SCHEMA: dict[str, Any] = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
PRESERVE = "x-kubernetes-preserve-unknown-fields"


def walk(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema in the schema, with its path."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from walk(part, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from walk(schema[key], f"{path}[]")


PARTS = {path: part for name in ("spec", "status") for path, part in walk(SCHEMA["properties"][name], name)}


def test_the_definition_fits_into_an_annotation_of_kubectl_apply():
    assert len(yaml.safe_dump(crd())) < 128_000
    assert len(json.dumps(crd())) < 128_000


@pytest.mark.parametrize("path", PARTS)
def test_every_part_of_the_schema_is_structural(path):
    part = PARTS[path]
    assert part["type"] in {"object", "array", "string", "integer", "boolean"}
    assert not {"$ref", "anyOf", "oneOf", "allOf", "not", "const", "title", "nullable", "definitions"} & set(part)
    assert not ("properties" in part and "additionalProperties" in part)
    if part["type"] == "object":
        assert "properties" in part or "additionalProperties" in part or part[PRESERVE]


@pytest.mark.parametrize("path", PARTS)
def test_everything_that_can_grow_has_a_maximum(path):
    part = PARTS[path]
    match part["type"]:
        case "array":
            assert part["maxItems"] <= 1000
        case "string":
            assert part.get("maxLength", 65537) <= 65536 or part["enum"]
        case "object" if "additionalProperties" in part:
            assert part["maxProperties"] <= 64
        case "integer" if path.startswith("spec"):
            assert part["minimum"] <= part["maximum"]


@pytest.mark.parametrize("path", [path for path in PARTS if "[]" not in path.rpartition(".")[2]])
def test_every_field_is_described_for_kubectl_explain(path):
    assert PARTS[path]["description"].rstrip().endswith((".", ")"))


def test_the_defaults_of_the_schema_are_those_of_the_models():
    spec = parse(body()).spec.model_dump(by_alias=True)
    for path, part in PARTS.items():
        if "default" not in part:
            continue
        value: Any = spec
        for name in path.split(".")[1:]:
            value = value.get(name) if isinstance(value, dict) else None
        assert value in {part["default"], None}, path


def test_only_the_image_must_be_given():
    assert SCHEMA["properties"]["spec"]["required"] == ["image"]
    assert SCHEMA["required"] == ["spec"]


def test_the_scale_subresource_and_the_status_are_served():
    subresources = crd()["spec"]["versions"][0]["subresources"]
    assert subresources["status"] == {}
    assert subresources["scale"] == {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }


@pytest.mark.parametrize("column", crd()["spec"]["versions"][0]["additionalPrinterColumns"], ids=lambda c: c["name"])
def test_every_printer_column_shows_a_field_that_there_is(column):
    path = column["jsonPath"].partition("[?")[0].lstrip(".")
    assert path in PARTS or path == "metadata.creationTimestamp"


def test_every_rule_says_what_to_do_and_points_at_a_field_that_there_is():
    rules = [(path, rule) for path, part in PARTS.items() for rule in part.get("x-kubernetes-validations", [])]
    assert len(rules) >= 8
    for path, rule in rules:
        assert len(rule["message"]) > 20
        assert f"{path}{rule.get('fieldPath', '')}" in PARTS


def test_the_models_write_camel_case_and_read_both():
    spec = ElixirClusterSpec.model_validate({"image": "a", "imagePullPolicy": "Never"})
    assert spec.image_pull_policy == "Never"
    assert spec.model_dump(by_alias=True)["imagePullPolicy"] == "Never"
    assert issubclass(ElixirClusterSpec, Model)
