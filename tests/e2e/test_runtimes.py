"""The examples that are no mix release. Their nodes have no clustering library; the operator tells whom they see."""

from __future__ import annotations

import pytest
import yaml

from .user import ROOT, comes_true

OTHERS = ("pond", "tide", "reef")


@pytest.fixture(scope="module")
def others(operator, namespaces):
    """All three, applied."""
    found = {}
    for name in OTHERS:
        found[name] = namespaces(name)
        found[name].apply(*yaml.safe_load_all((ROOT / "examples" / f"{name}.yaml").read_text()))
    return found


@pytest.mark.parametrize("name", OTHERS)
def test_it_is_ready_and_its_nodes_see_each_other(others, name):
    others[name].wait_until_ready(name)
    assert comes_true(lambda: others[name].condition(name, "Clustered").get("reason") == "FullMesh", 60)
    status = others[name].get("elixircluster", name)["status"]
    assert status["mesh"]["links"] == status["mesh"]["expectedLinks"] > 0
