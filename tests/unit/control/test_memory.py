"""Memory that a burst has left behind."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from elixircluster.control import memory
from tests.faults.process import memory_mb


async def test_what_was_freed_between_what_stays_is_given_back(monkeypatch):
    """2,000 resources cost twice as much after they were made as after a restart."""
    monkeypatch.setattr(memory, "PAUSE_SECONDS", 0.01)
    burst = [bytearray(20_000) for _ in range(5_000)]
    kept = burst[::100]
    burst.clear()
    before, _ = memory_mb("self")
    with suppress(TimeoutError):
        await asyncio.wait_for(memory.given_back(), 0.2)
    assert memory_mb("self")[0] < before - 50
    assert kept
