"""The work queue: deduplicated, delayed, in two priorities, never one key in two hands."""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest

from elixircluster.api.resource import Key
from elixircluster.control.queue import FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS, Queue
from tests.fake import clock

A, B, C = (Key("default", name) for name in "abc")


async def taken(queue, seconds=0.05):
    """The next key, or None."""
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(queue.get(), seconds)
    return None


async def test_keys_come_in_the_order_in_which_they_were_added():
    queue = Queue()
    for key in (B, A, C):
        queue.add(key)
    assert [await taken(queue) for _ in range(4)] == [B, A, C, None]


async def test_a_key_that_waits_is_not_added_twice():
    queue = Queue()
    queue.add(A)
    queue.add(A)
    assert [await taken(queue), await taken(queue)] == [A, None]


async def test_a_key_that_is_touched_while_somebody_works_on_it_comes_again_once():
    queue = Queue()
    queue.add(A)
    assert await taken(queue) == A
    queue.add(A)
    queue.add(A)
    assert await taken(queue) is None
    queue.done(A)
    assert await taken(queue) == A
    queue.done(A)
    assert await taken(queue) is None


async def test_work_that_is_done_does_not_come_again():
    queue = Queue()
    queue.add(A)
    queue.done(await queue.get())
    assert await taken(queue) is None


async def test_whoever_waits_gets_the_next_key():
    queue = Queue()
    waiting = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.add(A)
    queue.add(B)
    assert set(await asyncio.gather(*waiting)) == {A, B}


async def test_a_key_is_never_in_two_hands():
    queue = Queue()
    hands: set[Key] = set()
    worked: list[Key] = []
    chance = random.Random(1)

    async def worker():
        while True:
            key = await queue.get()
            assert key not in hands
            hands.add(key)
            await asyncio.sleep(chance.random() / 500)
            hands.remove(key)
            worked.append(key)
            queue.done(key)

    workers = [asyncio.create_task(worker()) for _ in range(8)]
    for _ in range(300):
        queue.add(chance.choice((A, B, C)))
        if chance.random() < 0.3:
            queue.add_after(chance.choice((A, B, C)), chance.random() / 500)
        await asyncio.sleep(chance.random() / 1000)
    await asyncio.sleep(0.1)
    assert not any(task.done() for task in workers), [task.exception() for task in workers if task.done()]
    for task in workers:
        task.cancel()
    assert set(worked) == {A, B, C}
    assert not hands
    assert queue.longest_work() == 0


async def test_a_key_comes_after_its_delay():
    queue = Queue()
    queue.add_after(A, 0.03)
    assert await taken(queue, 0.01) is None
    assert await taken(queue, 0.5) == A


@pytest.mark.parametrize(("first", "second"), [(0.02, 60), (60, 0.02)])
async def test_of_two_delays_the_earlier_wins(first, second):
    queue = Queue()
    queue.add_after(A, first)
    queue.add_after(A, second)
    assert await taken(queue, 0.5) == A
    queue.done(A)
    assert await taken(queue, 0.1) is None


async def test_something_else_may_want_a_key_before_its_delay():
    queue = Queue()
    queue.add_after(A, 60)
    queue.add(A)
    assert await taken(queue) == A


async def test_the_backoff_grows_to_five_minutes():
    queue = Queue()
    seconds = [queue.retry(A) for _ in range(20)]
    for failures, given in enumerate(seconds):
        longest = min(FIRST_BACKOFF_SECONDS * 2**failures, LONGEST_BACKOFF_SECONDS)
        assert longest / 2 <= given <= longest
    assert seconds[-1] >= LONGEST_BACKOFF_SECONDS / 2


async def test_the_backoff_of_one_key_is_not_that_of_another():
    queue = Queue()
    for _ in range(10):
        queue.retry(A)
    assert queue.retry(B) <= FIRST_BACKOFF_SECONDS


async def test_what_went_well_starts_with_the_shortest_backoff():
    queue = Queue()
    for _ in range(10):
        queue.retry(A)
    queue.forget(A)
    assert queue.retry(A) <= FIRST_BACKOFF_SECONDS
    queue.forget(B)


async def test_what_waits_for_the_world_waits_each_time_what_it_is_told():
    """`Retry(after=2)` grew to 290 s, as if each look had been a failure."""
    queue = Queue()
    assert all(2 <= queue.again(A, 2) <= 2.2 for _ in range(20))
    assert queue.retry(A) <= FIRST_BACKOFF_SECONDS


async def test_a_change_goes_before_the_resync_of_thousands():
    queue = Queue()
    for number in range(1000):
        queue.add(Key("default", str(number)), background=True)
    queue.add(A)
    assert await taken(queue) == A


async def test_a_key_of_the_background_that_changes_comes_forward_and_comes_once():
    queue = Queue()
    for key in (A, B, C):
        queue.add(key, background=True)
    queue.add(C)
    queue.add(C, background=True)
    assert [await taken(queue) for _ in range(4)] == [C, A, B, None]


@pytest.mark.parametrize(("background", "order"), [((True, False), [A, B]), ((True, True), [B, A])])
async def test_what_is_added_during_the_work_keeps_its_priority(background, order):
    queue = Queue()
    queue.add(A)
    await queue.get()
    for which in background:
        queue.add(A, background=which)
    queue.done(A)
    queue.add(B)
    assert [await taken(queue), await taken(queue)] == order


async def test_a_delay_keeps_its_priority():
    queue = Queue()
    queue.add_after(A, 0.01, background=True)
    await asyncio.sleep(0.03)
    queue.add(B)
    assert [await taken(queue), await taken(queue)] == [B, A]


async def test_the_oldest_work_is_known():
    queue = Queue()
    assert queue.longest_work() == 0
    queue.add(A)
    await queue.get()
    await asyncio.sleep(0.02)
    assert 0.02 <= queue.longest_work() < 1
    queue.done(A)
    assert queue.longest_work() == 0


def test_a_delay_that_moves_no_clock_is_no_loop():
    """The next Events were due in 1e-13 s, and the key came back before its reconcile had ended, again and again."""

    async def run():
        queue = Queue()
        queue.add_after(A, 1e-13)
        taking = asyncio.create_task(queue.get())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not taking.done()
        assert await taking == A

    clock.run(run())
