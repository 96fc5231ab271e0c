"""The way to the fake API server and back."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from elixircluster.kube.kinds import SECRETS
from tests.fake import clock
from tests.fake.api import Api
from tests.fake.server import Ref, Server

SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "chat-cookie"}, "data": {}}
WAY_SECONDS = 2.0


@pytest.mark.parametrize("after", [WAY_SECONDS / 2, WAY_SECONDS * 3 / 2], ids=["request", "answer"])
def test_what_is_on_its_way_while_etcd_is_restored_comes_to_no_end(after):
    """An answer from before, a list of the time after: a client that believed the first was told a lie by nobody."""

    async def story():
        server = Server(lambda: "2026-01-01T00:00:00Z")
        backup = server.snapshot()
        api = Api(server, latency=lambda: WAY_SECONDS)
        asyncio.get_running_loop().call_later(after, server.restore, backup)
        with pytest.raises(aiohttp.ClientConnectionError):
            await api.create(SECRETS, SECRET)
        assert server.get(Ref("Secret", "chat-cookie")) is None

    clock.run(story())
