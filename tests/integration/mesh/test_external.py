"""Our external term format and that of a real node."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings

from elixircluster.mesh.calls import Call
from elixircluster.mesh.connection import Identity, Target, dial
from elixircluster.mesh.external import decode, encode
from elixircluster.mesh.terms import Atom, Improper, Map, Term
from tests import beam
from tests.terms import terms


@pytest.fixture(scope="module")
def apply(three):
    """Applies a function of the `erlang` module to terms, at a node."""
    node = three[0]

    def call(function: str, *arguments: Term) -> Term:
        return runner.run(connection.call(Call("erlang", function, arguments, lambda value: value), 10))

    with asyncio.Runner() as runner:
        target = Target(node.name, node.address, node.port)
        connection = runner.run(dial(target, beam.COOKIE, Identity("terms@prober"), seconds=5))
        yield call
        connection.close()


def unordered(term: Term) -> Term:
    """The same with the pairs of maps in one order: a node puts them in its own."""
    match term:
        case Map(pairs):
            return Map(tuple(sorted(((unordered(key), unordered(value)) for key, value in pairs), key=repr)))
        case Improper(items, tail):
            return Improper(tuple(map(unordered, items)), unordered(tail))
        case list():
            return [unordered(item) for item in term]
        case tuple() if type(term) is tuple:
            return tuple(unordered(item) for item in term)
    return term


@settings(max_examples=60, deadline=None)
@given(term=terms)
def test_a_node_reads_what_we_write_and_we_read_what_it_writes(apply, term):
    assert unordered(decode(apply("term_to_binary", term))) == unordered(term)
    assert unordered(apply("binary_to_term", encode(term))) == unordered(term)


def test_a_function_comes_back_as_it_was(apply):
    exported = apply("make_fun", Atom("erlang"), Atom("nodes"), 1)
    assert apply("is_function", exported, 1) == "true"
