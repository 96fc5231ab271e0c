from __future__ import annotations

from itertools import pairwise

from hypothesis import given

from elixircluster.mesh.heal import (
    FIRST_BACKOFF_SECONDS,
    FORGET_SECONDS,
    LONGEST_BACKOFF_SECONDS,
    MOST_AT_ONCE,
    MOST_ATTEMPTS,
    Attempt,
    Redial,
    plan,
)
from elixircluster.mesh.member import Answer
from elixircluster.mesh.view import view

from .test_view import FROZEN, answer, member, members, name, said, situations


def seen(letters, **by_letter):
    return view(members(letters), said(**by_letter))


def redial(source, target):
    return Redial(name(source), name(target))


PAIR = seen("ab", a="", b="")
LINK = (name("a"), name("b"))


def test_nothing_is_dialled_in_a_full_mesh():
    assert plan(seen("ab", a="b", b="a"), {}, 0).redials == ()


def test_each_island_dials_the_largest_once():
    split = seen("abcd", a="b", b="a", c="", d="")
    assert plan(split, {}, 0).redials == (redial("c", "a"), redial("d", "a"))


def test_a_missing_link_is_dialled():
    assert plan(seen("abc", a="b", b="ac", c="b"), {}, 0).redials == (redial("a", "c"),)


def test_a_one_way_link_is_dialled_by_the_end_that_does_not_see_it():
    assert plan(seen("abc", a="bc", b="ac", c="b"), {}, 0).redials == (redial("c", "a"),)


def test_a_silent_node_neither_dials_nor_is_dialled():
    assert plan(seen("abc", a="b", b="a", c=FROZEN), {}, 0).redials == ()


def test_a_node_that_a_rollout_removes_neither_dials_nor_is_dialled():
    assert plan(PAIR, {}, 0, removing={name("b")}).redials == ()
    leaving = view([member("a"), member("b", leaving=True)], said(a="", b=""))
    assert plan(leaving, {}, 0).redials == ()


def test_a_node_that_has_just_started_is_left_to_its_own_discovery():
    young = view(members("ab"), said(a="") | {name("b"): answer("", uptime=1)})
    assert plan(young, {}, 0).redials == ()


def test_attempts_are_further_and_further_apart_and_end():
    now, history, times = 0.0, {}, []
    while now < 10_000:
        todo = plan(PAIR, history, now)
        history = todo.history
        times += [now] * len(todo.redials)
        now += 1
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert len(times) == MOST_ATTEMPTS
    assert gaps[0] == FIRST_BACKOFF_SECONDS
    assert gaps == sorted(gaps)
    assert gaps[-1] == LONGEST_BACKOFF_SECONDS
    assert todo.given_up == (LINK,)


def test_the_other_end_dials_the_next_time():
    gap = seen("abc", a="b", b="ac", c="b")
    first = plan(gap, {}, 0)
    second = plan(gap, first.history, FIRST_BACKOFF_SECONDS)
    assert (first.redials, second.redials) == ((redial("a", "c"),), (redial("c", "a"),))


def test_a_link_that_comes_and_goes_goes_on_where_it_was():
    whole = seen("ab", a="b", b="a")
    history = plan(PAIR, {}, 0).history
    assert plan(whole, history, 10).history == {LINK: Attempt(1, 0)}
    assert plan(whole, history, FORGET_SECONDS).history == {}


def test_only_so_many_are_dialled_at_once():
    letters = "abcdefghijklmnop"
    alone = view(members(letters), {name(letter): answer("") for letter in letters})
    assert len(plan(alone, {}, 0).redials) == MOST_AT_ONCE


@given(situations)
def test_a_plan_names_only_answering_members_that_stay_and_heals_what_it_can_reach(situation):
    given_members, answers = situation
    mesh = view(given_members, answers)
    todo = plan(mesh, {}, 0, removing={name("f")})
    for item in todo.redials:
        assert {item.source, item.target} <= mesh.sees.keys() - mesh.young - {name("f")}
        assert item.target not in mesh.sees[item.source] or item.source not in mesh.sees[item.target]
    joined, history = dict(answers), {}
    for step in range(40):
        todo = plan(view(given_members, joined), history, step * 1000.0)
        history = todo.history
        if not todo.redials:
            break
        for item in todo.redials:
            for one, other in ((item.source, item.target), (item.target, item.source)):
                joined[one] = Answer(joined[one].sees | {other}, uptime_seconds=joined[one].uptime_seconds)
    final = view(given_members, joined)
    assert all(final.young & set(link) for link in final.missing | final.one_way)
