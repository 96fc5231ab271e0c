"""What becomes of an outcome."""

from __future__ import annotations

import asyncio

import pytest

from elixircluster.control import workers
from elixircluster.control.outcome import outcome
from elixircluster.control.queue import Queue
from elixircluster.errors import Retry, Stalled
from tests.fake import clock
from tests.unit.meshes.world import KEY


class Reconciler:
    """One that comes to the same end each time, and knows when it was asked."""

    def __init__(self, trouble, *again):
        self.trouble, self.again = trouble, again
        self.asked = []

    async def reconcile(self, _key):
        self.asked.append(round(asyncio.get_running_loop().time()))
        return outcome(self.trouble, self.again if len(self.asked) == 1 else (), news=False)


def asked(trouble, *again, seconds=100.0):
    """When the resource is looked at, of which the first look finds that."""
    reconciler = Reconciler(trouble, *again)

    async def run():
        queue = Queue()
        queue.add(KEY)
        try:
            async with asyncio.timeout(seconds):
                await workers.work(queue, reconciler)
        except TimeoutError:
            return reconciler.asked

    return clock.run(run())


@pytest.mark.parametrize(
    "trouble", [None, Stalled("Wrong", "it is"), Stalled("Wrong", "it is", again=90), Retry("Waiting", after=90)]
)
def test_what_is_due_is_looked_at_whatever_else_is_in_the_way(trouble):
    """Where something was waited for, all that was due before that came with it, and not before."""
    assert asked(trouble, None, 20.0, 30.0)[:2] == [0, 20]


def test_what_is_due_now_does_not_drive_on_what_is_waited_for():
    assert asked(Retry("Waiting", after=90), 0.0, seconds=60.0) == [0, 1]
