"""An image that names its node itself: the resource says so, and how to mend it."""

from __future__ import annotations

from .cells import elixircluster
from .lab import stalled


def test_a_release_that_sets_its_own_name_is_stalled_with_the_variable_and_the_way_out(namespace):
    image = "docker.io/library/chat-fly:1.0.0"
    namespace.apply(elixircluster("flown", "chat", image=image, replicas=1))
    condition = stalled(namespace, "flown")
    assert condition["reason"] == "NodeNameOverridden"
    assert "RELEASE_NODE" in condition["message"]
    assert "rel/env.sh.eex" in condition["message"]
