"""What the person in front of the terminal (or the CI log) sees; never standard output."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

console = Console(stderr=True, highlight=False)

PLAIN_INTERVAL = 15.0


def say(message: str) -> None:
    console.print(message)


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Yield `at(done)`; draw a bar on a terminal, print a line now and then elsewhere."""
    if console.is_terminal:
        with _bar() as bar:
            task = bar.add_task(title, total=total)
            yield lambda done: bar.update(task, completed=done)
        return
    with _lines(title, total) as at:
        yield at


@contextmanager
def _lines(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    started, ended, done = time.monotonic(), threading.Event(), 0

    def at(now_done: int) -> None:
        nonlocal done
        done = now_done

    def tell() -> None:
        # From a thread: a linker is silent for longer than a CI log may be.
        while not ended.wait(PLAIN_INTERVAL):
            seconds = time.monotonic() - started
            of = f" of {total}{_left(seconds, done, total)}" if total else ""
            say(f"{title}: {done}{of}, {seconds:.0f} s")

    say(f"{title} …")
    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield at
    finally:
        ended.set()
        teller.join()
    say(f"{title}: done in {time.monotonic() - started:.0f} s")


def _left(seconds: float, done: int, total: int) -> str:
    """How long the rest takes, as if all of it took as long as what is done."""
    return f", {seconds * (total - done) / done / 60:.0f} min left" if done else ""


def _bar() -> Progress:
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True)
