"""A connection to one node, as a hidden node of our own: how it is made, and calls over it."""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from elixircluster.mesh import epmd, handshake, messages, tls
from elixircluster.mesh.calls import Call
from elixircluster.mesh.external import decode_bare
from elixircluster.mesh.failure import Failure, MeshError, Step
from elixircluster.mesh.member import Member
from elixircluster.mesh.tcp import connect
from elixircluster.mesh.terms import Atom, Pid, Ref, TermError
from elixircluster.mesh.tls import Tls
from elixircluster.mesh.wire import Wire

T = TypeVar("T")

MOST_CALLS = 1024
"""Calls that may wait for an answer on one connection."""
PLAIN_SECONDS = 2.0
"""How long a node may take to show that it speaks plaintext; it has just had seven for TLS."""


@dataclass(frozen=True)
class Identity:
    """Who we are to nodes.

    `name` must be the same for the life of the process: every name becomes an atom in every node, and stays there.
    Two processes that dial the same nodes need two names.
    """

    name: str
    creation: int = field(default_factory=lambda: secrets.randbelow(2**32 - 4) + 4)


@dataclass(frozen=True)
class Target:
    """Where a node is. Without a port epmd is asked. `address` is an IP address: no name is looked up here.

    `life` is the member's: another pod at the same place is another target.
    """

    node: str
    address: str
    port: int | None = None
    life: str = ""

    @classmethod
    def of(cls, member: Member) -> Target:
        """Where the member's node is."""
        return cls(member.node, member.address, member.port, member.life)

    @property
    def host(self) -> str:
        """The host part of the node's name."""
        return self.node.partition("@")[2]


class HungUpError(MeshError):
    """The node ended the TLS handshake without a word, as one does that waits for another protocol."""


class Progress:
    """What is being done, for whoever stops waiting for it."""

    def __init__(self) -> None:
        self.step = Step.CONNECT

    def late(self, seconds: float) -> MeshError:
        """The error of giving up after so many seconds."""
        return MeshError(Failure.TIMEOUT, f"no answer within {seconds:g} s {self.step}", self.step)


class Connection:
    """An open connection. Many calls may be under way at once.

    `creation` tells this run of the node from its earlier ones; `port` is where it listens.
    """

    def __init__(self, wire: Wire, identity: Identity, creation: int, port: int) -> None:
        self.creation = creation
        self.port = port
        self._wire = wire
        self._node = Atom(identity.name)
        self._creation = identity.creation
        self._caller = Pid(self._node, 1, 0, identity.creation)
        self._salt = secrets.randbits(32)
        self._count = 0
        self._waiting: dict[tuple[int, ...], asyncio.Future[bytes]] = {}
        self._last: dict[Call[Any], tuple[bytes, object]] = {}
        self.on_lost: Callable[[], None] | None = None
        """Called once, when the connection is over."""
        wire.attach(self._receive, self._ended)

    @property
    def lost(self) -> MeshError | None:
        """Why the connection is over; None while it is open."""
        return self._wire.lost

    async def call(self, call: Call[T], seconds: float) -> T:
        """The value of the function at the node. Raises `MeshError`; after a timeout the connection stays usable."""
        if len(self._waiting) >= MOST_CALLS:
            raise MeshError(Failure.TIMEOUT, f"{MOST_CALLS} calls wait for an answer")
        reference = self._reference()
        future = asyncio.get_running_loop().create_future()
        self._waiting[reference.words] = future
        try:
            self._wire.write(messages.call(self._caller, reference, call.request))
            async with asyncio.timeout(seconds):
                value = await future
        except TimeoutError:
            raise MeshError(Failure.TIMEOUT, f"no answer within {seconds:g} s to {call}") from None
        finally:
            del self._waiting[reference.words]
        return self._understand(call, value)

    def _understand(self, call: Call[T], value: bytes) -> T:
        if not call.repeated:
            return _read(call, value)
        # A node mostly says what it said before, and the names of a thousand nodes take a while to read.
        before, found = self._last.get(call, (b"", None))
        if before != value:
            found = _read(call, value)
            self._last[call] = (value, found)
        return cast(T, found)

    def close(self) -> None:
        """End the connection; calls under way fail."""
        self._wire.end(MeshError(Failure.NOT_ALIVE, "we closed the connection"))

    def _reference(self) -> Ref:
        self._count += 1
        # The first word has 18 bits in old releases.
        words = (self._count & 0x3FFFF, self._count >> 18, self._salt)
        return Ref(self._node, self._creation, words)

    def _receive(self, packet: bytes) -> None:
        try:
            message = messages.read(packet)
        except TermError as error:
            self._wire.end(MeshError(Failure.PROTOCOL, f"a message that we cannot read: {error}"))
            return
        match message:
            case messages.Reply(reference, value):
                self._deliver(reference, value)
            case messages.Monitor():
                self._wire.write(messages.nobody(message))

    def _deliver(self, reference: Ref, value: bytes) -> None:
        future = self._waiting.get(reference.words)
        if future is not None and not future.done():
            self._wire.answered()
            future.set_result(value)

    def _ended(self, why: MeshError) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(why)
        if self.on_lost is not None:
            self.on_lost()


