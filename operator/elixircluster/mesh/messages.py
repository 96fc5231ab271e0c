"""What passes between connected nodes: signals, calls to `rex` and their answers, as bytes and back.

Without an atom cache a message is the byte 112, a control term, and for some signals a second term. A call is the one
that `rpc:call` makes, a `gen_server` call to `rex`: the kernel application of OTP 25 to 28 always runs it, it spawns a
process per call, so that a slow one holds up no other, and it does not depend on what code the release brings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from elixircluster.mesh.failure import Failure, MeshError
from elixircluster.mesh.terms import Atom, Pid, Ref, Term, TermError, decode_first, encode

PASS_THROUGH = 112

SEND = 2
REG_SEND = 6
MONITOR_P = 19
MONITOR_P_EXIT = 21
SEND_SENDER = 22

_NOBODY = Atom("")
_REX = Atom("rex")


class Message(NamedTuple):
    """A signal and, where it carries one, the message."""

    control: tuple[Term, ...]
    payload: Term | None


def call(caller: Pid, reference: Ref, module: str, function: str, arguments: Sequence[Term]) -> bytes:
    """Asks `rex` to apply the function. Output of the call goes to the node's own `user`."""
    request = (Atom("call"), Atom(module), Atom(function), list(arguments), Atom("user"))
    message = (Atom("$gen_call"), (caller, reference), request)
    return _message((REG_SEND, caller, _NOBODY, _REX), message)


def nobody(monitor: tuple[Term, ...]) -> bytes:
    """The answer to a MONITOR_P signal: no process of ours lives.

    Without it every `gen_server` call to us would wait for its timeout, and `net_adm:ping/1` for ever.
    """
    _, watcher, watched, reference = monitor
    return _message((MONITOR_P_EXIT, watched, watcher, reference, Atom("noproc")))


def read(packet: bytes) -> Message:
    """The message in a packet. Raises `TermError`."""
    if packet[0] != PASS_THROUGH:
        raise TermError(f"a message of kind {packet[0]}, which was not agreed upon")
    control, at = decode_first(packet, 1)
    if not isinstance(control, tuple) or not control:
        raise TermError("a signal that is no tuple")
    payload, at = decode_first(packet, at) if at < len(packet) else (None, at)
    if at != len(packet):
        raise TermError("more than one message in a packet")
    return Message(control, payload)


def answer(message: Message) -> tuple[Ref, Term] | None:
    """The reference and the value, if this is an answer to a call."""
    match message:
        case Message((int(kind), *_), tuple((Ref() as reference, value))) if kind in {SEND, SEND_SENDER}:
            return reference, value
    return None


def result(value: Term) -> Term:
    """The value of a call. Raises `MeshError` for `{badrpc, Reason}`.

    Of the reason only its class is told: a stack trace repeats the arguments, and one of those can be a cookie.
    """
    match value:
        case tuple((Atom("badrpc"), reason)):
            raise MeshError(Failure.RPC_REFUSED, f"the call ended with {_class(reason)}")
    return value


def _class(reason: Term) -> str:
    match reason:
        case tuple((Atom("EXIT"), inner)):
            return _class(inner)
        case tuple((Atom() as name, *_)) | (Atom() as name):
            return name[:64]
    return "an error"


def _message(control: tuple[Term, ...], *payload: Term) -> bytes:
    return bytes((PASS_THROUGH,)) + encode(control) + b"".join(encode(item) for item in payload)
