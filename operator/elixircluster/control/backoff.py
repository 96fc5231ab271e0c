"""How long to wait before the next attempt: exponentially longer, never in step with others."""

from __future__ import annotations

import random

from elixircluster.kube.api import ApiError


class Backoff:
    """The waits between attempts at one thing. What an API server asks for is waited at least."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._failures = 0

    def failed(self, error: BaseException | None = None) -> float:
        """The attempt failed. Returns for how many seconds to wait."""
        grown = min(self._first * 2.0 ** min(self._failures, 30), self._longest)
        self._failures += 1
        asked = error.retry_after or 0.0 if isinstance(error, ApiError) else 0.0
        return later(asked) if asked > grown else max(asked, grown * random.uniform(0.5, 1.0))  # noqa: S311 - jitter

    def succeeded(self) -> None:
        """The next failure starts with the shortest wait."""
        self._failures = 0


def later(seconds: float) -> float:
    """No less than `seconds`, and a little more, so that many who were told the same do not come at once."""
    return seconds * random.uniform(1.0, 1.1)  # noqa: S311 - jitter
