"""Which clock a module of tests has."""

from __future__ import annotations

import asyncio


def pytest_asyncio_loop_factories(config, item):
    """A module that sets `EVENT_LOOP` has that one."""
    return {"loop": getattr(item.module, "EVENT_LOOP", asyncio.new_event_loop)}
