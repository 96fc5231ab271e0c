"""The external term format, in which nodes send terms.

What arrives is untrusted: counts are compared with the bytes that are left before anything is made, nesting and the
number of terms have limits, and nothing becomes more than a value. Compressed terms, which nodes do not send to each
other, are refused. https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

from elixircluster.mesh.terms import Atom, Bits, Function, Improper, Map, Pid, Port, Ref, Term, TermError

VERSION = 131
DEEPEST = 64
MOST_TERMS = 20_000
"""In one message: the names of as many nodes, or 20 ms of our time."""
MOST_HEAD_TERMS = 100
"""In what stands before a message's value."""
LONGEST_ATOM = 255
LONGEST_INTEGER_BYTES = 255

_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_I32 = struct.Struct(">i")
_U64 = struct.Struct(">Q")
_F64 = struct.Struct(">d")


def encode(term: Term | bool) -> bytes:
    """With the version byte, as `erlang:term_to_binary/1` would. Raises `TermError`."""
    out = bytearray((VERSION,))
    _put(term, out, DEEPEST)
    return bytes(out)


def decode(data: bytes) -> Term:
    """One term that begins with the version byte and ends where the bytes do. Raises `TermError`."""
    term, rest = decode_first(data, most=MOST_TERMS)
    if rest != len(data):
        raise TermError(f"{len(data) - rest} bytes follow the term")
    return term


def decode_first(data: bytes, start: int = 0, *, most: int = MOST_HEAD_TERMS) -> tuple[Term, int]:
    """The term that begins at `start` with the version byte, and where it ends. Raises `TermError`."""
    if start >= len(data) or data[start] != VERSION:
        raise TermError("no term begins here")
    reader = _Reader(data, start + 1, most)
    return reader.term(DEEPEST), reader.at


def split_pair(data: bytes, start: int) -> tuple[Term, bytes]:
    """The first element of the tuple of two that begins at `start`, and the bytes of the second, for `decode_bare`.

    Raises `TermError`. What is in the second is looked at only when somebody wants it.
    """
    if data[start : start + 3] != bytes((VERSION, ord("h"), 2)):
        raise TermError("no tuple of two begins here")
    reader = _Reader(data, start + 3, MOST_HEAD_TERMS)
    return reader.term(DEEPEST), data[reader.at :]


def decode_bare(data: bytes) -> Term:
    """The term that these bytes are, without the version byte. Raises `TermError`."""
    return decode(bytes((VERSION,)) + data)


def _put(term: Term | bool, out: bytearray, depth: int) -> None:  # noqa: C901, PLR0912 - a row per type
    if depth == 0:
        raise TermError(f"nested deeper than {DEEPEST}")
    match term:
        case bool():
            _put_atom("true" if term else "false", out)
        case Atom():
            _put_atom(term, out)
        case int():
            _put_integer(term, out)
        case float():
            if not math.isfinite(term):
                raise TermError("an infinite or undefined number has no term")
            out += b"F" + _F64.pack(term)
        case bytes():
            out += b"m" + _U32.pack(len(term)) + term
        case Pid():
            out += b"X"
            _put_atom(term.node, out)
            out += struct.pack(">III", term.id, term.serial, term.creation)
        case Port():
            out += b"x"
            _put_atom(term.node, out)
            out += struct.pack(">QI", term.id, term.creation)
        case Ref():
            out += b"Z" + _U16.pack(len(term.words))
            _put_atom(term.node, out)
            out += struct.pack(f">{1 + len(term.words)}I", term.creation, *term.words)
        case tuple():
            out += bytes((0x68, len(term))) if len(term) < 256 else b"i" + _U32.pack(len(term))
            for item in term:
                _put(item, out, depth - 1)
        case list():
            _put_list(term, None, out, depth)
        case Improper(items, tail):
            _put_list(items, tail, out, depth)
        case Map(pairs):
            out += b"t" + _U32.pack(len(pairs))
            for pair in pairs:
                _put(pair[0], out, depth - 1)
                _put(pair[1], out, depth - 1)
        case Bits(data, used):
            out += b"M" + _U32.pack(len(data)) + bytes((used,)) + data
        case Function(data):
            out += data
        case _:
            raise TermError(f"{type(term).__name__} has no term")


def _put_atom(name: str, out: bytearray) -> None:
    if len(name) > LONGEST_ATOM:
        raise TermError(f"an atom of more than {LONGEST_ATOM} characters")
    try:
        data = name.encode()
    except UnicodeEncodeError:
        raise TermError("an atom that is no text") from None
    out += bytes((0x77, len(data))) if len(data) < 256 else b"v" + _U16.pack(len(data))
    out += data


def _put_integer(value: int, out: bytearray) -> None:
    if 0 <= value < 256:
        out += bytes((0x61, value))
    elif -(2**31) <= value < 2**31:
        out += b"b" + _I32.pack(value)
    else:
        size = (abs(value).bit_length() + 7) // 8
        if size > LONGEST_INTEGER_BYTES:
            raise TermError(f"an integer of more than {LONGEST_INTEGER_BYTES} bytes")
        out += bytes((0x6E, size, value < 0)) + abs(value).to_bytes(size, "little")


def _put_list(items: list[Term] | tuple[Term, ...], tail: Term | None, out: bytearray, depth: int) -> None:
    if items:
        out += b"l" + _U32.pack(len(items))
        for item in items:
            _put(item, out, depth - 1)
    if tail is None:
        out += b"j"
    else:
        _put(tail, out, depth - 1)


