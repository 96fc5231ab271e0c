from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given

from elixircluster.mesh.heal import (
    CLOSED_SECONDS,
    FIRST_BACKOFF_SECONDS,
    FORGET_SECONDS,
    LONGEST_BACKOFF_SECONDS,
    MOST_AT_ONCE,
    MOST_ATTEMPTS,
    MOST_WAYS,
    Attempt,
    Redial,
    advice,
    after,
    dialled,
    plan,
)
from elixircluster.mesh.member import Answer
from elixircluster.mesh.view import view

from .test_view import FROZEN, REFUSED, answer, member, members, name, said, situations


def seen(letters, **by_letter):
    return view(members(letters), said(**by_letter))


def redial(source, target):
    return Redial(name(source), name(target))


def tried(todo, now, is_open=True):
    """The history when the ways of all that was planned are open, or closed."""
    ways = [way for needed in todo.redials.values() for way in needed]
    return after(todo, dict.fromkeys(ways, is_open), now)


def redials(*arguments, **options):
    return tuple(plan(*arguments, **options).redials)


PAIR = seen("ab", a="", b="")
LINK = (name("a"), name("b"))


def test_nothing_is_dialled_in_a_full_mesh():
    assert redials(seen("ab", a="b", b="a"), {}, 0) == ()


def test_islands_are_joined_in_pairs_the_largest_first():
    split = seen("abcde", a="b", b="a", c="", d="", e="")
    assert redials(split, {}, 0) == (redial("c", "a"), redial("e", "d"))


def test_islands_are_joined_only_when_every_way_between_them_is_open():
    split = seen("abc", a="c", b="", c="a")
    todo = plan(split, {}, 0)
    open_ways = {redial("b", "a"): True, redial("b", "c"): True}
    assert tuple(todo.redials) == dialled(todo, open_ways) == (redial("b", "a"),)
    for way in open_ways:
        assert dialled(todo, {**open_ways, way: False}) == ()
    assert dialled(todo, {redial("b", "a"): True}) == (), "a node that does not say is no open way"
    history = after(todo, {**open_ways, redial("b", "c"): False}, 0)
    assert history == {(name("b"), name("c")): Attempt(0, 0, closed_since=0)}


def test_an_island_whose_way_is_closed_lets_another_go_first():
    split = seen("abc", a="", b="", c="")
    first = plan(split, {}, 1)
    assert redials(split, tried(first, 1, is_open=False), 2) == (redial("c", "a"),)


def test_two_islands_have_one_backoff_and_one_bound_however_many_ways_there_are():
    split = seen("abcd", a="b", b="a", c="d", d="c")
    history, dials = {}, []
    for now in range(5000):
        todo = plan(split, history, now)
        history = tried(todo, now)
        dials += [(now, item.link) for item in todo.redials]
    assert len(dials) == MOST_ATTEMPTS
    assert [now for now, _ in dials][:3] == [0, FIRST_BACKOFF_SECONDS, 3 * FIRST_BACKOFF_SECONDS]
    assert len({link for _, link in dials}) == 4, "each way has its turn"
    assert len(todo.given_up) == 1


def test_of_large_islands_only_so_many_ways_are_tried():
    letters = "abcdefghijklmnopqrst"
    left, right = letters[:10], letters[10:]
    split = seen(letters, **dict.fromkeys(left, left), **dict.fromkeys(right, right))
    (needed,) = plan(split, {}, 0).redials.values()
    assert len(needed) == MOST_WAYS
    assert {node for way in needed for node in way.link} == set(map(name, letters))


def test_a_missing_link_is_dialled():
    assert redials(seen("abc", a="b", b="ac", c="b"), {}, 0) == (redial("a", "c"),)


def test_a_one_way_link_is_dialled_by_the_end_that_does_not_see_it():
    assert redials(seen("abc", a="bc", b="ac", c="b"), {}, 0) == (redial("c", "a"),)


