"""Text that others wrote, as a terminal may be given it.

A node, a pod's last words or an Event can hold what moves the cursor, renames the window or turns lines around. It is
replaced once, where text enters: in what kubectl prints. Lines and tabs stay; who shows one line joins them.
"""

from __future__ import annotations

import re
from typing import Any

UNSHOWN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"  # what turns the direction, or ends lines unseen
    "\ud800-\udfff"  # halves of characters, which cannot be written at all
    "]"
)
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """The text with a mark in place of each character that does more than show."""
    return UNSHOWN.sub(REPLACEMENT, text)


def plain_line(text: str) -> str:
    """The text in one line."""
    return " ".join(plain(text).split())


def plain_value(value: Any) -> Any:
    """A value of JSON with all its texts and names plain."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    return value
