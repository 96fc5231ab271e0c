"""How far a node is with its boot, as its `init` says: a node takes connections before its applications start."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

MOST_APPLICATIONS = 3
"""That are named: those of a release start one after another."""


class Boot(StrEnum):
    """The boot script of a release starts its applications, and `-s`, `-run` and `-eval` come after it."""

    BOOTING = "booting"
    """The boot script is not through."""
    BOOTED = "booted"
    """All of it is through."""
    UNTOLD = "untold"
    """What came after the boot script still runs, and may do so for life: `main` of a Gleam program never returns. An
    application that is being started meanwhile is `BOOTING`."""


def judge(internal: str, provided: str) -> Boot:
    """What `init:get_status/0` means. A boot script need not say how far it is, so that the end of it all counts."""
    if internal == "started" or (internal, provided) == ("stopping", "started"):
        return Boot.BOOTED
    return Boot.UNTOLD if provided == "started" else Boot.BOOTING


def not_up(starting: Sequence[str]) -> str:
    """What a node still lacks, given the applications that are being started: of most releases just one."""
    if len(starting) == 1:
        return f"its application {starting[0]} is not up yet"
    names = f" ({', '.join(starting[:MOST_APPLICATIONS])})" if starting else ""
    return f"its applications{names} are not up yet"
