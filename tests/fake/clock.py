"""Virtual time: an event loop that jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
RESOLUTION = 1e-6
LONGEST_MOMENT = 100_000
"""Turns of the loop without time passing, after which it never will."""


class Stuck(Exception):  # noqa: N818 - a fact about a history, not a program error
    """Somebody waits, and nothing is left that could happen."""


class Jumps:
    """In the place of a selector: there is no input, so that waiting is moving the clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turns = 0

    def select(self, timeout: float | None) -> list[Any]:
        self.turns = 0 if timeout else self.turns + 1
        if timeout is None or self.turns > LONGEST_MOMENT:
            raise Stuck
        self.now += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """Deterministic: callbacks run in the order of their times, those of one time in the order of their calls."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = Jumps()
        self._clock_resolution = RESOLUTION

    def time(self) -> float:
        return self._selector.now

    def _process_events(self, _events: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody waits in a selector."""


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it in a time of its own, which begins at zero."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)


def timestamp(seconds: float) -> str:
    """A moment of virtual time in RFC 3339, as exact as the API server is."""
    return (BEGIN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
