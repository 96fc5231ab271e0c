"""Packets over one connection: a length, then so many bytes. A length of zero is a tick.

What arrives is bounded in size, and in how much of it nobody asked for.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from elixircluster.mesh import tls
from elixircluster.mesh.failure import Failure, MeshError, Step
from elixircluster.mesh.handshake import LONGEST_MESSAGE, stranger

LONGEST_PACKET = 512 * 1024
"""Bytes. The names of 2,000 nodes fit in it twice."""
MOST_UNASKED = 2 * LONGEST_PACKET
"""Bytes that a node may send between two answers."""
MOST_UNASKED_PACKETS = 500
"""Packets that it may; ticks, one every 15 seconds, take two hours for that."""
MOST_UNSENT = 1024 * 1024
"""Bytes that may wait because the node does not read them."""
TICK_SECONDS = 15.0
"""A quarter of the default `net_ticktime`. Where it is shorter we still answer in time, as we answer each tick."""
SILENT_TICKS = 5
"""After so many ticks of ours without a byte from the node the connection is over, as between nodes."""

_TICK = bytes(4)


class Wire(asyncio.Protocol):
    """First `read` packet after packet, then `attach` a receiver. `lost` tells why it ended, once it did."""

    def __init__(self) -> None:
        self.lost: MeshError | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._reader: asyncio.Future[None] | None = None
        self._receive: Callable[[bytes], None] | None = None
        self._ended: Callable[[MeshError], None] | None = None
        self._width = 2
        self._unasked = self._unasked_packets = 0
        self._silence = 0
        self._written = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._buffer += data
        self._unasked += len(data)
        self._silence = 0
        if self._receive is not None:
            self._dispatch(self._receive)
        elif len(self._buffer) > 2 * LONGEST_MESSAGE:
            self.end(self._too_much())
        elif self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        if isinstance(exc, ssl.SSLError):
            self.end(tls.explain(exc))
        else:
            self.end(MeshError(Failure.NOT_ALIVE, "the node ended the connection"))

    def use_long_packets(self) -> None:
        """Lengths of four bytes: over TLS from the first packet on, else after the handshake."""
        self._width = 4

    async def read(self) -> bytes:
        """The next packet of the handshake. Raises `MeshError`."""
        while (packet := self._short_packet()) is None:
            if self.lost is not None:
                raise self.lost
            self._reader = self._loop.create_future()
            await self._reader
        return packet

    def write(self, packet: bytes) -> None:
        """Send a packet. Raises `MeshError` if the connection is over."""
        if self.lost is not None:
            raise self.lost
        self._send(len(packet).to_bytes(self._width) + packet)

    def attach(self, receive: Callable[[bytes], None], ended: Callable[[MeshError], None]) -> None:
        """From now on packets go to `receive`, ticks are exchanged, and `ended` is called once, at the end."""
        self.use_long_packets()
        self._receive, self._ended = receive, ended
        self._timer = self._loop.call_later(TICK_SECONDS, self._tick)
        if self.lost is not None:
            ended(self.lost)
        else:
            self._dispatch(receive)

    def answered(self) -> None:
        """What came was asked for."""
        self._unasked = self._unasked_packets = 0

    def end(self, why: MeshError) -> None:
        """Close the connection, unless it is over."""
        if self.lost is not None:
            return
        self.lost = why
        self._buffer.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            # Not close(), which would wait until a frozen node reads what is left.
            self._transport.abort()
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
        if self._ended is not None:
            self._ended(why)

    def peer_certificate(self) -> dict[str, object]:
        """The certificate that the node showed; empty without TLS."""
        return (self._transport.get_extra_info("peercert") if self._transport else None) or {}

    def _short_packet(self) -> bytes | None:
        size = int.from_bytes(self._buffer[: self._width])
        if len(self._buffer) < self._width or self.lost is not None:
            return None
        if size > LONGEST_MESSAGE:
            raise stranger(bytes(self._buffer))
        if len(self._buffer) < self._width + size:
            return None
        packet = bytes(self._buffer[self._width : self._width + size])
        del self._buffer[: self._width + size]
        return packet

    def _dispatch(self, receive: Callable[[bytes], None]) -> None:
        at, ticked, buffer = 0, False, self._buffer
        while len(buffer) - at >= 4 and self.lost is None:
            size = int.from_bytes(buffer[at : at + 4])
            if size > LONGEST_PACKET:
                return self.end(self._too_much())
            if len(buffer) - at - 4 < size:
                break
            if size:
                receive(bytes(buffer[at + 4 : at + 4 + size]))
            else:
                ticked = True
            at += 4 + size
            self._unasked_packets += 1
            if self._unasked_packets > MOST_UNASKED_PACKETS:
                return self.end(self._too_much())
        del buffer[:at]
        if self._unasked > MOST_UNASKED:
            return self.end(self._too_much())
        if ticked and self.lost is None:
            # A node takes a hidden one for dead that does not answer, see send_tick in dist_util.erl.
            self._send(_TICK)
        return None

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK_SECONDS, self._tick)
        self._silence += 1
        if self._silence > SILENT_TICKS:
            self.end(MeshError(Failure.TIMEOUT, f"silent for {self._silence * TICK_SECONDS:.0f} s"))
        elif not self._written:
            self._send(_TICK)
        self._written = False

    def _send(self, data: bytes) -> None:
        if self._transport is None or self.lost is not None:
            return
        if self._transport.get_write_buffer_size() > MOST_UNSENT:
            self.end(MeshError(Failure.TIMEOUT, "the node does not read what we send"))
            return
        self._written = True
        self._transport.write(data)

    def _too_much(self) -> MeshError:
        step = Step.HANDSHAKE if self._receive is None else Step.CALL
        return MeshError(Failure.PROTOCOL, "it sends more than was asked for", step)
