from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elixircluster.mesh.external import DEEPEST, MOST_TERMS, decode, decode_bare, decode_first, encode, split_pair
from elixircluster.mesh.terms import Atom, Function, Improper, Map, Pid, Port, Ref, TermError, text
from tests.terms import terms


@given(terms)
def test_what_is_encoded_is_decoded_to_the_same(term):
    assert decode(encode(term)) == term
    assert repr(decode(encode(term))) == repr(term)


@given(terms, terms)
def test_a_pair_is_split_without_reading_its_second_part(one, two):
    data = b"head" + encode((one, two))
    first, rest = split_pair(data, 4)
    assert (first, decode_bare(rest)) == (one, two)


@given(terms, st.data())
def test_a_term_that_is_cut_off_is_no_term(term, data):
    encoded = encode(term)
    with pytest.raises(TermError):
        decode(encoded[: data.draw(st.integers(0, len(encoded) - 1))])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_term_or_an_error_of_ours(data):
    try:
        term = decode(b"\x83" + data)
    except TermError:
        return
    assert decode(encode(term)) == term


# What OTP 25 answered to term_to_binary/1, and older and rarer forms of the same.
KNOWN = {
    "8377026f6b": Atom("ok"),
    "836400026f6b": Atom("ok"),
    "8373026f6b": Atom("ok"),
    "837600026f6b": Atom("ok"),
    "8377 02c3bc": Atom("ü"),
    "836101": 1,
    "8362ffffffff": -1,
    "836e0800ffffffffffffff7f": 2**63 - 1,
    "836e0501 0000000001": -(2**32),
    "836f00000001 0005": 5,
    "83463ff8000000000000": 1.5,
    "836a": [],
    "836b0003010203": [1, 2, 3],
    "836c00000001610161 02": Improper((1,), 2),
    "836802 6101 6102": (1, 2),
    "836900000001 6101": (1,),
    "8374000000016101 6102": Map(((1, 2),)),
    "836d00000002 6869": b"hi",
    "8358770161 0000000100000002 00000003": Pid(Atom("a"), 1, 2, 3),
    "8359770161 00000001 00000003": Port(Atom("a"), 1, 3),
    "8378770161 0000000000000001 00000003": Port(Atom("a"), 1, 3),
    "835a0001 770161 00000003 00000009": Ref(Atom("a"), 3, (9,)),
}


@pytest.mark.parametrize("encoded", KNOWN)
def test_every_form_of_a_term_is_read(encoded):
    assert decode(bytes.fromhex(encoded)) == KNOWN[encoded]


def test_functions_are_carried_and_mean_nothing():
    exported = bytes.fromhex("8371" + "77016d" + "770166" + "6100")
    assert isinstance(decode(exported), Function)
    assert encode(decode(exported)) == exported
    closure = b"\x83p" + struct.pack(">I", 10) + b"123456"
    assert encode(decode(closure)) == closure


def nested(depth):
    return b"\x83" + b"h\x01" * depth + b"j"


def test_nesting_has_a_limit_for_what_comes_and_for_what_goes():
    assert decode(nested(DEEPEST - 1))
    with pytest.raises(TermError, match="nested deeper"):
        decode(nested(DEEPEST))
    with pytest.raises(TermError, match="nested deeper"):
        decode(nested(1_000_000))
    endless: list = []
    endless.append(endless)
    with pytest.raises(TermError, match="nested deeper"):
        encode(endless)


def test_the_number_of_terms_has_a_limit():
    count = MOST_TERMS + 1
    with pytest.raises(TermError, match="more than"):
        decode(b"\x83l" + struct.pack(">I", count) + b"j" * (count + 1))
    strings = b"k\xff\xff" + bytes(65535)
    with pytest.raises(TermError, match="more than"):
        decode(b"\x83h\x02" + strings * 2)


@pytest.mark.parametrize("tag", ["l", "i", "t", "m", "M", "o", "p"])
def test_a_count_that_the_bytes_do_not_bear_out_makes_nothing(tag):
    with pytest.raises(TermError):
        decode(b"\x83" + tag.encode() + b"\xff\xff\xff\xff" + bytes(100))


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "83",
        "82 6101",
        "83 6101 00",
        "83 50 00000010 789c030000000001",  # compressed
        "83 79 0000",  # local
        "83 7701ff",  # no UTF-8
        "83 46 7ff0000000000000",  # infinite
        "83 46 7ff8000000000000",  # undefined
        "83 6e0102 01",  # neither plus nor minus
        "83 6f00000100 00" + "01" * 256,
        "83 6c00000000 6101",
        "83 58 6101 000000010000000200000003",
        "83 5a0006 770161 00000003" + "00000009" * 6,
        "83 4d 00000000 01",
        "83 76 0400" + "61" * 1024,
        "83 70 00000001",
        "83 71 6101 6101 6101",
    ],
)
def test_what_is_no_term_is_an_error_of_ours(encoded):
    with pytest.raises(TermError):
        decode(bytes.fromhex(encoded))


@pytest.mark.parametrize(
    "value", ["text", None, {}, object(), math.inf, math.nan, 2**2040, Atom("x" * 256), Atom("\ud800"), [{}], ({},)]
)
def test_what_has_no_term_is_an_error_of_ours(value):
    with pytest.raises(TermError):
        encode(value)


def test_truth_is_sent_as_an_atom():
    assert decode(encode((True, False))) == (Atom("true"), Atom("false"))


def test_text_is_read_in_all_its_forms():
    assert [text(term) for term in (b"25", [50, 53], Atom("25"), [252], "ü".encode())] == ["25", "25", "25", "ü", "ü"]
    assert [text(term) for term in (b"\xff", [-1], [2**40], [b"a"], 5, (1,))] == [None] * 6


def test_terms_follow_each_other():
    data = encode(Atom("a")) + encode([1])
    first, at = decode_first(data)
    assert (first, decode_first(data, at)) == ("a", ([1], len(data)))
