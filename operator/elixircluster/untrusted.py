"""What comes from outside, as it may be shown and reckoned with: cleaned and bounded once, where it enters."""

from __future__ import annotations

LONGEST_TEXT = 256
UNPRINTABLE = "\ufffd"
"""In the place of what would move a terminal's cursor, end a line or turn the direction of writing."""
LARGEST_INTEGER = 2**63 - 1


def clean(said: str, longest: int = LONGEST_TEXT) -> str:
    """One line of printable characters, and not more of them than this."""
    if len(said) > longest:
        said = said[: longest - 1] + "…"
    if said.isprintable():
        return said
    return "".join(character if character.isprintable() else UNPRINTABLE for character in said)


def bounded(number: int) -> int | None:
    """An integer that a clock may show; None for one that no machine counts with."""
    return number if abs(number) <= LARGEST_INTEGER else None
