"""The API server's own code, without a cluster."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from elixircluster.api.crd import crd
from tests.cluster.build import binary

Judge = Callable[..., dict[str, list[str]]]


@pytest.fixture(scope="session")
def judge() -> Judge:
    """What the API server says to each of some objects, and of changes to them."""
    program = binary("apiserver")

    def said(objects: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, list[str]]:
        question = json.dumps({"definition": crd(), "objects": objects, "before": before or {}})
        told = subprocess.run([program], input=question, capture_output=True, text=True, check=True, timeout=120)
        answer = json.loads(told.stdout)
        assert answer["definition"] == []
        answers: dict[str, list[str]] = answer["objects"]
        return answers

    return said
