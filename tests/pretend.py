"""Servers that speak a node's side of the distribution protocol, as well behaved or as hostile as a test wants."""

from __future__ import annotations

import asyncio
import hashlib
import random
import struct
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import NamedTuple

from elixircluster.mesh import messages
from elixircluster.mesh.external import decode_first, encode
from elixircluster.mesh.handshake import FLAGS
from elixircluster.mesh.member import Member
from elixircluster.mesh.terms import Atom, Port, Ref, Term

COOKIE = "a-cookie-for-tests"
CHALLENGE = 0x01020304
DIRTY = "chat\x1b[2J\x9b31m\r\nFrom: root\u202e\u2028\x00@10.0.0.7"
"""What moves a terminal's cursor, ends lines and turns the direction of writing."""
NOT_HEARD = (Atom("error"), (Atom("erpc"), Atom("timeout")))
NOT_REACHED = (Atom("error"), Atom("timeout"))


class Encoded(NamedTuple):
    """A term's bytes, without the version byte."""

    data: bytes


class Pretend(asyncio.Protocol):
    """A node with a name that sees others. One object per connection."""

    def __init__(
        self, name: str, sees: Sequence[str] = (), cookie: str = COOKIE, deaf_to: Collection[str] = ()
    ) -> None:
        self.name = name
        self.sees = list(map(Atom, sees))
        self.cookie = cookie
        self.deaf_to = deaf_to
        self.closed: Collection[int] = ()
        self.up_seconds = 0
        self.boot = ("started", "started")
        self.starting: Sequence[str] = ()
        self.buffer = bytearray()
        self.stage: Callable[[bytes], None] = self.on_name
        self.width = 2
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        while len(self.buffer) >= self.width:
            size = int.from_bytes(self.buffer[: self.width])
            if len(self.buffer) < self.width + size:
                return
            packet = bytes(self.buffer[self.width : self.width + size])
            del self.buffer[: self.width + size]
            self.stage(packet)

    def send(self, packet: bytes) -> None:
        longest = 256**self.width - 1
        self.transport.write(min(len(packet), longest).to_bytes(self.width) + packet)

    def on_name(self, _packet: bytes) -> None:
        self.send(b"sok")
        name = self.name.encode()
        self.send(struct.pack(">cQIIH", b"N", FLAGS | 1, CHALLENGE, 7, len(name)) + name)
        self.stage = self.on_reply

    def on_reply(self, packet: bytes) -> None:
        theirs = int.from_bytes(packet[1:5])
        if packet[5:] != hashlib.md5(f"{self.cookie}{CHALLENGE}".encode()).digest():
            self.transport.close()
            return
        self.send(b"a" + hashlib.md5(f"{self.cookie}{theirs}".encode()).digest())
        self.width = 4
        self.stage = self.on_message

    def on_message(self, packet: bytes) -> None:
        if not packet:
            return
        _, (caller, reference), request = payload(packet)
        value = self.answer(str(request[1]), str(request[2]), request[3])
        self.send(reply(caller, reference, value))

    @cached_property
    def names(self) -> Encoded:
        """Whom it sees, encoded once: a thousand of these nodes share a process."""
        return Encoded(encode(self.sees)[1:])

    def answer(self, module: str, function: str, arguments: list[Term]) -> Term | Encoded:  # noqa: C901, PLR0911 - a row each
        match module, function, arguments:
            case "erlang", "nodes", ["connected"]:
                return self.names
            case "erlang", "nodes", ["hidden"]:
                return []
            case "erpc", "multicall", [nodes, *_]:
                return [NOT_HEARD if node in self.deaf_to else (Atom("ok"), node) for node in nodes]
            case "gen_tcp", "connect", [_, port, *_]:
                return NOT_REACHED if port in self.closed else (Atom("ok"), Port(Atom(self.name), 1, 1))
            case "erlang", "system_info", ["otp_release"]:
                return list(b"25")
            case "init", "get_status", []:
                return tuple(map(Atom, self.boot))
            case "application", "info", []:
                starting = [(Atom(name), Atom("permanent"), Atom("normal"), Atom("pid")) for name in self.starting]
                return [(Atom("loading"), []), (Atom("starting"), starting)]
            case "Elixir.System", "version", []:
                return b"1.14.0"
            case "erlang", "system_info", ["start_time"]:
                return (1 - self.up_seconds) * 1_000_000
            case "erlang", _, _:
                return 1_000_000
        return (Atom("badrpc"), Atom("undef"))


