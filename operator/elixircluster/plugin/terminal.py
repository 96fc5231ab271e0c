"""How things are shown: colours on a terminal, plain text in a pipe, never cut off there."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from elixircluster.plugin.plain import plain_line

WIDE = 1000
"""Columns where there is no terminal, so that nothing is cut off or broken."""

ISLANDS = ("cyan", "magenta", "yellow", "green", "blue", "red")
"""Colours by which things are told apart."""

GOOD, BAD, BUSY, UNKNOWN = "green", "red", "yellow", "bright_black"


def console(*, error: bool = False) -> Console:
    """Standard output, or error."""
    file = sys.stderr if error else sys.stdout
    return Console(file=file, highlight=False, width=None if file.isatty() else WIDE)


def show(*parts: RenderableType) -> None:
    """Print, and leave no space at the ends of lines: what is piped may be compared."""
    screen = console()
    with screen.capture() as capture:
        screen.print(*parts, sep="\n")
    print("\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n")))  # noqa: T201 - a command


def show_value(value: Any, output: str) -> None:
    """Print for programs, as `json` or as `yaml`."""
    if output == "yaml":
        import yaml  # noqa: PLC0415 - it takes long to load

        yaml.safe_dump(value, sys.stdout, sort_keys=False, allow_unicode=True, width=WIDE)
        return
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201 - a command


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Table:
    """Columns as kubectl has them."""
    result = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        # The last one is text for a person, the others are to be copied.
        result.add_column(column, overflow="fold", no_wrap=column != columns[-1])
    for row in rows:
        result.add_row(*(Text(plain_line(cell)) if isinstance(cell, str) else cell for cell in row))
    return result
