"""An event loop whose time passes only while everybody waits: hours in milliseconds, and no test that a busy machine
makes fail. For code without sockets."""

from __future__ import annotations

import asyncio
import selectors


class Selector(selectors.SelectSelector):
    """Instead of waiting it moves the clock."""

    now = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class Loop(asyncio.SelectorEventLoop):
    """For `EVENT_LOOP` of a module of tests."""

    def __init__(self):
        self._clock = Selector()
        super().__init__(self._clock)

    def time(self):
        return self._clock.now
