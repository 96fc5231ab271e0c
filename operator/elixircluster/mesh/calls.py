"""Every function that we ever call on a node. Arguments are values; nothing is evaluated there or here.

A user's drain function is the one entry that the resource names; who may write that resource already decides which
image and command the same pods run.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from sys import intern
from typing import Any, Generic, TypeVar

from elixircluster.mesh import boot, messages
from elixircluster.mesh.boot import Boot
from elixircluster.mesh.failure import Failure, MeshError
from elixircluster.mesh.terms import Atom, Term, TermError, text
from elixircluster.untrusted import bounded, clean

T = TypeVar("T")

LONGEST_VERSION = 64
LONGEST_NAME = 64
LONGEST_ARGUMENT = 1024
DEPARTURE_APPLICATION = "elixircluster"
"""Under whose name a node keeps it; there need be no such application."""


@dataclass(frozen=True)
class Call(Generic[T]):
    """A function, its arguments, and what its answer means. Arguments are never shown: one may be a cookie."""

    module: str
    function: str
    arguments: Sequence[Term] = field(repr=False)
    read: Callable[[Term], T | None] = field(repr=False)
    repeated: bool = False
    """Whether it is asked again and again, and mostly answered the same."""

    @cached_property
    def request(self) -> bytes:
        """What is sent. Raises `TermError` where an argument has no term."""
        return messages.request(self.module, self.function, self.arguments)

    def __str__(self) -> str:
        return f"{self.module}:{self.function}/{len(self.arguments)}"

    def result(self, value: Term) -> T:
        """What the node's answer means. Raises `MeshError`."""
        found = self.read(messages.result(value))
        if found is None:
            raise MeshError(Failure.PROTOCOL, f"an unexpected answer to {self}")
        return found


@cache
def nodes(kind: str, but: str = "") -> Call[frozenset[str]]:
    """The nodes that it is connected with, `but` one: `connected` for all, `hidden` for those that are no members."""
    return Call("erlang", "nodes", (Atom(kind),), lambda value: _names(value, but), repeated=True)


def otp_release() -> Call[str]:
    """As in "25"."""
    return Call("erlang", "system_info", (Atom("otp_release"),), _version)


def elixir_version() -> Call[str]:
    """As in "1.14.0". RPC_REFUSED (undef) on a node without Elixir."""
    return Call("Elixir.System", "version", (), _version)


def boot_status() -> Call[Boot]:
    """How far its boot is. `init` answers all the while."""
    return Call("init", "get_status", (), _boot, repeated=True)


def starting_applications() -> Call[tuple[str, ...]]:
    """The applications that are being started at this moment."""
    return Call("application", "info", (), _starting, repeated=True)


# Uptime takes three calls. statistics(wall_clock) would be one, but every call of it changes what the next caller is
# told, and that may be the application.
def start_time() -> Call[int]:
    """When the node started, on its own clock, in its native unit."""
    return Call("erlang", "system_info", (Atom("start_time"),), _integer)


def clock() -> Call[int]:
    """The node's own clock, in its native unit."""
    return Call("erlang", "monotonic_time", (), _integer)


def clock_unit() -> Call[int]:
    """How many native units are a second."""
    return Call("erlang", "convert_time_unit", (1, Atom("second"), Atom("native")), _integer)


def connect_node(node: str) -> Call[bool]:
    """Makes it connect with `node`. True if they are connected then."""
    return Call("net_kernel", "connect_node", (Atom(node),), _truth)


def hear(nodes: Sequence[str], seconds: float) -> Call[tuple[bool, ...]]:
    """Whether each of these nodes answers it in time, in their order.

    Only for nodes that it says it is connected with: another would be dialled. A link that is lost meanwhile counts as
    heard, since the next look will not find it.
    """
    called: list[Term] = [Atom(node) for node in nodes]
    return Call("erpc", "multicall", (called, Atom("erlang"), Atom("node"), [], _milliseconds(seconds)), _heard)


def reach(address: str, port: int, seconds: float) -> Call[bool]:
    """Whether it gets a TCP connection to a port. Nothing is said over it, and it ends with the process of the call.

    `address` is an IP address. A node's log keeps quiet about it, with TLS too.
    """
    packed = ipaddress.ip_address(address).packed
    words = tuple(packed) if len(packed) == 4 else tuple(int.from_bytes(packed[at : at + 2]) for at in range(0, 16, 2))
    return Call("gen_tcp", "connect", (words, port, [], _milliseconds(seconds)), _reached)


