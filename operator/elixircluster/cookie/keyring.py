"""The distribution cookie as a value: what its Secret says, and which cookies serve.

It is root in the cluster: never printed, and compared only as a value.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from elixircluster.api.resource import ROTATE_ANNOTATION, ElixirCluster
from elixircluster.errors import Stalled
from elixircluster.render.names import cookie_key, names
from elixircluster.render.pod import COOKIE_ANNOTATION

ALPHABET = string.ascii_letters + string.digits
LENGTH = 43  # characters of 62 that hold 32 random bytes
LONGEST_ATOM = 255
SHORTEST = 20

# Every scanner of the Internet tries these (CVE-2022-24706); the shortest length refuses them, and says less well why.
WELL_KNOWN = {"monster", "cookie", "nocookie", "secret", "changeme", "elixir", "erlang", "rabbitmq", "couchdb"}
PUNCTUATION = "_-=+/.,:@%^~!"
"""What flags, files of flags and start scripts take as it is; base 32 and base 64 have some of it."""
USABLE = frozenset(ALPHABET + PUNCTUATION)

NEXT_KEY = "next"
PREVIOUS_KEY = "previous"
IDENTITY_ANNOTATION = COOKIE_ANNOTATION
"""On a Secret that took the place of another one: the identity of that, since it holds the same cookie."""

Body = dict[str, Any]


def new_cookie() -> str:
    """32 random bytes in letters and digits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


@dataclass(frozen=True)
class Keyring:
    """What the Secret holds. `begun` is the value of the annotation for which the last rotation was begun."""

    owner: str
    uid: str
    version: str
    changed: str
    """When somebody last wrote it, in RFC 3339."""
    identity: str
    """Which Secret holds the cookie: nodes carry it, and are replaced where it changes."""
    begun: str
    cookie: str = field(repr=False)
    next: str = field(default="", repr=False)
    previous: str = field(default="", repr=False)

    @classmethod
    def parse(cls, cluster: ElixirCluster, secret: Body) -> Keyring:
        """What is in the Secret. Raises `Stalled` where its cookie cannot serve."""
        reference, metadata = cookie_key(cluster), secret["metadata"]
        annotations, data = metadata.get("annotations") or {}, secret.get("data") or {}
        where = described(cluster)
        if reference.key not in data:
            raise Stalled("CookieKeyMissing", f"{where} has no key {reference.key}; add it, or name another key")
        cookie = base64.b64decode(data[reference.key])
        refuse_unusable(cookie, f"key {reference.key} of {where}")
        generated = cluster.spec.distribution.cookie.secret_key_ref is None
        return cls(
            owner=cluster.uid,
            uid=metadata["uid"],
            version=metadata["resourceVersion"],
            changed=max((item.get("time", "") for item in metadata.get("managedFields") or []), default=""),
            identity=(annotations.get(IDENTITY_ANNOTATION) if generated else None) or metadata["uid"],
            begun=annotations.get(ROTATE_ANNOTATION, "") if generated else "",
            cookie=cookie.decode(),
            next=_usable(data.get(NEXT_KEY)) if generated else "",
            previous=_usable(data.get(PREVIOUS_KEY)) if generated else "",
        )

    @property
    def values(self) -> tuple[str, ...]:
        """Every cookie in it."""
        return (self.cookie, self.next, self.previous)


def described(cluster: ElixirCluster) -> str:
    """The Secret, as a user knows it."""
    reference = cluster.spec.distribution.cookie.secret_key_ref
    if reference:
        return f"Secret {reference.name} (spec.distribution.cookie.secretKeyRef)"
    return f"Secret {names(cluster).cookie}"


def _usable(value: str | None) -> str:
    """What a rotation left there, unless somebody has spoiled it."""
    try:
        cookie = base64.b64decode(value or "")
        refuse_unusable(cookie, "")
    except (Stalled, binascii.Error):
        return ""
    return cookie.decode()


def refuse_unusable(value: bytes, where: str) -> None:
    """Raise `Stalled` for a cookie that nodes would not agree on, or that is known; the value itself is never told."""
    text = value.decode(errors="replace")
    if fault := next((said for said, applies in FAULTS.items() if applies(text)), None):
        raise Stalled("CookieInvalid", f"{where} {fault}")
    if text.lower() in WELL_KNOWN:
        raise Stalled(
            "CookieWeak", f"{where} is a well-known cookie, with which anybody is root in your nodes; choose another"
        )
    if len(text) < SHORTEST:
        raise Stalled(
            "CookieWeak", f"{where} is shorter than {SHORTEST} characters and could be guessed; choose a longer one"
        )


def _holds(characters: str) -> Callable[[str], bool]:
    return lambda text: any(character in characters for character in text)


CHOOSE = f"choose one of letters, digits and {' '.join(PUNCTUATION)}"
FAULTS: Mapping[str, Callable[[str], bool]] = {
    f"is empty; {CHOOSE}": lambda text: not text,
    "begins or ends with a newline, which would be part of the cookie; write it without one (printf, not echo)": (
        lambda text: text.strip("\r\n") != text
    ),
    f"is longer than {LONGEST_ATOM} characters, and no node takes it; choose a shorter one": (
        lambda text: len(text) > LONGEST_ATOM
    ),
    "begins with - or +, so that nodes would take it for a flag; choose another": lambda text: text[0] in "-+",
    f"holds a blank, where flags end; {CHOOSE}": _holds(" "),
    f"holds a control character; {CHOOSE}": lambda text: any(ord(item) < 32 or ord(item) == 127 for item in text),
    f"holds characters that are not ASCII, which nodes read in different ways; {CHOOSE}": lambda text: (
        not text.isascii()
    ),
    f"holds a quote, which start scripts take away; {CHOOSE}": _holds("'\"`"),
    f"holds $ or \\, which start scripts replace; {CHOOSE}": _holds("$\\"),
    f"holds characters that mean something to a shell, such as & or *; {CHOOSE}": lambda text: (
        not USABLE.issuperset(text)
    ),
}
"""What is wrong with a cookie, in the order in which it is told."""
