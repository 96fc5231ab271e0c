"""What a page for newcomers tells to type and to write, in its order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^[ ]*```(\w+)\n(.*?)^[ ]*```$", re.M | re.S)
NAMED = re.compile(r"# (\S+\.yaml)\n")


@dataclass(frozen=True)
class Command:
    """A line to type, and what the page shows that it prints."""

    line: str
    output: str = ""


@dataclass(frozen=True)
class File:
    """A file to write: a block whose first line is its name."""

    name: str
    text: str


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page.read_text()) if found == language]


def commands(page: Path) -> list[str]:
    """What is typed, a line a command."""
    return [step.line for step in steps(page) if isinstance(step, Command)]


def steps(page: Path) -> Iterator[Command | File]:
    for language, text in BLOCK.findall(page.read_text()):
        if language == "console":
            yield from _typed(text)
        elif named := NAMED.match(text):
            yield File(named[1], text)


def _typed(block: str) -> Iterator[Command]:
    joined = re.sub(r"\\\n\s*", "", block)
    for part in re.split(r"^\$ ", joined, flags=re.M)[1:]:
        line, _, output = part.partition("\n")
        yield Command(line, output)