def set_cookie(node: str, cookie: str) -> Call[bool]:
    """Sets the cookie that it uses with `node`, or its own where that is itself.

    The cookie travels as it is: over plain TCP whoever sees the packets sees it.
    """
    return Call("erlang", "set_cookie", (Atom(node), Atom(cookie)), _truth)


def argument(flag: str) -> Call[tuple[tuple[str, ...], ...]]:
    """Each time that the flag was given to the virtual machine, with its values: `-proto_dist` twice is a fault."""
    return Call("init", "get_argument", (Atom(flag),), _argument)


def depart(how: str) -> Call[bool]:
    """Tells a node how it is to go: `restart`, it comes back, or `leave`, it does not.

    Its application reads that while it stops: `application:get_env(elixircluster, departure)`.
    """
    arguments = (Atom(DEPARTURE_APPLICATION), Atom("departure"), Atom(how))
    return Call("application", "set_env", arguments, lambda value: value == Atom("ok") or None)


def drain(module: str, function: str, arguments: Sequence[Any]) -> Call[bool]:
    """The application's own function that empties a node. Raises `TermError` for an argument that has no term.

    What it answers is the application's own business: True once it has answered anything.

    `Chat.Drain` is an Elixir module, `chat_drain` an Erlang one. Text becomes a binary, `null` Elixir's `nil`.
    """
    name = f"Elixir.{module}" if module[:1].isupper() and not module.startswith("Elixir.") else module
    return Call(name, function, tuple(to_term(item) for item in arguments), lambda _: True)


TABLE: Mapping[str, Callable[..., Call[Any]]] = {
    item.__name__: item
    for item in (
        nodes,
        otp_release,
        elixir_version,
        boot_status,
        starting_applications,
        start_time,
        clock,
        clock_unit,
        connect_node,
        hear,
        reach,
        set_cookie,
        argument,
        depart,
        drain,
    )
}


def to_term(value: Any) -> Term:
    """A JSON value as an Elixir programmer would expect it. Raises `TermError`."""
    match value:
        case None:
            return Atom("nil")
        case bool():
            return Atom(str(value).lower())
        case int() | float():
            return value
        case str():
            return value.encode()
        case list():
            return [to_term(item) for item in value]
    raise TermError(f"{type(value).__name__} cannot be an argument")


def _names(value: Term, but: str) -> frozenset[str] | None:
    # The same names come from every node of a mesh; interned, they are there once.
    if isinstance(value, list) and all(isinstance(item, Atom) for item in value):
        return frozenset(intern(clean(str(item))) for item in value if item != but)
    return None


def _boot(value: Term) -> Boot | None:
    match value:
        case tuple((Atom() as internal, Atom() as provided)):
            return boot.judge(str(internal), str(provided))
    return None


def _starting(value: Term) -> tuple[str, ...] | None:
    """Of `[{starting, [{chat, permanent, …}]}, …]`, whose other entries name every application there is."""
    if not isinstance(value, list):
        return None
    for entry in value:
        match entry:
            case tuple((Atom("starting"), [*items])):
                first = (item[0] if isinstance(item, tuple) and item else item for item in items)
                return tuple(clean(str(name), LONGEST_NAME) for name in first if isinstance(name, Atom))
    return None


def _heard(value: Term) -> tuple[bool, ...] | None:
    if isinstance(value, list):
        return tuple(item != (Atom("error"), (Atom("erpc"), Atom("timeout"))) for item in value)
    return None


def _reached(value: Term) -> bool | None:
    match value:
        case tuple((Atom("ok"), _)):
            return True
        case tuple((Atom("error"), Atom())):
            return False
    return None


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _integer(value: Term) -> int | None:
    return bounded(value) if isinstance(value, int) else None


def _version(value: Term) -> str | None:
    found = text(value)
    return None if found is None else clean(found, LONGEST_VERSION)


def _truth(value: Term) -> bool | None:
    match value:
        case Atom("true"):
            return True
        case Atom("false" | "ignored"):
            return False
    return None


def _argument(value: Term) -> tuple[tuple[str, ...], ...] | None:
    match value:
        case Atom("error"):
            return ()
        case tuple((Atom("ok"), [*times])):
            return tuple(tuple(map(_word, words)) for words in times if isinstance(words, list))
    return None


def _word(value: Term) -> str:
    return clean(text(value) or "", LONGEST_ARGUMENT)
