"""The examples that are no mix release. Their nodes have no clustering library; the operator tells whom they see."""

from __future__ import annotations

import time

import pytest
import yaml

from .user import ROOT, comes_true

OTHERS = ("pond", "tide", "reef")
GRACE_SECONDS = 60


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


@pytest.mark.parametrize("name", OTHERS)
def test_its_nodes_stop_when_they_are_told_to_and_not_when_their_patience_ends(others, name):
    others[name].wait_until_ready(name)
    started = time.monotonic()
    others[name].kubectl("delete", "pod", f"{name}-2", "--wait", "--timeout=90s")
    took = time.monotonic() - started
    print(f"{name}: stopped in {took:.1f} s")
    assert took < GRACE_SECONDS / 2
