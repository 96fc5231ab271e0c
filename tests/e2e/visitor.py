"""Somebody who visits a shop all the time: requests one after the other, and WebSockets that are meant to stay open.

It runs in a pod, on the image that has Python and aiohttp anyway. Each second it writes all that it has seen so far, as
a line of JSON: `python visitor.py http://shop https://shop.example`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

AT_ONCE = 4
SOCKETS = 6
PAUSE_SECONDS = 0.02
PATIENCE = aiohttp.ClientTimeout(total=10)
# As a proxy says it that has taken the request by TLS.
BY_TLS = {"X-Forwarded-Proto": "https"}


@dataclass
class Seen:
    """What has happened so far."""

    asked: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    echoed: int = 0
    connected: list[int] = field(default_factory=lambda: [0] * SOCKETS)
    """How often each socket was opened."""
    closed: Counter[str] = field(default_factory=Counter)
    """How often sockets were closed, by the code that was told."""
    refused: Counter[str] = field(default_factory=Counter)
    versions: list[str] = field(default_factory=lambda: [""] * SOCKETS)
    """Whom each socket is connected to now."""


def told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


async def ask(session: aiohttp.ClientSession, seen: Seen, **headers: str) -> None:
    """Request after request."""
    while True:
        seen.asked += 1
        try:
            async with session.get("/up", headers=headers, allow_redirects=False) as answer:
                await answer.read()
                if answer.status != 200:
                    seen.lost[str(answer.status)] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            seen.lost[told(error)] += 1
        await asyncio.sleep(PAUSE_SECONDS)


async def stay(session: aiohttp.ClientSession, seen: Seen, number: int, origin: str) -> None:
    """A socket that comes back at once whenever it is closed, as a browser's first try does."""
    while True:
        try:
            async with session.ws_connect("/live/websocket", origin=origin) as socket:
                seen.connected[number] += 1
                await listen(socket, seen, number)
                seen.closed[str(socket.close_code)] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            seen.refused[told(error)] += 1
            await asyncio.sleep(PAUSE_SECONDS)


async def listen(socket: aiohttp.ClientWebSocketResponse, seen: Seen, number: int) -> None:
    """Send each push back, which then comes once more as an echo."""
    sent: list[str] = []
    async for message in socket:
        text: Any = message.data
        if text in sent:
            sent.remove(text)
            seen.echoed += 1
            continue
        seen.versions[number] = json.loads(text)["version"]
        sent.append(text + " ")
        await socket.send_str(sent[-1])


async def visit(shop: str, origin: str) -> None:
    seen = Seen()
    async with aiohttp.ClientSession(shop, headers=BY_TLS, timeout=PATIENCE) as session:
        work = [ask(session, seen, Connection=how) for how in ("close", "keep-alive") for _ in range(AT_ONCE)]
        work += [stay(session, seen, number, origin) for number in range(SOCKETS)]
        running = asyncio.gather(*work)
        while not running.done():
            print(json.dumps(vars(seen)), flush=True)
            await asyncio.wait([running], timeout=1)
        await running


if __name__ == "__main__":
    asyncio.run(visit(*sys.argv[1:]))
