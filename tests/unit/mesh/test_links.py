"""Which links are checked at a look, and what the ends' words mean."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from elixircluster.mesh.links import MOST_LINKS, Heard, backwards, settle, turn

AB, AC, BC = ("a", "b"), ("a", "c"), ("b", "c")
WHOLE = {"a": frozenset("bc"), "b": frozenset("ac"), "c": frozenset("ab")}


def full(count):
    names = [f"n{number:04}" for number in range(count)]
    return {name: frozenset(names) - {name} for name in names}


def links_of(asked):
    return [tuple(sorted((one, other))) for one, others in asked.items() for other in others]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 12, 31])
def test_a_mesh_that_is_not_large_is_checked_whole_at_every_look_each_link_once(count):
    held = full(count)
    for look in range(3):
        assert sorted(links_of(turn(held, (), look))) == sorted(combinations(held, 2))


def test_the_work_is_shared_between_the_ends():
    asked = turn(full(31), (), 0)
    assert {len(others) for others in asked.values()} == {15}


@pytest.mark.parametrize("count", [33, 100, 501])
def test_in_a_large_mesh_links_take_turns_and_each_node_is_on_two_at_every_look(count):
    held, checked = full(count), set()
    for look in range(count):
        asked = links_of(turn(held, (), look))
        assert len(asked) == len(set(asked)) <= max(MOST_LINKS, count)
        busy = Counter(node for link in asked for node in link)
        assert set(busy) == set(held)
        checked |= set(asked)
    assert checked == set(combinations(held, 2))


def test_a_link_that_one_end_only_believes_in_is_not_checked():
    assert sorted(links_of(turn({**WHOLE, "a": frozenset("c")}, (), 0))) == [AC, BC]


def test_nobody_is_made_to_call_a_node_that_did_not_answer():
    held = {"a": frozenset("bc"), "b": frozenset("ac")}
    assert links_of(turn(held, (), 0)) == [AB]


def test_what_is_unheard_is_checked_at_every_look_once():
    held = full(501)
    link = ("n0000", "n0250")
    for look in range(5):
        assert links_of(turn(held, {link}, look)).count(link) == 1


def test_the_other_end_is_asked_about_the_same_link():
    assert backwards({AB, ("c", "b")}) == {"b": ["a", "c"]}


@pytest.mark.parametrize(
    ("there", "back", "before", "unheard"),
    [
        ({"a": ("bc", (True, True))}, {}, set(), set()),
        ({"a": ("bc", (False, True))}, {"b": ("a", (False,))}, set(), {AB}),
        ({"a": ("bc", (False, True))}, {"b": ("a", (True,))}, set(), set()),
        ({"a": ("bc", (False, True))}, {"b": ("a", ())}, set(), set()),
        ({"b": ("a", (False,))}, {"a": ("b", (False,))}, set(), {AB}),
        ({"a": ("b", (True,))}, {}, {AB}, set()),
        ({"a": ("b", (False,))}, {"b": ("a", (False,))}, {AB}, {AB}),
        ({}, {}, {AB}, {AB}),
        ({}, {}, {("a", "z")}, set()),
    ],
    ids=[
        "both heard",
        "neither end hears the other",
        "the other end hears",
        "the other end does not say",
        "whoever is asked first",
        "heard again",
        "still unheard",
        "nobody could be asked",
        "not held any more",
    ],
)
def test_a_link_is_unheard_when_both_ends_say_so(there, back, before, unheard):
    assert settle(before, WHOLE, Heard.of(there), Heard.of(back)) == unheard
