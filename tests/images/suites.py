"""The Debians from whose packages images are made, and with which Erlang and Elixir each comes."""

from __future__ import annotations

import os
from dataclasses import dataclass

ARCHIVE = "http://deb.debian.org/debian"
SECURITY = "http://deb.debian.org/debian-security"


@dataclass(frozen=True)
class Suite:
    """A Debian: `FROM debian:<name>-slim`. `otp` is the major that it has, which in one that moves may be another."""

    name: str
    otp: int
    moves: bool = False

    @property
    def reference(self) -> str:
        """What the official image is called; where there is no registry, a stand-in for it."""
        return f"docker.io/library/debian:{self.name}-slim"

    def sources(self, archive: str, security: str, keyring: str) -> str:
        """Where its packages are, as apt wants to have it."""
        places = [(archive, self.name)]
        if not self.moves:
            places = [(archive, f"{self.name} {self.name}-updates"), (security, f"{self.name}-security")]
        # A mirror of what moves is often late. What it has is signed all the same.
        more = "Check-Valid-Until: no\n" if self.moves else ""
        return "\n".join(
            f"Types: deb\nURIs: {uri}\nSuites: {names}\nComponents: main\nSigned-By: {keyring}\n{more}"
            for uri, names in places
        )

    def __str__(self) -> str:
        return self.name


BOOKWORM = Suite("bookworm", otp=25)
TRIXIE = Suite("trixie", otp=27)
UNSTABLE = Suite("unstable", otp=29, moves=True)
SUITES = (BOOKWORM, TRIXIE, UNSTABLE)

BY_NAME = {suite.name: suite for suite in SUITES}

USUAL = BY_NAME[os.environ.get("ELIXIRCLUSTER_DEBIAN", TRIXIE.name)]
"""What the demo and most tests run on."""
