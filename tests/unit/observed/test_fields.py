"""Whose fields are whose, by the API server's own record."""

from __future__ import annotations

import pytest

from elixircluster.observed.fields import fields_of, holds

WANTED = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "chat", "namespace": "default", "labels": {"a": "b"}, "annotations": {}},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "spec": {
                "tolerations": [],
                "containers": [
                    {"name": "app", "image": "chat:1", "ports": [{"containerPort": 4000}], "args": ["x", "y"]},
                ],
            }
        },
    },
}
FIELDS = {
    "f:metadata": {"f:labels": {"f:a": {}}, "f:ownerReferences": {'k:{"uid":"1"}': {}}},
    "f:spec": {
        "f:replicas": {},
        "f:selector": {},
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"app"}': {
                        ".": {},
                        "f:name": {},
                        "f:image": {},
                        "f:args": {},
                        "f:ports": {
                            'k:{"containerPort":4000,"protocol":"TCP"}': {".": {}, "f:containerPort": {}},
                        },
                    },
                },
            },
        },
    },
}


def text(fields, **entry):
    return fields_of(
        {"managedFields": [{"manager": "elixircluster", "operation": "Apply", "fieldsV1": fields, **entry}]}
    )


def without(fields, name, *rest):
    """The record after somebody else has changed the field at the end of this path. What holds nothing is left out."""
    inner = without(fields[name], *rest) if rest else {}
    return {key: inner if key == name else value for key, value in fields.items() if key != name or inner}


CONTAINER = ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"app"}')
TAKEN = {
    "a label": ("f:metadata", "f:labels", "f:a"),
    "replicas": ("f:spec", "f:replicas"),
    "what has one owner as a whole": ("f:spec", "f:selector"),
    "a container": CONTAINER,
    "its image": (*CONTAINER, "f:image"),
    "its port": (*CONTAINER, "f:ports", 'k:{"containerPort":4000,"protocol":"TCP"}'),
}


def test_all_that_is_wanted_is_ours():
    assert holds(text(FIELDS), WANTED)


@pytest.mark.parametrize("path", TAKEN.values(), ids=TAKEN)
def test_a_field_that_somebody_else_changed_is_not_ours_any_more(path):
    assert not holds(text(without(FIELDS, *path)), WANTED)


@pytest.mark.parametrize("entry", [{"manager": "kubectl"}, {"operation": "Update"}, {"subresource": "status"}], ids=str)
def test_what_others_wrote_is_not_ours(entry):
    assert not holds(text(FIELDS, **entry), WANTED)


def test_an_object_that_we_never_applied_is_not_ours():
    assert not holds(fields_of({}), WANTED)


def test_resources_that_are_alike_share_one_record_whoever_owns_them():
    other = {**FIELDS, "f:metadata": {**FIELDS["f:metadata"], "f:ownerReferences": {'k:{"uid":"2"}': {}}}}
    assert text(FIELDS) is text(other)


def test_the_items_of_a_set_are_told_by_their_value():
    fields = text({"f:metadata": {"f:finalizers": {'v:"a"': {}}}})
    assert holds(fields, {"metadata": {"finalizers": ["a"]}})
    assert not holds(fields, {"metadata": {"finalizers": ["a", "b"]}})
