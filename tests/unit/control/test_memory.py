"""Memory that a burst has left behind."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from elixircluster.control import memory

PAGE_KB = 4


def resident() -> int:
    """In KB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KB


async def test_what_was_freed_between_what_stays_is_given_back(monkeypatch):
    """2,000 resources cost twice as much after they were made as after a restart."""
    monkeypatch.setattr(memory, "PAUSE_SECONDS", 0.01)
    burst = [bytearray(20_000) for _ in range(5_000)]
    kept = burst[::100]
    burst.clear()
    before = resident()
    with suppress(TimeoutError):
        await asyncio.wait_for(memory.given_back(), 0.2)
    assert resident() < before - 50_000
    assert kept