def _read(call: Call[T], value: bytes) -> T:
    try:
        return call.result(decode_bare(value))
    except TermError as error:
        raise MeshError(Failure.PROTOCOL, f"an answer to {call} that we cannot read: {error}") from None


async def dial(
    target: Target,
    cookie: str,
    identity: Identity,
    *,
    seconds: float,
    tls: Tls | None = None,
    progress: Progress | None = None,
) -> Connection:
    """Connect to the node. Raises `MeshError`, at the latest after `seconds`."""
    progress = progress or Progress()
    try:
        async with asyncio.timeout(seconds):
            return await _dial(target, cookie, identity, tls, progress)
    except TimeoutError:
        raise progress.late(seconds) from None


async def _dial(target: Target, cookie: str, identity: Identity, tls: Tls | None, progress: Progress) -> Connection:
    try:
        return await _attempt(target, cookie, identity, tls, progress)
    except MeshError as error:
        if error.failed.failure is not Failure.WRONG_COOKIE:
            raise
    # It hung up on our reply. So does a node that dies at that moment, or whose time for a handshake is over: only who
    # does it again has another cookie.
    return await _attempt(target, cookie, identity, tls, progress)


async def _attempt(target: Target, cookie: str, identity: Identity, tls: Tls | None, progress: Progress) -> Connection:
    port = target.port
    if port is None:
        progress.step = Step.LOOKUP
        port = await epmd.port_of(target.node.partition("@")[0], target.address)
    progress.step = Step.CONNECT
    stream = await connect(target.address, port)
    try:
        progress.step = Step.TLS if tls else Step.HANDSHAKE
        wire = await _wire(stream, target, tls)
    except HungUpError as error:
        stream.close()
        raise await _why_it_hung_up(error, target, port, identity) from None
    except BaseException:
        stream.close()
        raise
    try:
        progress.step = Step.HANDSHAKE
        creation = await _introduce(wire, target.node, cookie, identity)
        return Connection(wire, identity, creation, port)
    except BaseException:
        wire.end(MeshError(Failure.NOT_ALIVE, "we gave up", Step.HANDSHAKE))
        raise


async def _why_it_hung_up(error: MeshError, target: Target, port: int, identity: Identity) -> MeshError:
    """Whether it takes a handshake in plaintext. No proof of the cookie is sent that way: nothing but our name."""
    try:
        async with asyncio.timeout(PLAIN_SECONDS):
            wire = await _wire(await connect(target.address, port), target, None)
            try:
                wire.write(handshake.name_message(identity.name, identity.creation))
                handshake.read_status(await wire.read())
                handshake.read_challenge(await wire.read())
            finally:
                wire.end(error)
    except (MeshError, TimeoutError):
        return error
    return MeshError(Failure.PLAINTEXT, "the node takes connections in plaintext, and is to speak TLS", Step.TLS)


async def _wire(stream: socket.socket, target: Target, secure: Tls | None) -> Wire:
    loop = asyncio.get_running_loop()
    if secure is None:
        _, wire = await loop.create_connection(Wire, sock=stream)
        return wire
    try:
        _, wire = await loop.create_connection(
            Wire, sock=stream, ssl=secure.context, server_hostname=target.host or target.address
        )
    except ssl.SSLError as error:
        raise tls.explain(error) from None
    except OSError:
        raise HungUpError(Failure.TLS_FAILED, "the node ended the TLS handshake", Step.TLS) from None
    wire.use_long_packets()
    if secure.check_names:
        try:
            tls.check_name(wire.peer_certificate(), target.host)
        except MeshError as error:
            wire.end(error)
            raise
    return wire


async def _introduce(wire: Wire, node: str, cookie: str, identity: Identity) -> int:
    """Let each side prove the cookie to the other. Returns which run of the node it is."""
    wire.write(handshake.name_message(identity.name, identity.creation))
    if handshake.read_status(await _next(wire)):
        # The node has not noticed yet that an earlier connection of ours is gone.
        wire.write(b"strue")
    theirs = handshake.read_challenge(await _next(wire))
    try:
        await _prove(wire, cookie, theirs.challenge)
    except MeshError as error:
        raise error if theirs.name == node else handshake.wrong_name(theirs.name, node, proven=False) from None
    if theirs.name != node:
        # Only now is it a node's word, and not that of anybody who answers there.
        raise handshake.wrong_name(theirs.name, node, proven=True)
    return theirs.creation


async def _prove(wire: Wire, cookie: str, theirs: int) -> None:
    ours = secrets.randbits(32)
    wire.write(handshake.reply_message(cookie, theirs, ours))
    try:
        packet = await _next(wire)
    except MeshError as error:
        raise handshake.wrong_cookie() if error.failed.failure is Failure.NOT_ALIVE else error from None
    handshake.read_acknowledgement(packet, cookie, ours)


async def _next(wire: Wire) -> bytes:
    try:
        return await wire.read()
    except MeshError as error:
        failed = error.failed
        raise MeshError(failed.failure, failed.message, Step.HANDSHAKE) from None
