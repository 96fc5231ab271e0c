"""What a container and the kubelet say, in one line that may be shown: bounded, printable, and without what is secret.

The kubelet keeps the last 2 kB of a log. Most of that are reports and stack traces; the line that tells is the message
of the last exception, or else the last line that is no report about it.
"""

from __future__ import annotations

import re

from elixircluster.untrusted import clean

LONGEST_QUOTE = 512

LONGEST_LOG = 4096
"""More the kubelet does not keep."""

MAX_BYTE = 255

# All of it is text of others: no pattern here goes back over what it has read, which would take minutes.
EXCEPTION = re.compile(r"\*\* \([\w.]++\) \S.*+")
"""As Elixir writes one."""
MESSAGE = re.compile(r"message\s*+=>\s*+<<\"((?:[^\"\\\n]|\\(?!n))*+)")
"""Of an exception, as Erlang writes the map that it is; its first line."""
BYTES = re.compile(r"<<(\d{1,3}(?:,\d{1,3})*+)>>")
"""How Erlang writes a text in a report of before OTP 26, where it is not sure that it is one."""
NO_WORDS = re.compile(r"\s*+$|\s++\S.*:\d+: |\s++\(|Crash dump is being written")
"""Of a stack trace, or of what comes after the last word."""

SECRETS = (
    (re.compile(r"(://)[^/\s@]++@"), r"\1…@"),
    (re.compile(r"(-setcookie\s++)\S++"), r"\1…"),
    (
        re.compile(
            r"(?i)(?<!\w)"
            r"((?=\w*?(?:passwd|password|passphrase|secret|token|cookie|credential|api_?key|private_?key))\w++"
            r"[\"']?\s*+(?:=>|=|:)\s*+)"
            r"(?:<<)?(?:\"[^\"]*+\"?|'[^']*+'?|[^\s,;)}\]]++)"
        ),
        r"\1…",
    ),
)
"""What may stand in last words and belongs nowhere else: only its name is told."""


def quoted(said: str) -> str:
    """One line of what Kubernetes says in its own words."""
    return clean(" ".join(said[:LONGEST_LOG].split()), LONGEST_QUOTE)


def told(said: str) -> str:
    """One line of what a program says, without what looks like a secret."""
    said = said[: 2 * LONGEST_QUOTE]
    for pattern, instead in SECRETS:
        said = pattern.sub(instead, said)
    return quoted(said)


def legible(log: str) -> str:
    """The same, with its bytes as the text that they are.

    The line that Elixir writes comes first, and of 2 kB the report about it takes so many that this line is cut.
    """
    return BYTES.sub(_text, log)


def _text(found: re.Match[str]) -> str:
    numbers = [int(number) for number in found[1].split(",")]
    if max(numbers) > MAX_BYTE:
        return found[0]
    text = bytes(numbers).decode(errors="replace").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'<<"{text}">>'


def telling(log: str) -> str:
    """The line of the end of a log that tells most. Empty where there is none."""
    log = legible(log[-LONGEST_LOG:])
    if said := EXCEPTION.findall(log) or MESSAGE.findall(log):
        return told(said[-1])
    lines = [line for line in log.splitlines() if not NO_WORDS.match(line)]
    return told(lines[-1]) if lines else ""
