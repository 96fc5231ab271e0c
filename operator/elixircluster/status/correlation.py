"""How many Events are written: the same one again is counted, and a resource that flaps falls silent.

client-go's EventCorrelator, without what nobody here needs:
https://github.com/kubernetes/client-go/blob/master/tools/record/events_cache.go
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

BURST = 25
SECONDS_A_TOKEN = 300.0
LONGEST_MEMORY = 4096

Kept = TypeVar("Kept")


class Recent(OrderedDict[Hashable, Kept], Generic[Kept]):
    """What was used last; the oldest goes where there are too many."""

    def keep(self, key: Hashable, value: Kept) -> None:
        """Remember it."""
        self[key] = value
        self.move_to_end(key)
        while len(self) > LONGEST_MEMORY:
            self.popitem(last=False)


@dataclass(frozen=True)
class Bucket:
    """Tokens for Events of one resource: a burst, and one more every five minutes."""

    tokens: float = BURST
    filled: float = 0.0

    def take(self, now: float) -> Bucket | None:
        """One token; None where there is none."""
        tokens = min(BURST, self.tokens + max(0.0, now - self.filled) / SECONDS_A_TOKEN)
        return replace(self, tokens=tokens - 1, filled=now) if tokens >= 1 else None


@dataclass(frozen=True)
class Told:
    """An Event that was written, and how often it was told."""

    name: str
    count: int


class Correlator:
    """What was told of late."""

    def __init__(self) -> None:
        self._buckets: Recent[Bucket] = Recent()
        self._told: Recent[Told] = Recent()

    def admit(self, uid: str, now: float) -> bool:
        """Whether one more Event may be written about a resource."""
        bucket = self._buckets.get(uid, Bucket(filled=now)).take(now)
        if bucket:
            self._buckets.keep(uid, bucket)
        return bucket is not None

    def before(self, event: Hashable) -> Told | None:
        """The same Event, as it was written before."""
        return self._told.get(event)

    def told(self, event: Hashable, name: str, count: int) -> None:
        """The Event was written under this name."""
        self._told.keep(event, Told(name, count))


def seconds(time: str) -> float:
    """A time in RFC 3339, to reckon with."""
    return datetime.fromisoformat(time).timestamp()