def payload(packet: bytes) -> Term:
    """The message that a packet carries after its control term."""
    _, at = decode_first(packet, 1)
    return decode_first(packet, at)[0]


def reply(caller: Term, reference: Ref, value: Term | Encoded) -> bytes:
    """What a node's `rex` answers."""
    control = (messages.SEND, Atom(""), caller)
    rest = value.data if isinstance(value, Encoded) else encode(value)[1:]
    return bytes((messages.PASS_THROUGH,)) + encode(control) + encode((reference, 0))[:-2] + rest


class Hostile(Pretend):
    """Keeps to the protocol until it does not. What it does is one of `TRICKS`, by the random numbers given."""

    def __init__(self, name: str, numbers: random.Random) -> None:
        super().__init__(name)
        self.numbers = numbers
        self.trick = numbers.choice(TRICKS)
        self.moment = numbers.choice(["made", "name", "reply", *["message"] * 5])

    def connection_made(self, transport):
        super().connection_made(transport)
        self.act("made")

    def on_name(self, packet):
        if not self.act("name"):
            super().on_name(packet)

    def on_reply(self, packet):
        if not self.act("reply"):
            super().on_reply(packet)

    def on_message(self, packet):
        if not packet or self.act("message"):
            return
        try:
            super().on_message(packet)
        except (TypeError, ValueError):
            # Our answer to a MONITOR_P.
            return

    def act(self, moment: str) -> bool:
        if moment != self.moment:
            return False
        self.trick(self)
        return True

    def repeat(self, chunk: Callable[[], bytes], pause: float, times: int) -> None:
        if self.transport.is_closing() or not times:
            return
        self.transport.write(chunk())
        asyncio.get_running_loop().call_later(pause, self.repeat, chunk, pause, times - 1)


def garbage(node: Hostile) -> None:
    node.transport.write(node.numbers.randbytes(node.numbers.randrange(1, 5000)))


def huge_length(node: Hostile) -> None:
    node.transport.write(b"\xff" * node.width + node.numbers.randbytes(100))


def almost_too_long(node: Hostile) -> None:
    node.transport.write((500_000).to_bytes(4) + bytes(400_000))


def silence(_node: Hostile) -> None:
    return


def hang_up(node: Hostile) -> None:
    node.transport.abort()


def ticks(node: Hostile) -> None:
    node.repeat(lambda: bytes(4 * 4096), 0.001, 2000)


def drip(node: Hostile) -> None:
    data = iter(b"\x00\x03sok\x00\x13N" + bytes(1000))
    node.repeat(lambda: bytes((next(data, 0),)), 0.05, 500)


def deep_term(node: Hostile) -> None:
    depth = node.numbers.choice([70, 10_000, 100_000])
    kinds = [b"\x83" + b"h\x01" * depth + b"j", b"\x83" + b"l\x00\x00\x00\x01" * depth + b"j" * (depth + 1)]
    node.send(b"p" + node.numbers.choice(kinds))


def many_terms(node: Hostile) -> None:
    count = node.numbers.choice([50, 15_000, 400_000])
    node.send(b"p\x83h\x01l" + count.to_bytes(4) + b"j" * (count + 1))


