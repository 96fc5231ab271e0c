from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from tests.pretend import COOKIE

from .world import World, looking


@pytest.fixture
async def world():
    """The meshes are looked at."""
    async with AsyncExitStack() as stack:
        made = World(stack)
        made.apply()
        made.secret("chat-cookie", cookie=COOKIE)
        stack.push_async_callback(made.stop)
        await stack.enter_async_context(looking(made.meshes))
        yield made
