"""Erlang terms as values: what nodes send each other, and nothing more than values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Union


class TermError(ValueError):
    """These bytes are no term, this value has no term, or it is larger than we take."""


class Atom(str):
    """A name: `Atom("ok")` is Erlang's `ok`. Text is never a `str` but `bytes` or a list of code points."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Atom({str(self)!r})"


class Pid(NamedTuple):
    """A process of `node` as started at `creation`."""

    node: Atom
    id: int
    serial: int
    creation: int


class Port(NamedTuple):
    """A port of `node` as started at `creation`."""

    node: Atom
    id: int
    creation: int


class Ref(NamedTuple):
    """A reference made by `node` as started at `creation`; one to five words of 32 bits."""

    node: Atom
    creation: int
    words: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """Pairs as they came. No dict: a key may be a list, and 1 and 1.0 are two keys."""

    pairs: tuple[tuple[Term, Term], ...]


@dataclass(frozen=True, slots=True)
class Improper:
    """A list whose last tail is not the empty list."""

    items: tuple[Term, ...]
    tail: Term


@dataclass(frozen=True, slots=True)
class Bits:
    """A bit string; of the last byte only the `used` highest bits count."""

    data: bytes
    used: int


@dataclass(frozen=True, slots=True)
class Function:
    """A function, which means nothing here: its bytes only."""

    data: bytes


Term = Union[  # noqa: UP007 - refers to itself
    int, float, bytes, Atom, Pid, Port, Ref, Map, Improper, Bits, Function, list["Term"], tuple["Term", ...]
]


def text(term: Term) -> str | None:
    """What Erlang and Elixir call text: a binary, a list of code points, an atom. None where it is none."""
    match term:
        case Atom():
            return str(term)
        case bytes() | list():
            try:
                return term.decode() if isinstance(term, bytes) else "".join(map(_character, term))
            except (ValueError, OverflowError):
                return None
    return None


def _character(term: Term) -> str:
    if not isinstance(term, int):
        raise ValueError("no code point")
    return chr(term)
