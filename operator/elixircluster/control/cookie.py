"""The distribution cookie. It is root in the cluster: made once, never printed, never changed by a later run."""

from __future__ import annotations

import base64
import re
import secrets
import string

from elixircluster.api.distribution import SecretKeyReference
from elixircluster.api.resource import ElixirCluster
from elixircluster.control.kinds import SECRETS
from elixircluster.control.ownership import refuse_foreign
from elixircluster.control.world import World, owner_uid
from elixircluster.errors import Retry, Stalled
from elixircluster.kube import Api, ApiError
from elixircluster.render.names import names
from elixircluster.render.objects import render_cookie_secret
from elixircluster.render.templates import Templates

ALPHABET = string.ascii_letters + string.digits
LENGTH = 43  # characters of 62 that hold 32 random bytes
LONGEST_ATOM = 255
SHORTEST = 20

# Every scanner of the Internet tries these (CVE-2022-24706); the shortest length refuses them, and says less well why.
WELL_KNOWN = {"monster", "cookie", "nocookie", "secret", "changeme", "elixir", "erlang", "rabbitmq", "couchdb"}
VALID = re.compile(r"[A-Za-z0-9_]+")


def new_cookie() -> str:
    """32 random bytes in letters and digits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


async def cookie_identity(api: Api, world: World, cluster: ElixirCluster, templates: Templates) -> str:
    """Which Secret holds the cookie, as its uid: another Secret is another cookie, and needs new nodes.

    Makes the Secret where the resource names none. Raises `Stalled` where the named one cannot serve.
    """
    reference = cluster.spec.distribution.cookie.secret_ref
    if reference:
        return await _referenced(api, cluster, reference)
    name = names(cluster).cookie
    child = world.children(cluster.key).get((SECRETS.kind, name))
    if child and child.owner_uid == cluster.uid:
        return child.uid
    return await _generated(api, world, cluster, templates)


async def _referenced(api: Api, cluster: ElixirCluster, reference: SecretKeyReference) -> str:
    where = f"Secret {reference.name} (spec.distribution.cookie.secretRef)"
    secret = await api.get(SECRETS, cluster.namespace, reference.name)
    if secret is None:
        raise Stalled("CookieSecretMissing", f"{where} does not exist in namespace {cluster.namespace}; create it")
    data = secret.get("data") or {}
    if reference.key not in data:
        raise Stalled("CookieKeyMissing", f"{where} has no key {reference.key}; add it, or name another key")
    refuse_unusable(base64.b64decode(data[reference.key]), f"key {reference.key} of {where}")
    return str(secret["metadata"]["uid"])


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


async def _generated(api: Api, world: World, cluster: ElixirCluster, templates: Templates) -> str:
    wanted = render_cookie_secret(cluster, templates, new_cookie())
    try:
        secret = await api.create(SECRETS, wanted)
    except ApiError as error:
        if error.code != 409:
            raise
        existing = await api.get(SECRETS, cluster.namespace, names(cluster).cookie)
        if existing is None:
            raise Retry("CookieSecretVanished") from None
        refuse_foreign(cluster, SECRETS.kind, names(cluster).cookie, owner_uid(existing["metadata"]))
        secret = existing
    world.see(SECRETS, secret)
    return str(secret["metadata"]["uid"])
