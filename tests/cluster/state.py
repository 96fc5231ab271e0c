"""What `up` writes last, so that everybody knows what is there."""

from __future__ import annotations

import json
from typing import Any

from .layout import Layout


class UnsupportedError(RuntimeError):
    """This provider cannot do that; a test skips."""


def read_state(layout: Layout) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(layout.state.read_text())
    except (OSError, ValueError):
        return {}
    return content


def write_state(layout: Layout, content: dict[str, Any]) -> None:
    partial = layout.state.with_suffix(".part")
    partial.write_text(json.dumps(content))
    partial.rename(layout.state)
