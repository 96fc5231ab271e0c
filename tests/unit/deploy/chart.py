"""The chart, and where things are in what it renders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
CHART = ROOT / "deploy" / "helm" / "elixircluster"

Manifest = dict[str, Any]


class RefusedError(Exception):
    """Helm said no; the message is what it said."""


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def deployment(manifests: list[Manifest]) -> Manifest:
    (found,) = of_kind(manifests, "Deployment")
    return found


def pod(manifests: list[Manifest]) -> Manifest:
    return deployment(manifests)["spec"]["template"]


def container(manifests: list[Manifest]) -> Manifest:
    (found,) = pod(manifests)["spec"]["containers"]
    return found
