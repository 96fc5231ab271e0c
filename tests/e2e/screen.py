"""A program on a terminal, as a person has it."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

AT_A_TERMINAL = ("env", "--default-signal=INT")
"""Ctrl-C ends what runs there, though tests that were started in the background take no notice of one."""


class Screen:
    """Runs a program on a terminal of its own; `text` is all that was shown."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._terminal, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [*AT_A_TERMINAL, *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)
        self.text = ""

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def shows(self, wanted: str, seconds: float = 60) -> bool:
        """Whether something appears in time."""
        deadline = time.monotonic() + seconds
        while wanted not in self.text and time.monotonic() < deadline:
            if select.select([self._terminal], [], [], 0.2)[0]:
                try:
                    self.text += os.read(self._terminal, 65536).decode(errors="replace")
                except OSError:  # what ran there has ended
                    break
        return wanted in self.text

    def interrupt(self, seconds: float = 30) -> int:
        """Ctrl-C; its exit status."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(seconds)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)
