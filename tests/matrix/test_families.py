"""Nodes that would speak another address family than their pods have."""

from __future__ import annotations

from .cells import elixircluster
from .conftest import only_in_campaigns, remove
from .lab import stalled


@only_in_campaigns
def test_where_pods_have_ipv6_addresses_a_resource_for_ipv4_says_which_field_to_set(families, namespaces):
    namespace = namespaces(families("IPv6"), "family")
    namespace.apply(elixircluster("chat", "chat", replicas=1))
    condition = stalled(namespace, "chat")
    assert condition["reason"] == "WrongAddressFamily"
    assert condition["message"].endswith("set it to IPv6")
    remove(namespace)
