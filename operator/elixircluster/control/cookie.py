"""The distribution cookie and its Secret. It is root in the cluster: never printed, and compared only as a value."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elixircluster.api.resource import ROTATE_ANNOTATION, ElixirCluster, Key
from elixircluster.control.kinds import SECRETS
from elixircluster.control.ownership import refuse_foreign
from elixircluster.control.world import World, owner_uid
from elixircluster.errors import Retry, Stalled
from elixircluster.kube import Api, ApiError
from elixircluster.render.names import cookie_key, names
from elixircluster.render.objects import render_cookie_secret
from elixircluster.render.pod import COOKIE_ANNOTATION
from elixircluster.render.templates import Templates

ALPHABET = string.ascii_letters + string.digits
LENGTH = 43  # characters of 62 that hold 32 random bytes
LONGEST_ATOM = 255
SHORTEST = 20

# Every scanner of the Internet tries these (CVE-2022-24706); the shortest length refuses them, and says less well why.
WELL_KNOWN = {"monster", "cookie", "nocookie", "secret", "changeme", "elixir", "erlang", "rabbitmq", "couchdb"}
VALID = re.compile(r"[A-Za-z0-9_]+")

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
        generated = cluster.spec.distribution.cookie.secret_ref is None
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
    reference = cluster.spec.distribution.cookie.secret_ref
    if reference:
        return f"Secret {reference.name} (spec.distribution.cookie.secretRef)"
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
    """Raise `Stalled` for a cookie that nodes would not agree on; the value itself is never told."""
    text = value.decode(errors="replace")
    if not text:
        raise Stalled("CookieInvalid", f"{where} is empty; it must hold letters, digits and _")
    if text.strip("\r\n") != text:
        raise Stalled(
            "CookieInvalid",
            f"{where} begins or ends with a newline, which would be part of the cookie; write it without one "
            "(printf, not echo)",
        )
    if not VALID.fullmatch(text):
        raise Stalled("CookieInvalid", f"{where} holds characters other than letters, digits and _")
    if text.lower() in WELL_KNOWN:
        raise Stalled(
            "CookieWeak", f"{where} is a well-known cookie, with which anybody is root in your nodes; choose another"
        )
    if len(text) < SHORTEST:
        raise Stalled(
            "CookieWeak", f"{where} is shorter than {SHORTEST} characters and could be guessed; choose a longer one"
        )
    if len(text) > LONGEST_ATOM:
        raise Stalled("CookieInvalid", f"{where} is longer than {LONGEST_ATOM} characters")


class CookieSecrets:
    """The Secrets with the cookies, and what was in them.

    What was read is kept in memory, so that a Secret that somebody deletes or spoils is made again as it was. A Secret
    of ours is read again where the world has another version of it, one of the user's each time.
    """

    def __init__(self, api: Api, world: World, templates: Templates) -> None:
        self._api = api
        self._world = world
        self._templates = templates
        self._known: dict[Key, Keyring] = {}
        self._earlier: dict[Key, tuple[str, ...]] = {}

    def forget(self, key: Key) -> None:
        """The resource is gone."""
        self._known.pop(key, None)
        self._earlier.pop(key, None)

    def earlier(self, key: Key) -> tuple[str, ...]:
        """Cookies that were in the Secret until somebody else changed it, and that nodes may still have."""
        return self._earlier.get(key, ())

    def followed(self, key: Key) -> None:
        """No node has an earlier cookie any more."""
        self._earlier.pop(key, None)

    async def read(self, cluster: ElixirCluster) -> Keyring:
        """The Secret's content; a Secret that the operator makes is made. Raises `Stalled` where none can serve."""
        known = self._known.get(cluster.key)
        if known and known.owner != cluster.uid:
            self.forget(cluster.key)
            known = None
        if cluster.spec.distribution.cookie.secret_ref:
            found = await self._users_own(cluster)
        elif known and self._is_unchanged(cluster, known):
            return known
        else:
            found = await self._ours(cluster, known)
        if known and known.cookie not in found.values:
            kept = (known.cookie, *self.earlier(cluster.key))
            self._earlier[cluster.key] = tuple(cookie for cookie in kept if cookie not in found.values)
        self._known[cluster.key] = found
        return found

    async def change(
        self, cluster: ElixirCluster, ring: Keyring, data: Mapping[str, str | None], begun: str | None = None
    ) -> Keyring:
        """Write these keys, None takes one away. Raises `Retry` where the Secret is another than `ring` by now."""
        encoded = {key: value and base64.b64encode(value.encode()).decode() for key, value in data.items()}
        metadata: Body = {"uid": ring.uid, "resourceVersion": ring.version}
        if begun is not None:
            metadata["annotations"] = {ROTATE_ANNOTATION: begun}
        try:
            written = await self._api.merge(
                SECRETS, cluster.namespace, names(cluster).cookie, {"metadata": metadata, "data": encoded}
            )
        except ApiError as error:
            if error.code not in {404, 409}:
                raise
            raise Retry("Conflict", after=0.1) from None
        return self._see(cluster, written)

    def _is_unchanged(self, cluster: ElixirCluster, known: Keyring) -> bool:
        child = self._world.children(cluster.key).get((SECRETS.kind, names(cluster).cookie))
        return child is not None and (child.uid, child.resource_version) == (known.uid, known.version)

    async def _users_own(self, cluster: ElixirCluster) -> Keyring:
        secret = await self._api.get(SECRETS, cluster.namespace, cookie_key(cluster).name)
        if secret is None:
            raise Stalled(
                "CookieSecretMissing",
                f"{described(cluster)} does not exist in namespace {cluster.namespace}; create it",
            )
        return Keyring.parse(cluster, secret)

    async def _ours(self, cluster: ElixirCluster, known: Keyring | None) -> Keyring:
        name = names(cluster).cookie
        present = (SECRETS.kind, name) in self._world.children(cluster.key)
        secret = await self._api.get(SECRETS, cluster.namespace, name) if present else None
        secret = secret or await self._create(cluster, known)
        refuse_foreign(cluster, SECRETS.kind, name, owner_uid(secret["metadata"]))
        self._world.see(SECRETS, secret)
        try:
            return Keyring.parse(cluster, secret)
        except Stalled:
            return await self._mend(cluster, secret, known)

    async def _create(self, cluster: ElixirCluster, known: Keyring | None) -> Body:
        """A new Secret: as it was, where that is known, since the nodes have its cookie. Else with a new cookie."""
        wanted = render_cookie_secret(cluster, self._templates, known.cookie if known else new_cookie())
        annotations = {ROTATE_ANNOTATION: cluster.rotate_cookie} if cluster.rotate_cookie else {}
        if known:
            annotations = {ROTATE_ANNOTATION: known.begun, IDENTITY_ANNOTATION: known.identity}
            kept = {NEXT_KEY: known.next, PREVIOUS_KEY: known.previous}
            wanted.setdefault("stringData", {}).update({key: value for key, value in kept.items() if value})
        wanted["metadata"]["annotations"] = {**(wanted["metadata"].get("annotations") or {}), **annotations}
        try:
            return await self._api.create(SECRETS, wanted)
        except ApiError as error:
            if error.code != 409:
                raise
        existing = await self._api.get(SECRETS, cluster.namespace, names(cluster).cookie)
        if existing is None:
            raise Retry("CookieSecretVanished")
        return existing

    async def _mend(self, cluster: ElixirCluster, secret: Body, known: Keyring | None) -> Keyring:
        """Somebody spoiled the Secret: it gets its cookie back, or a new one while there is no node."""
        if known is None and self._world.pods(cluster.key):
            return Keyring.parse(cluster, secret)
        metadata = secret["metadata"]
        cookie = base64.b64encode((known.cookie if known else new_cookie()).encode()).decode()
        patch = {
            "metadata": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
            "data": {cookie_key(cluster).key: cookie},
        }
        return self._see(cluster, await self._api.merge(SECRETS, cluster.namespace, metadata["name"], patch))

    def _see(self, cluster: ElixirCluster, secret: Body) -> Keyring:
        self._world.see(SECRETS, secret)
        ring = self._known[cluster.key] = Keyring.parse(cluster, secret)
        return ring
