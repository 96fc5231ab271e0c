"""The Secret with the cookie: made, read, changed, and made again as it was."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from elixircluster.api.resource import ROTATE_ANNOTATION, ElixirCluster, Key
from elixircluster.cookie.keyring import (
    IDENTITY_ANNOTATION,
    NEXT_KEY,
    PREVIOUS_KEY,
    Body,
    Keyring,
    described,
    new_cookie,
)
from elixircluster.errors import Retry, Stalled
from elixircluster.kube.api import Api, ApiError
from elixircluster.kube.kinds import SECRETS
from elixircluster.observed.child import Child
from elixircluster.observed.ownership import owner_uid, refuse_foreign
from elixircluster.observed.store import Store
from elixircluster.render.names import cookie_key, names
from elixircluster.render.objects import render_cookie_secret
from elixircluster.render.templates import Templates


class CookieSecrets:
    """The Secrets with the cookies, and what was in them.

    What was read is kept in memory, so that a Secret that somebody deletes or spoils is made again as it was. A Secret
    of ours comes with the watch, and is read again where the world has another version of it; one of the user's is
    asked for each time.
    """

    def __init__(self, api: Api, store: Store, templates: Templates) -> None:
        self._api = api
        self._store = store
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

    async def read(self, cluster: ElixirCluster, *, has_nodes: bool) -> Keyring:
        """The Secret's content; a Secret that the operator makes is made. Raises `Stalled` where none can serve."""
        known = self._known.get(cluster.key)
        if known and known.owner != cluster.uid:
            self.forget(cluster.key)
            known = None
        if cluster.spec.distribution.cookie.secret_key_ref:
            found = await self._users_own(cluster)
        elif known and self._is_unchanged(cluster, known):
            return known
        else:
            found = await self._ours(cluster, known, has_nodes=has_nodes)
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
            raise Retry("Conflict") from None
        return self._see(cluster, written)

    def _is_unchanged(self, cluster: ElixirCluster, known: Keyring) -> bool:
        child = self._seen(cluster)
        return child is not None and (child.uid, child.resource_version) == (known.uid, known.version)

    def _seen(self, cluster: ElixirCluster) -> Child | None:
        return self._store.children(cluster.key).get((SECRETS.kind, names(cluster).cookie))

    async def _users_own(self, cluster: ElixirCluster) -> Keyring:
        secret = await self._api.get(SECRETS, cluster.namespace, cookie_key(cluster).name)
        if secret is None:
            raise Stalled(
                "CookieSecretMissing",
                f"{described(cluster)} does not exist in namespace {cluster.namespace}; create it",
            )
        return Keyring.parse(cluster, secret)

    async def _ours(self, cluster: ElixirCluster, known: Keyring | None, *, has_nodes: bool) -> Keyring:
        name = names(cluster).cookie
        child = self._seen(cluster)
        seen = child and (child.body() or await self._api.get(SECRETS, cluster.namespace, name))
        secret = seen or await self._create(cluster, known)
        refuse_foreign(cluster, SECRETS.kind, name, owner_uid(secret["metadata"]))
        secret = await self._labelled(cluster, secret)
        self._store.absorb(SECRETS, secret)
        try:
            return Keyring.parse(cluster, secret)
        except Stalled:
            if known is None and has_nodes:
                raise
            return await self._mend(cluster, secret, known)

    async def _create(self, cluster: ElixirCluster, known: Keyring | None) -> Body:
        """A new Secret: as it was, where that is known, since the nodes have its cookie. Else with a new cookie."""
        wanted = render_cookie_secret(cluster, self._templates, known.cookie if known else new_cookie())
        begun = known.begun if known else cluster.rotate_cookie
        annotations = {ROTATE_ANNOTATION: begun} if begun else {}
        if known:
            annotations[IDENTITY_ANNOTATION] = known.identity
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

    async def _labelled(self, cluster: ElixirCluster, secret: Body) -> Body:
        """The Secret with its labels: without them no watch would see it."""
        metadata, wanted = secret["metadata"], render_cookie_secret(cluster, self._templates, "")["metadata"]["labels"]
        if wanted.items() <= (metadata.get("labels") or {}).items():
            return secret
        named = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"], "labels": wanted}
        return await self._api.merge(SECRETS, cluster.namespace, metadata["name"], {"metadata": named})

    async def _mend(self, cluster: ElixirCluster, secret: Body, known: Keyring | None) -> Keyring:
        """Somebody spoiled the Secret: it gets its cookie back, or a new one while there is no node."""
        metadata = secret["metadata"]
        cookie = base64.b64encode((known.cookie if known else new_cookie()).encode()).decode()
        patch = {
            "metadata": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
            "data": {cookie_key(cluster).key: cookie},
        }
        return self._see(cluster, await self._api.merge(SECRETS, cluster.namespace, metadata["name"], patch))

    def _see(self, cluster: ElixirCluster, secret: Body) -> Keyring:
        self._store.absorb(SECRETS, secret)
        ring = self._known[cluster.key] = Keyring.parse(cluster, secret)
        return ring
