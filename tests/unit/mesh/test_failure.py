"""What a failure means for whoever must decide."""

from __future__ import annotations

import errno

import pytest

from elixircluster.mesh.failure import Failure, MeshError, Step


@pytest.mark.parametrize(
    ("failure", "means"),
    [
        (Failure.REFUSED, {"may_be_starting"}),
        (Failure.NOT_DISTRIBUTED, {"nobody_there", "may_be_starting"}),
        (Failure.NOT_ALIVE, {"nobody_there", "may_be_starting"}),
        (Failure.TIMEOUT, {"may_be_starting"}),
        (Failure.WRONG_COOKIE, {"stale_credentials", "noted"}),
        (Failure.TLS_FAILED, {"stale_credentials", "noted"}),
        (Failure.PLAINTEXT, {"noted"}),
        (Failure.WRONG_NAME, {"noted"}),
        (Failure.PROTOCOL, {"noted"}),
        (Failure.RPC_REFUSED, set()),
    ],
)
def test_what_a_failure_means(failure, means):
    properties = ("nobody_there", "may_be_starting", "stale_credentials", "noted")
    assert {item for item in properties if getattr(failure, item)} == means


def test_a_port_that_nobody_listens_on_has_nobody_there():
    refused = MeshError.unconnected(OSError(errno.ECONNREFUSED, ""), "10.0.0.7 port 6789", Step.CONNECT).failed
    assert refused.failure is Failure.NOT_DISTRIBUTED
    assert refused.failure.nobody_there
