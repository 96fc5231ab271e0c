"""How long a test waits for what must come true: longer where another suite has the processors as well."""

from __future__ import annotations

import os

VARIABLE = "ELIXIRCLUSTER_PATIENCE"
FACTOR = float(os.environ.get(VARIABLE, "1"))


def patient(seconds: float) -> float:
    """As many on a machine with nothing else to do, and more on a busy one."""
    return seconds * FACTOR