class _Reader:
    """Reads terms one after another. Every read says first whether the bytes are there."""

    def __init__(self, data: bytes, at: int, most: int) -> None:
        self.data = data
        self.at = at
        self.most = self.left = most

    def term(self, depth: int) -> Term:
        if depth == 0:
            raise TermError(f"nested deeper than {DEEPEST}")
        self._take(1)
        tag = self.byte()
        read = _TAGS.get(tag)
        if read is None:
            raise TermError(f"unknown tag {tag}")
        return read(self, depth - 1)

    def _take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise TermError(f"more than {self.most} terms")

    def bytes(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise TermError("the term is cut off")
        found = self.data[self.at : end]
        self.at = end
        return found

    def byte(self) -> int:
        return self.bytes(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.bytes(2))

    def u32(self) -> int:
        return int.from_bytes(self.bytes(4))

    def u64(self) -> int:
        return int.from_bytes(self.bytes(8))

    def many(self, count: int, depth: int) -> list[Term]:
        if count > len(self.data) - self.at:
            raise TermError("the term is cut off")
        return [self.term(depth) for _ in range(count)]

    def atom(self, size: int, encoding: str = "utf-8") -> Atom:
        try:
            name = self.bytes(size).decode(encoding)
        except UnicodeDecodeError:
            raise TermError("an atom that is no text") from None
        if len(name) > LONGEST_ATOM:
            raise TermError(f"an atom of more than {LONGEST_ATOM} characters")
        return Atom(name)

    def node(self, depth: int) -> Atom:
        found = self.term(depth)
        if not isinstance(found, Atom):
            raise TermError("a node's name that is no atom")
        return found

    def float(self, _depth: int) -> float:
        value: float = _F64.unpack(self.bytes(8))[0]
        if not math.isfinite(value):
            raise TermError("a number that is infinite or undefined")
        return value

    def big(self, size: int) -> int:
        sign = self.byte()
        if size > LONGEST_INTEGER_BYTES or sign > 1:
            raise TermError(f"an integer of {size} bytes")
        value = int.from_bytes(self.bytes(size), "little")
        return -value if sign else value

    def string(self, _depth: int) -> list[Term]:
        found = self.bytes(self.u16())
        self._take(len(found))
        return list(found)

    def list(self, depth: int) -> list[Term] | Improper:
        items = self.many(self.u32(), depth)
        tail = self.term(depth)
        if isinstance(tail, list):
            return items + tail
        if not items:
            raise TermError("a list that has only a tail")
        return Improper(tuple(items), tail)

    def map(self, depth: int) -> Map:
        flat = self.many(2 * self.u32(), depth)
        return Map(tuple(zip(flat[::2], flat[1::2], strict=True)))

    def bits(self, _depth: int) -> Bits:
        size, used = self.u32(), self.byte()
        if not (1 <= used <= 8 and size):
            raise TermError("a bit string without bits")
        return Bits(self.bytes(size), used)

    def pid(self, depth: int) -> Pid:
        return Pid(self.node(depth), self.u32(), self.u32(), self.u32())

    def port(self, depth: int, size: int) -> Port:
        return Port(self.node(depth), int.from_bytes(self.bytes(size)), self.u32())

    def reference(self, depth: int) -> Ref:
        words = self.u16()
        if not 1 <= words <= 5:
            raise TermError(f"a reference of {words} words")
        return Ref(self.node(depth), self.u32(), tuple(self.u32() for _ in range(words)))

    def function(self, _depth: int) -> Function:
        size = self.u32()
        if size < 4:
            raise TermError("a function without a body")
        return Function(b"p" + _U32.pack(size) + self.bytes(size - 4))

    def export(self, depth: int) -> Function:
        start = self.at - 1
        module, function, arity = (self.term(depth) for _ in range(3))
        if not (isinstance(module, Atom) and isinstance(function, Atom) and isinstance(arity, int)):
            raise TermError("a function without a name")
        return Function(self.data[start : self.at])


_TAGS: dict[int, Callable[[_Reader, int], Term]] = {
    ord("F"): _Reader.float,
    ord("M"): _Reader.bits,
    ord("X"): _Reader.pid,
    ord("Y"): lambda reader, depth: reader.port(depth, 4),
    ord("Z"): _Reader.reference,
    ord("a"): lambda reader, _: reader.byte(),
    ord("b"): lambda reader, _: int.from_bytes(reader.bytes(4), signed=True),
    ord("d"): lambda reader, _: reader.atom(reader.u16(), "latin-1"),
    ord("h"): lambda reader, depth: tuple(reader.many(reader.byte(), depth)),
    ord("i"): lambda reader, depth: tuple(reader.many(reader.u32(), depth)),
    ord("j"): lambda _, __: [],
    ord("k"): _Reader.string,
    ord("l"): _Reader.list,
    ord("m"): lambda reader, _: reader.bytes(reader.u32()),
    ord("n"): lambda reader, _: reader.big(reader.byte()),
    ord("o"): lambda reader, _: reader.big(reader.u32()),
    ord("p"): _Reader.function,
    ord("q"): _Reader.export,
    ord("s"): lambda reader, _: reader.atom(reader.byte(), "latin-1"),
    ord("t"): _Reader.map,
    ord("v"): lambda reader, _: reader.atom(reader.u16()),
    ord("w"): lambda reader, _: reader.atom(reader.byte()),
    ord("x"): lambda reader, depth: reader.port(depth, 8),
}
