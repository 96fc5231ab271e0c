"""The CustomResourceDefinition, generated from the models."""

from __future__ import annotations

from typing import Any

from elixircluster.api.resource import API_VERSION, GROUP, KIND, PLURAL, VERSION, schema
from elixircluster.api.status import ElixirClusterStatus
from elixircluster.api.structural import structural

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
        "schema": {"openAPIV3Schema": whole()},
    }


def whole() -> dict[str, Any]:
    """The schema of the resource, as it is stored."""
    checked = schema()
    return {
        **checked,
        "description": f"One BEAM cluster ({API_VERSION}).",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            **checked["properties"],
            "status": structural(ElixirClusterStatus),
        },
    }
