"""The operator while the cluster's DNS is down."""

from __future__ import annotations

import pytest

from tests.cluster import UnsupportedError

from .user import GOOD_IMAGE, comes_true

RESOURCE = {
    "apiVersion": "elixircluster.dev/v1alpha1",
    "kind": "ElixirCluster",
    "metadata": {"name": "chat"},
    "spec": {"image": GOOD_IMAGE, "imagePullPolicy": "IfNotPresent", "replicas": 1},
}


def test_an_operator_that_starts_while_dns_is_away_works(operator, namespaces):
    """It held the lease, was ready and did nothing: half of its requests went to the API server's name."""
    fault, namespace = operator.kubernetes.fault, namespaces("nameless")
    operator.scale(0)
    assert comes_true(operator.is_away, 60)
    try:
        fault.dns_stop()
    except UnsupportedError as reason:
        operator.scale(2)
        pytest.skip(str(reason))
    try:
        operator.scale(2)
        namespace.apply(RESOURCE)
        assert comes_true(lambda: bool(namespace.items("statefulsets")), 60)
        operator.namespace.kubectl("rollout", "status", f"deployment/{operator.name}", "--timeout=60s")
    finally:
        fault.dns_start()
