"""Nothing that a node says leaves the package as more than a bounded line of printable text, or a number of a clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elixircluster.mesh import calls, messages
from elixircluster.mesh.failure import MeshError
from elixircluster.mesh.handshake import read_challenge
from elixircluster.mesh.terms import Atom
from elixircluster.mesh.tls import check_name
from elixircluster.untrusted import LONGEST_TEXT, bounded, clean
from tests.pretend import DIRTY

from .test_handshake import challenge


def harmless(text, longest=LONGEST_TEXT):
    return text.isprintable() and len(text) <= longest


@given(st.text(max_size=600), st.integers(1, 300))
def test_cleaned_text_is_one_printable_line_of_bounded_length_and_stays_so(said, longest):
    cleaned = clean(said, longest)
    assert harmless(cleaned, longest)
    assert clean(cleaned, longest) == cleaned
    assert cleaned == said or not harmless(said, longest)


@pytest.mark.parametrize("call", [calls.otp_release(), calls.elixir_version()])
@pytest.mark.parametrize("said", [("1" * 605).encode(), DIRTY.encode(), list(map(ord, DIRTY))])
def test_a_version_is_short_and_printable(call, said):
    """A version of 605 characters got the whole status refused."""
    assert harmless(call.result(said), calls.LONGEST_VERSION)


@pytest.mark.parametrize("number", [2**2000, -(2**2000), 2**63])
@pytest.mark.parametrize("call", [calls.start_time(), calls.clock(), calls.clock_unit()])
def test_a_number_that_no_clock_shows_is_no_answer(call, number):
    """A start time of 2^2000 made every look raise."""
    with pytest.raises(MeshError, match="unexpected answer"):
        call.result(number)
    assert bounded(2**63 - 1) == 2**63 - 1


def test_names_of_nodes_arguments_and_classes_of_errors_are_printable():
    assert all(map(harmless, calls.nodes("connected").result([Atom(DIRTY), Atom("a@b")])))
    ((word, _),) = calls.argument("x").result((Atom("ok"), [[DIRTY.encode() * 100, b"y"]]))
    assert harmless(word, calls.LONGEST_ARGUMENT)
    with pytest.raises(MeshError) as caught:
        messages.result((Atom("badrpc"), Atom(DIRTY * 4)))
    assert harmless(caught.value.failed.message)


def test_what_a_drain_function_answers_is_not_told():
    assert calls.drain("chat", "drain", []).result(DIRTY.encode()) is True


def test_names_in_a_handshake_and_in_a_certificate_are_printable():
    """Escape sequences of a responder that had no cookie reached the status and the terminal."""
    assert harmless(read_challenge(challenge(DIRTY)).name)
    with pytest.raises(MeshError) as caught:
        check_name({"subjectAltName": [("DNS", DIRTY * 20)] * 9}, "chat-0.chat")
    assert harmless(caught.value.failed.message, 5 * LONGEST_TEXT)
