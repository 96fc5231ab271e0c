"""The API server's audit log, read as records."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def events(file: Path, since: int | dt.datetime = 0) -> Iterator[dict[str, Any]]:
    """The records from a byte offset (see `position`), or of requests that arrived at a time or later."""
    with file.open("rb") as log:
        if isinstance(since, int) and since > 0:
            log.seek(since - 1)
            log.readline()  # a record of which half was written then
        for line in log:
            if not line.endswith(b"\n"):
                return  # it is being written
            event = json.loads(line)
            if isinstance(since, int) or _received(event) >= since:
                yield event


def position(file: Path) -> int:
    """Where the next record will be written."""
    return file.stat().st_size


def _received(event: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(event["requestReceivedTimestamp"])
