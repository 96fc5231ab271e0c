"""The waits between attempts."""

from __future__ import annotations

from elixircluster.control.backoff import Backoff
from elixircluster.kube.api import ApiError


def test_waits_grow_with_jitter_to_the_longest():
    backoff = Backoff(1, 60)
    waits = [backoff.failed() for _ in range(12)]
    assert all(min(2**number, 60) / 2 <= wait <= min(2**number, 60) for number, wait in enumerate(waits))


def test_what_the_api_server_asks_for_is_waited_at_least():
    assert 120 <= Backoff(1, 60).failed(ApiError(429, {}, retry_after=120)) <= 132


def test_after_a_success_waits_are_short_again():
    backoff = Backoff(1, 60)
    for _ in range(9):
        backoff.failed()
    backoff.succeeded()
    assert backoff.failed() <= 1


def test_a_thousand_failures_are_no_overflow():
    backoff = Backoff(1, 60)
    assert max(backoff.failed() for _ in range(2000)) <= 60
