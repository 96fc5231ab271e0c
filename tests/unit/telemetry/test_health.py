"""Ready is who sees what it has to see; alive is whose loop gets things done."""

from __future__ import annotations

from elixircluster.telemetry.health import (
    LONGEST_BREAK_SECONDS,
    LONGEST_SILENCE_SECONDS,
    LONGEST_WORK_SECONDS,
    Health,
    Streams,
)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


async def test_a_process_that_stands_by_is_ready():
    health = Health()
    assert (await health.ready(None)).status == 503
    health.started = True
    assert (await health.ready(None)).status == 200


async def test_a_leader_is_not_ready_before_its_watches_have_begun():
    health, streams = Health(), Streams()
    health.started, health.trouble = True, streams.trouble
    streams.expect(["watch of pods", "watch of secrets"])
    streams.flows("watch of pods")
    streams.broken("watch of secrets", "HTTP 403")
    answer = await health.ready(None)
    assert (answer.status, answer.text) == (503, "watch of secrets: HTTP 403")
    assert not streams.begun(["watch of pods", "watch of secrets"])
    streams.flows("watch of secrets")
    assert (await health.ready(None)).status == 200
    assert streams.begun(["watch of pods", "watch of secrets"])


async def test_a_watch_that_is_broken_for_long_is_not_ready_and_a_short_break_is_nothing():
    clock = Clock()
    streams = Streams(clock)
    streams.expect(["watch of pods"])
    streams.flows("watch of pods")
    streams.broken("watch of pods", "HTTP 503")
    clock.now += LONGEST_BREAK_SECONDS - 1
    streams.broken("watch of pods", "HTTP 500")
    assert not streams.trouble()
    clock.now += 2
    assert streams.trouble() == "watch of pods: broken for 61 s: HTTP 500"
    streams.flows("watch of pods")
    assert not streams.trouble()


async def test_broken_watches_are_no_reason_to_start_anew_and_a_stuck_reconcile_is():
    health = Health()
    health.trouble = lambda: "watch of pods: HTTP 503"
    assert (await health.live(None)).status == 200
    health.busy_for = lambda: LONGEST_WORK_SECONDS + 1
    assert (await health.live(None)).status == 500


async def test_a_watch_that_ended_and_does_not_come_back_is_not_ready():
    clock = Clock()
    streams = Streams(clock)
    streams.expect(["watch of pods"])
    streams.flows("watch of pods")
    streams.ended("watch of pods")
    assert not streams.trouble()
    clock.now += LONGEST_BREAK_SECONDS + 1
    streams.ended("watch of pods")
    assert streams.trouble() == "watch of pods: broken for 61 s: ended, and not begun anew"


def test_deaf_is_who_waits_for_something_and_hears_nothing_at_all():
    clock = Clock()
    streams = Streams(clock)
    streams.expect(["watch of pods", "watch of secrets"])
    streams.flows("watch of secrets")
    clock.now += LONGEST_SILENCE_SECONDS - 1
    streams.broken("watch of pods", "HTTP 403")
    streams.heard()
    clock.now += LONGEST_SILENCE_SECONDS - 1
    streams.broken("watch of pods", "TimeoutError")
    assert not streams.deaf
    clock.now += 2
    assert streams.deaf
    streams.flows("watch of pods")
    assert not streams.deaf


def test_who_waits_for_nothing_is_not_deaf_however_still_the_world_is():
    """A watch that ends after ten quiet minutes is begun anew: nothing was heard for long, and nothing was asked."""
    clock = Clock()
    streams = Streams(clock)
    streams.expect(["watch of pods"])
    streams.flows("watch of pods")
    clock.now += 10 * LONGEST_SILENCE_SECONDS
    assert not streams.deaf
    streams.ended("watch of pods")
    assert not streams.deaf
