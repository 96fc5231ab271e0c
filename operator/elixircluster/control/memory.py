"""What a burst has left behind: the C library keeps what was freed, until it is asked to give it back.

https://man7.org/linux/man-pages/man3/malloc_trim.3.html
"""

from __future__ import annotations

import asyncio
import ctypes

PAUSE_SECONDS = 30.0


async def given_back() -> None:
    """Give it back, again and again, until cancelled. A C library that cannot, as musl, is let alone."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        if trim:
            trim(0)
