"""What the operator sees of the world where it has not every right."""

from __future__ import annotations

import pytest

from elixircluster.kube.api import ApiError
from elixircluster.kube.kinds import OWNED
from elixircluster.observed.store import Store
from tests.unit.factory import refresh


class Guarded:
    """An API server with nothing in it that refuses to list some kinds."""

    def __init__(self, code, *kinds):
        self.code = code
        self.kinds = kinds

    async def pages(self, kind, namespace, selector):
        if kind.kind in self.kinds:
            raise ApiError(self.code, {"reason": "Forbidden"})
        yield {"metadata": {"resourceVersion": "1"}, "items": []}


@pytest.mark.parametrize("code", [403, 404])
async def test_the_world_is_seen_without_the_kinds_that_need_a_right_of_their_own(code):
    """Without rights on Roles, which most clusters have no use for, the operator ended at its start."""
    optional = [name for name, row in OWNED.items() if row.right]
    assert optional == ["Role", "RoleBinding", "Certificate"]
    assert await refresh(Store(), Guarded(code, *optional)) == set()


async def test_a_right_that_every_operator_needs_is_missed():
    with pytest.raises(ApiError):
        await refresh(Store(), Guarded(403, "Service"))
