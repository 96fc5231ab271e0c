"""The distribution handshake, version 6, as the connecting side: messages as bytes, and what they mean.

    us → node  N  flags, creation, our name
    node → us  s  ok, or why not
    node → us  N  flags, challenge, creation, its name
    us → node  r  our challenge, digest(cookie, its challenge)
    node → us  a  digest(cookie, our challenge)

We are a hidden node: without PUBLISHED nobody counts us as a member, and `global` never hears of us. We offer what
OTP 25 and 26 demand, and nothing that makes messages harder to read: no atom cache, no fragments. OTP 25 to 29 use
the same handshake. https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import NamedTuple

from elixircluster.mesh.failure import Failure, MeshError, Step
from elixircluster.untrusted import clean

LONGEST_MESSAGE = 1024
LONGEST_NAME = 512

# The flags that OTP 25 demands, by their bit in erts/emulator/beam/dist.h.
EXTENDED_REFERENCES = 1 << 2
DIST_MONITOR = 1 << 3
FUN_TAGS = 1 << 4
DIST_MONITOR_NAME = 1 << 5
NEW_FUN_TAGS = 1 << 7
EXTENDED_PIDS_PORTS = 1 << 8
EXPORT_PTR_TAG = 1 << 9
BIT_BINARIES = 1 << 10
NEW_FLOATS = 1 << 11
UTF8_ATOMS = 1 << 16
MAP_TAG = 1 << 17
BIG_CREATION = 1 << 18
HANDSHAKE_23 = 1 << 24
UNLINK_ID = 1 << 25
MANDATORY_25_DIGEST = 1 << 26
V4_NC = 1 << 34

FLAGS = (
    EXTENDED_REFERENCES
    | FUN_TAGS
    | NEW_FUN_TAGS
    | EXTENDED_PIDS_PORTS
    | EXPORT_PTR_TAG
    | BIT_BINARIES
    | NEW_FLOATS
    | UTF8_ATOMS
    | MAP_TAG
    | BIG_CREATION
    | HANDSHAKE_23
    | MANDATORY_25_DIGEST
    # OTP 26 demands these two as well.
    | UNLINK_ID
    | V4_NC
    # Whoever monitors us hears at once that there is nobody, see messages.py.
    | DIST_MONITOR
    | DIST_MONITOR_NAME
)


class Challenge(NamedTuple):
    """What we must sign, and what whoever answers says of itself: of which run, `creation`, of which node it is."""

    challenge: int
    creation: int
    name: str


def name_message(name: str, creation: int) -> bytes:
    """Who we are. `creation` tells this run of us from earlier ones."""
    data = name.encode()
    return struct.pack(">cQIH", b"N", FLAGS, creation, len(data)) + data


def read_status(packet: bytes) -> bool:
    """Whether the node wants us to say that an older connection of ours is over. Raises `MeshError` if it says no."""
    status = packet[1:].decode("latin-1") if packet[:1] == b"s" else ""
    match status:
        case "ok" | "ok_simultaneous":
            return False
        case "alive":
            return True
        case "not_allowed":
            raise MeshError(Failure.REFUSED, "the node does not allow our name (net_kernel:allow/1)", Step.HANDSHAKE)
        case "nok":
            raise MeshError(Failure.REFUSED, "the node is busy with another connection of ours", Step.HANDSHAKE)
    raise stranger(packet)


def read_challenge(packet: bytes) -> Challenge:
    """The node's challenge. Raises `MeshError` where it is of before OTP 25."""
    if len(packet) < 19 or packet[:1] != b"N":
        raise stranger(packet)
    flags, challenge, creation, size = struct.unpack(">QIIH", packet[1:19])
    if len(packet) < 19 + size or size > LONGEST_NAME:
        raise stranger(packet)
    name = clean(packet[19 : 19 + size].decode(errors="replace"))
    if not flags & MANDATORY_25_DIGEST:
        raise MeshError(Failure.PROTOCOL, "its OTP is older than 25", Step.HANDSHAKE)
    return Challenge(challenge, creation, name)


def reply_message(cookie: str, theirs: int, ours: int) -> bytes:
    """That we know the cookie, and a challenge of our own."""
    return b"r" + struct.pack(">I", ours) + digest(cookie, theirs)


def read_acknowledgement(packet: bytes, cookie: str, ours: int) -> None:
    """That the node knows the cookie too. Raises `MeshError` if it does not."""
    if len(packet) != 17 or packet[:1] != b"a":
        raise stranger(packet)
    if not hmac.compare_digest(packet[1:], digest(cookie, ours)):
        raise wrong_cookie()


def digest(cookie: str, challenge: int) -> bytes:
    """What proves the cookie: the protocol's MD5, over the cookie and the challenge in decimal."""
    try:
        data = cookie.encode("latin-1")
    except UnicodeEncodeError:
        raise MeshError(Failure.WRONG_COOKIE, "our cookie has characters that none can have", Step.HANDSHAKE) from None
    return hashlib.md5(data + str(challenge).encode(), usedforsecurity=False).digest()


def wrong_name(said: str, expected: str, *, proven: bool) -> MeshError:
    """Another node than the expected one answers; `proven` where it has shown that it has the cookie."""
    told = f"it says that it is {said}, not {expected}"
    if proven:
        return MeshError(Failure.WRONG_NAME, told, Step.CALL)
    return MeshError(Failure.WRONG_NAME, f"{told}, and does not show that it has our cookie", Step.HANDSHAKE)


def wrong_cookie() -> MeshError:
    """The two sides' cookies differ. A node shows it by closing the connection on our reply."""
    return MeshError(Failure.WRONG_COOKIE, "the node has another cookie", Step.HANDSHAKE)


def stranger(packet: bytes) -> MeshError:
    """What answered is no node, or one that speaks TLS while we do not."""
    if packet[:2] == b"\x15\x03":
        return MeshError(Failure.TLS_FAILED, "the node speaks TLS (-proto_dist inet_tls), we do not", Step.HANDSHAKE)
    return MeshError(Failure.PROTOCOL, f"unexpected message in the handshake: {packet[:16]!r}", Step.HANDSHAKE)
