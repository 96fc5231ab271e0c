"""What it takes to be let in by a resource's nodes, read from its Secrets when it is needed and kept by nobody here.

Nodes are shown the certificate that they show each other, in every mode: what they accept from one another they accept
from us, whoever renewed it last.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ssl
from dataclasses import dataclass, field

from elixircluster.api.resource import ElixirCluster
from elixircluster.kube.api import Api, ApiError
from elixircluster.kube.kinds import SECRETS
from elixircluster.mesh.tls import Tls, context
from elixircluster.observed.store import Store
from elixircluster.render.names import GENERATED_COOKIE_KEY, cookie_key

ROTATING_KEYS = ("next", "previous")
TLS_KEYS = ("ca.crt", "tls.crt", "tls.key")


class NotAskableError(Exception):
    """The nodes cannot be asked. `reason` is a condition reason, `message` what the user reads."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class Access:
    """What opens the nodes' doors. Of equal `fingerprint` are two with the same certificates and the same checks."""

    cookies: tuple[str, ...] = field(repr=False)
    """The one of now, then those of a rotation."""
    fingerprint: str = ""
    tls: Tls | None = field(default=None, repr=False)


Versions = tuple[tuple[str, str | None], ...]
"""Names of the Secrets, and their resourceVersions as far as they are watched."""


class Credentials:
    """Cookies and certificates."""

    def __init__(self, api: Api, store: Store) -> None:
        self._api = api
        self._store = store

    def versions(self, cluster: ElixirCluster, certificate: str) -> Versions:
        """Where these are others, the Secrets must be read again. None where a Secret is not of our making.

        `certificate` is the Secret with the nodes' certificate, empty where they speak no TLS.
        """
        wanted = [cookie_key(cluster).name, *([certificate] if certificate else [])]
        known = self._store.children(cluster.key)
        found = ((name, known.get((SECRETS.kind, name))) for name in wanted)
        return tuple((name, child.resource_version if child else None) for name, child in found)

    async def access(self, cluster: ElixirCluster, certificate: str, *, named_by_host: bool) -> Access:
        """What the Secrets hold now. Raises `NotAskableError` where that opens nothing."""
        cookies = await self._cookies(cluster)
        if not certificate:
            return Access(cookies)
        fingerprint, tls = await self.tls(cluster, certificate, named_by_host=named_by_host)
        return Access(cookies, fingerprint, tls)

    async def tls(self, cluster: ElixirCluster, name: str, *, named_by_host: bool) -> tuple[str, Tls]:
        """How to speak TLS with nodes that have this Secret's certificate, and a fingerprint of it.

        Raises `NotAskableError`.
        """
        data = await self._secret(cluster, name, "CertificateSecretMissing")
        texts = [_text(data, key, name, "CertificateKeyMissing") for key in TLS_KEYS]
        try:
            made = context(*texts)
        except (ssl.SSLError, ValueError) as error:
            raise NotAskableError("CertificateInvalid", f"Secret {name} holds no certificate with its key") from error
        digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()
        return f"{digest}/{named_by_host}", Tls(made, check_names=named_by_host)

    async def _cookies(self, cluster: ElixirCluster) -> tuple[str, ...]:
        reference = cookie_key(cluster)
        data = await self._secret(cluster, reference.name, "CookieSecretMissing")
        keys = [reference.key]
        if reference.key == GENERATED_COOKIE_KEY and cluster.spec.distribution.cookie.secret_key_ref is None:
            keys += [key for key in ROTATING_KEYS if key in data]
        return tuple(_text(data, key, reference.name, "CookieKeyMissing") for key in keys)

    async def _secret(self, cluster: ElixirCluster, name: str, missing: str) -> dict[str, str]:
        try:
            secret = await self._api.get(SECRETS, cluster.namespace, name)
        except ApiError as error:
            raise NotAskableError("SecretUnreadable", f"Secret {name} cannot be read: {error.reason}") from error
        if secret is None:
            raise NotAskableError(missing, f"Secret {name} does not exist, so that no node can be asked")
        return secret.get("data") or {}


def _text(data: dict[str, str], key: str, name: str, missing: str) -> str:
    try:
        return base64.b64decode(data[key]).decode()
    except (KeyError, ValueError, binascii.Error):
        raise NotAskableError(missing, f"Secret {name} has no text in its key {key}") from None
