"""What passes between connected nodes: signals, calls to `rex` and their answers, as bytes and back.

Without an atom cache a message is the byte 112, a control term, and for some signals a second term. A call is the one
that `rpc:call` makes, a `gen_server` call to `rex`: the kernel application of OTP 25 to 29 always runs it, it spawns a
process per call, so that a slow one holds up no other, and it does not depend on what code the release brings.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from elixircluster.mesh.external import decode_first, encode, split_pair
from elixircluster.mesh.failure import Failure, MeshError
from elixircluster.mesh.terms import Atom, Pid, Ref, Term, TermError
from elixircluster.untrusted import clean

PASS_THROUGH = 112
LONGEST_CLASS = 64

SEND = 2
REG_SEND = 6
MONITOR_P = 19
MONITOR_P_EXIT = 21
SEND_SENDER = 22

_NOBODY = Atom("")
_REX = Atom("rex")


class Reply(NamedTuple):
    """The answer to a call. `value` is a term's bytes, for `decode_bare`."""

    reference: Ref
    value: bytes


class Monitor(NamedTuple):
    """`watcher` wants to hear when `watched`, a process of ours, ends."""

    watcher: Term
    watched: Term
    reference: Term


def request(module: str, function: str, arguments: Sequence[Term]) -> bytes:
    """What `rex` is to apply, for `call`. Output goes to the node's own `user`. Raises `TermError`."""
    return encode((Atom("call"), Atom(module), Atom(function), list(arguments), Atom("user")))[1:]


def call(caller: Pid, reference: Ref, asked: bytes) -> bytes:
    """Asks `rex` for a `request`, which many calls may share."""
    return _to_rex(caller) + encode(reference)[1:] + asked


@lru_cache(16)
def _to_rex(caller: Pid) -> bytes:
    # {'$gen_call', {Pid, Ref}, Request} up to the reference: the same in every call of a process.
    message = encode((Atom("$gen_call"), (caller, 0), 0))[:-4]
    return bytes((PASS_THROUGH,)) + encode((REG_SEND, caller, _NOBODY, _REX)) + message


def nobody(monitor: Monitor) -> bytes:
    """The answer to whoever monitors us: no process of ours lives.

    Without it every `gen_server` call to us would wait for its timeout, and `net_adm:ping/1` for ever.
    """
    signal = (MONITOR_P_EXIT, monitor.watched, monitor.watcher, monitor.reference, Atom("noproc"))
    return bytes((PASS_THROUGH,)) + encode(signal)


def read(packet: bytes) -> Reply | Monitor | None:
    """The message in a packet; None for what does not concern us. Raises `TermError`."""
    if packet[0] != PASS_THROUGH:
        raise TermError(f"a message of kind {packet[0]}, which was not agreed upon")
    control, at = decode_first(packet, 1)
    match control:
        case tuple((int(kind), *_)) if kind in {SEND, SEND_SENDER}:
            reference, value = split_pair(packet, at)
            return Reply(reference, value) if isinstance(reference, Ref) else None
        case tuple((int(kind), watcher, watched, reference)) if kind == MONITOR_P:
            return Monitor(watcher, watched, reference)
        case tuple((int(), *_)):
            return None
    raise TermError("a signal that is none")


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
            return clean(name, LONGEST_CLASS)
    return "an error"
