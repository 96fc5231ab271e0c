"""When each key is due."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from elixircluster.api.resource import Key
from elixircluster.meshes.schedule import Schedule

A, B = Key("default", "a"), Key("default", "b")


def taken(schedule, now):
    found = []
    while key := schedule.take(now):
        found.append(key)
    return found


def test_what_is_due_is_taken_once_and_in_order():
    schedule = Schedule()
    schedule.put(A, 2.0)
    schedule.put(B, 1.0)
    assert schedule.take(0.5) is None
    assert taken(schedule, 2.0) == [B, A]
    assert (schedule.next(), len(schedule)) == (None, 0)


def test_news_puts_a_key_forward_and_never_back():
    schedule = Schedule()
    schedule.put(A, 5.0)
    schedule.put(A, 1.0)
    schedule.put(A, 9.0)
    assert schedule.next() == 1.0
    assert taken(schedule, 9.0) == [A]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 9)), max_size=30))
def test_each_key_is_due_at_the_earliest_time_that_anybody_said(said):
    schedule, earliest = Schedule(), {}
    for name, due in said:
        schedule.put(Key("default", name), due)
        earliest[Key("default", name)] = min(due, earliest.get(Key("default", name), due))
    assert schedule.next() == min(earliest.values(), default=None)
    assert sorted(taken(schedule, 9.0)) == sorted(earliest)
