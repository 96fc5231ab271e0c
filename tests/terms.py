"""Any term that a node can send, as hypothesis makes them."""

from __future__ import annotations

from hypothesis import strategies as st

from elixircluster.mesh.terms import Atom, Bits, Improper, Map, Pid, Port, Ref

WORD = st.integers(0, 2**32 - 1)
CHARACTERS = st.characters(exclude_categories=["Cs"])

atoms = st.one_of(st.text(CHARACTERS, max_size=12), st.sampled_from(["x" * 255, "ü" * 255])).map(Atom)
nodes = st.builds(lambda alive, host: Atom(f"{alive}@{host}"), st.sampled_from("abc"), st.sampled_from("xyz"))
integers = st.one_of(st.integers(-300, 300), st.integers(-(2**70), 2**70), st.integers(-(2**2039), 2**2039))
bits = st.builds(
    lambda data, used: Bits(data[:-1] + bytes((data[-1] >> (8 - used) << (8 - used),)), used),
    st.binary(min_size=1, max_size=40),
    st.integers(1, 7),
)
leaves = st.one_of(
    atoms,
    integers,
    # Until OTP 27 there is one zero only, which makes two keys of a map one.
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0),
    st.binary(max_size=20),
    st.builds(Pid, nodes, WORD, WORD, WORD),
    st.builds(Port, nodes, st.integers(0, 2**64 - 1), WORD),
    st.builds(Ref, nodes, WORD, st.lists(WORD, min_size=1, max_size=5).map(tuple)),
    bits,
)
proper = st.one_of(atoms, integers, st.binary(max_size=20))


def _nested(inner):
    lists = st.lists(inner, max_size=6)
    return st.one_of(
        lists,
        lists.map(tuple),
        st.builds(Improper, st.lists(inner, min_size=1, max_size=4).map(tuple), leaves),
        st.lists(st.tuples(inner, inner), max_size=5, unique_by=lambda pair: repr(pair[0])).map(tuple).map(Map),
    )


terms = st.recursive(leaves, _nested, max_leaves=15)
"""Maps may hold keys that Erlang orders in another way than they are made here."""
