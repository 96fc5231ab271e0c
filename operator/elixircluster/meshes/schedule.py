"""When each key is due: a heap without a clock of its own."""

from __future__ import annotations

import heapq

from elixircluster.api.resource import Key


class Schedule:
    """Keys by when they are due. What is not in it costs nothing."""

    def __init__(self) -> None:
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []

    def __len__(self) -> int:
        return len(self._due)

    def put(self, key: Key, due: float) -> None:
        """Due then, or when it already is if that is sooner."""
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            heapq.heappush(self._heap, (due, key))

    def next(self) -> float | None:
        """When the first one is due; None while there is none."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            # It was put forward since, or taken.
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: float) -> Key | None:
        """The first one, where it is due."""
        due = self.next()
        if due is None or due > now:
            return None
        _, key = heapq.heappop(self._heap)
        del self._due[key]
        return key