def test_a_silent_node_neither_dials_nor_is_dialled():
    assert redials(seen("abc", a="b", b="a", c=FROZEN), {}, 0) == ()


def test_an_island_that_is_connected_with_a_node_that_does_not_answer_is_left_as_it_is():
    """Three nodes were joined, and dropped by `global`, three times in 17 seconds."""
    assert redials(seen("abc", a="c", b="", c=FROZEN), {}, 0) == ()
    assert redials(seen("abcd", a="bd", b="ac", c="b", d=FROZEN), {}, 0) == ()
    assert redials(seen("abcd", a="d", b="", c="", d=FROZEN), {}, 0) == (redial("c", "b"),), "but others are joined"


@pytest.mark.parametrize("gone", [FROZEN, REFUSED])
def test_a_silent_node_that_nobody_is_connected_with_holds_up_nobody(gone):
    assert redials(seen("abc", a="", b="", c=gone), {}, 0) == (redial("b", "a"),)


def test_nothing_is_dialled_in_a_partial_topology():
    """`dist_auto_connect once`, `connect_all false` and `-hidden` were overridden."""
    apart = view(members("abcd"), said(a="b", b="a", c="", d="c"), topology="Partial")
    todo = plan(apart, {LINK: Attempt(MOST_ATTEMPTS, 0)}, 0)
    assert (todo.redials, todo.given_up, todo.closed) == ({}, (), ())
    cut = view(members("ab"), said(a="b", b="a"), unheard={LINK}, topology="Partial")
    assert redials(cut, {}, 0) == ()


def test_a_node_that_a_rollout_removes_neither_dials_nor_is_dialled():
    assert redials(PAIR, {}, 0, removing={name("b")}) == ()
    leaving = view([member("a"), member("b", leaving=True)], said(a="", b=""))
    assert redials(leaving, {}, 0) == ()


@pytest.mark.parametrize(
    ("uptime", "started", "introduced"), [(1, True, False), (3, True, True), (3, False, False), (40, False, True)]
)
def test_a_node_that_has_just_started_is_left_alone_for_a_moment_and_then_introduced(uptime, started, introduced):
    young = view([member("a"), member("b", started=started)], said(a="") | {name("b"): answer("", uptime=uptime)})
    assert bool(plan(young, {}, 0).redials) is introduced


def test_attempts_are_further_and_further_apart_and_end():
    now, history, times = 0.0, {}, []
    while now < 10_000:
        todo = plan(PAIR, history, now)
        history = tried(todo, now)
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
    second = plan(gap, tried(first, 0), FIRST_BACKOFF_SECONDS)
    assert (tuple(first.redials), tuple(second.redials)) == ((redial("a", "c"),), (redial("c", "a"),))


def test_a_closed_way_is_tried_at_each_look_and_dialled_once_it_is_open():
    history = {}
    for now in range(100):
        todo = plan(PAIR, history, now)
        assert tuple(todo.redials) == (redial("b", "a"),)
        history = tried(todo, now, is_open=False)
    assert history == {LINK: Attempt(0, 99, closed_since=0)}
    assert tried(plan(PAIR, history, 100), 100) == {LINK: Attempt(1, 100)}


def test_a_way_that_closes_after_a_failed_attempt_waits_for_no_backoff():
    history = tried(plan(PAIR, {}, 0), 0)
    assert redials(PAIR, history, 1) == ()
    history = tried(plan(PAIR, history, FIRST_BACKOFF_SECONDS), FIRST_BACKOFF_SECONDS, is_open=False)
    assert plan(PAIR, history, FIRST_BACKOFF_SECONDS + 1).redials


def test_who_does_not_say_whether_the_way_is_open_has_not_tried():
    assert after(plan(PAIR, {}, 0), {}, 0) == {}


