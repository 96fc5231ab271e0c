"""An image that names its node itself: the resource says so, and how to mend it."""

from __future__ import annotations

from tests.e2e.user import comes_true

from .cells import elixircluster
from .lab import stalled

IMAGE = "docker.io/library/chat-fly:1.0.0"


def test_a_release_that_sets_its_own_name_is_stalled_with_the_variable_and_the_way_out(namespace):
    namespace.apply(elixircluster("flown", "chat", image=IMAGE, replicas=1))
    condition = stalled(namespace, "flown")
    assert condition["reason"] == "NodeNameOverridden"
    assert "RELEASE_NODE" in condition["message"]
    assert "rel/env.sh.eex" in condition["message"]


def test_a_node_whose_own_name_leaves_it_without_distribution_is_told_where_that_comes_from(namespace):
    # What is named `-@` by its image, as `${APP}-${VERSION}@${IP}` with nothing set, gives erl a -name with no value:
    # the release runs on, ready and alone.
    env = [{"name": "FLY_APP_NAME", "value": "-"}]
    namespace.apply(elixircluster("flown", "chat", image=IMAGE, replicas=2, env=env))
    condition = stalled(namespace, "flown")
    assert condition["reason"] == "NotDistributed"
    assert "rel/env.sh" in condition["message"]
    # Of a node that cannot be asked it is believed after some seconds that it has booted.
    assert comes_true(lambda: namespace.condition("flown", "Available")["status"] == "True", 60)
    assert namespace.condition("flown", "Clustered")["status"] == "False"