def false_counts(node: Hostile) -> None:
    tag = node.numbers.choice([b"l", b"i", b"t", b"m", b"o"])
    node.send(b"p\x83h\x01" + tag + node.numbers.choice([b"\xff" * 4, b"\x7f\xff\xff\xff"]) + bytes(50))


def mutated_answer(node: Hostile) -> None:
    made = bytearray(reply(Atom("x"), Ref(Atom("us"), 1, (1, 0, 1)), [Atom("a@b"), 1.5, b"text", (1, 2)]))
    for _ in range(node.numbers.randrange(1, 6)):
        made[node.numbers.randrange(len(made))] = node.numbers.randrange(256)
    node.send(bytes(made))


def monitors(node: Hostile) -> None:
    """Makes us answer and reads nothing of it."""
    if node.width == 4:
        node.transport.pause_reading()
    control = (messages.MONITOR_P, Atom("x" * 200), Atom("y" * 200), Ref(Atom("z@z"), 1, (1, 2, 3)))
    packet = b"p" + encode(control)
    one = len(packet).to_bytes(4) + packet
    node.repeat(lambda: one * 50, 0.001, 1000)


def wrong_values(node: Hostile) -> None:
    """Answers to whatever is asked next with something that it is not."""
    node.moment = "never"
    values: list[Term] = [
        1.0,
        [[]],
        [1],
        (),
        b"\xff",
        [Atom("a"), 1],
        (Atom("badrpc"), 1),
        (Atom("badrpc"), ((),)),
        2**500,
    ]
    value = node.numbers.choice(values)
    node.answer = lambda *_: value


def dirty_text(node: Hostile) -> None:
    """Answers to whatever is asked next with text that nobody should see, or with too much of it."""
    node.moment = "never"
    texts = [DIRTY.encode(), DIRTY.encode() * 500, Atom(DIRTY * 5), list(map(ord, DIRTY)), b"1" * 605]
    values: list[Term] = [*texts, [Atom(DIRTY)] * 3, (Atom("badrpc"), Atom(DIRTY))]
    value = node.numbers.choice(values)
    node.answer = lambda *_: value


def dirty_name(node: Hostile) -> None:
    """Says that it is somebody else, with or without the cookie."""
    node.name = node.numbers.choice([DIRTY, DIRTY * 9, "root@elsewhere", ""])
    node.cookie = node.numbers.choice([COOKIE, "another"])
    if node.width == 2:
        node.moment = "never"
        node.on_name(b"")


def clocks(node: Hostile) -> None:
    """Numbers that no clock shows."""
    node.moment = "never"
    honest = node.answer

    def answer(module: str, function: str, arguments: list[Term]) -> Term | Encoded:
        said = honest(module, function, arguments)
        return node.numbers.choice([2**2000, -(2**2000), 2**63 - 1, -(2**63), 0]) if isinstance(said, int) else said

    node.answer = answer


TRICKS = [
    garbage,
    huge_length,
    almost_too_long,
    silence,
    hang_up,
    ticks,
    drip,
    deep_term,
    many_terms,
    false_counts,
    mutated_answer,
    monitors,
    wrong_values,
    dirty_text,
    dirty_name,
    clocks,
]


async def serve(make: Callable[[], asyncio.Protocol], name: str) -> tuple[asyncio.Server, Member]:
    """A server on a free port of 127.0.0.1, and the member that it pretends to be."""
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    return server, Member(f"pod-{name}", name, "127.0.0.1", port)


def mutate(data: bytes, numbers: random.Random) -> bytes:
    """A valid term with a few bytes changed, removed or added."""
    made = bytearray(data)
    for _ in range(numbers.randrange(1, 8)):
        at = numbers.randrange(len(made) + 1)
        match numbers.randrange(3):
            case 0:
                made[at : at + 1] = numbers.randbytes(1)
            case 1:
                del made[at : at + numbers.randrange(1, 4)]
            case _:
                made[at:at] = numbers.randbytes(numbers.randrange(1, 5))
    return bytes(made)