def test_a_way_that_stays_closed_is_told_and_tried_on():
    history = tried(plan(PAIR, {}, 0), 0, is_open=False)
    todo = plan(PAIR, history, CLOSED_SECONDS)
    assert (todo.closed, todo.given_up, len(todo.redials)) == ((LINK,), (), 1)
    assert advice(PAIR, todo).startswith("no connection can be made between chat-a and chat-b: a NetworkPolicy")


def test_what_was_given_up_is_told_with_what_to_do():
    todo = plan(PAIR, {LINK: Attempt(MOST_ATTEMPTS, 0)}, 1)
    assert not todo.redials
    assert advice(PAIR, todo).startswith("nodes were asked 10 times to connect, in vain: chat-a and chat-b")
    assert advice(PAIR, plan(PAIR, {}, 0)) == ""


def test_closed_ways_take_turns():
    letters = "abcdefghijklmnop"
    alone = view(members(letters), {name(letter): answer("") for letter in letters})
    first = plan(alone, {}, 1)
    second = plan(alone, tried(first, 1, is_open=False), 2)
    assert not {item.link for item in first.redials} & {item.link for item in second.redials}


def test_a_link_that_both_ends_believe_in_is_never_dialled():
    silent = view(members("abc"), said(a="bc", b="ac", c="ab"), unheard={LINK})
    assert redials(silent, {}, 0) == ()
    split = view(members("ab"), said(a="b", b="a"), unheard={LINK})
    assert (len(split.islands), redials(split, {}, 0)) == (2, ())


def test_islands_are_joined_where_both_ends_know_that_they_are_apart():
    split = view(members("abc"), said(a="bc", b="a", c="a"), unheard={LINK, (name("a"), name("c"))})
    assert redials(split, {}, 0) == (redial("c", "b"),)


def test_a_node_that_started_anew_begins_with_no_history():
    young = view(members("ab"), said(a="") | {name("b"): answer("", uptime=1)})
    assert plan(young, {LINK: Attempt(MOST_ATTEMPTS, 0)}, 1).history == {}


def apart(**creations):
    return {name(letter): answer("", creation=creation) for letter, creation in creations.items()}


def test_a_node_that_started_anew_between_two_looks_is_known_by_its_creation():
    """Uptime tells it only to who looks soon enough."""
    first, again, anew = (view(members("ab"), apart(a=1, b=creation)) for creation in (2, 2, 3))
    for is_open in (True, False):
        history = tried(plan(first, {}, 0), 0, is_open=is_open)
        assert plan(again, history, 1).history == history
        assert plan(anew, history, 1).history == {}
    silent = view(members("ab"), apart(a=1) | {name("b"): FROZEN})
    assert plan(silent, history, 1).history == history, "who does not answer has not started anew for that"


def test_a_link_that_comes_and_goes_goes_on_where_it_was():
    whole = seen("ab", a="b", b="a")
    history = tried(plan(PAIR, {}, 0), 0)
    assert plan(whole, history, 10).history == {LINK: Attempt(1, 0)}
    assert plan(whole, history, FORGET_SECONDS).history == {}


def test_only_so_many_are_dialled_at_once():
    letters = "abcdefghijklmnop"
    cut = {
        name(letter): answer(set(letters) - {letter, "bcdefghijklmnopa"[place]}) for place, letter in enumerate(letters)
    }
    assert len(plan(view(members(letters), cut), {}, 0).redials) == MOST_AT_ONCE


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
        history = tried(todo, step * 1000.0)
        if not todo.redials:
            break
        for item in todo.redials:
            for one, other in ((item.source, item.target), (item.target, item.source)):
                joined[one] = Answer(joined[one].sees | {other}, uptime_seconds=joined[one].uptime_seconds)
    final = view(given_members, joined)
    holding = {node for node, sees in final.sees.items() if sees & final.silent.keys()}
    left = final.young | {node for island in final.islands if holding & set(island) for node in island}
    assert all(left & set(link) for link in final.missing | final.one_way)
