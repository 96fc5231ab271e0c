"""What it takes to be let in by a resource's nodes, read from its Secrets when it is needed and kept by nobody here."""

from __future__ import annotations

import base64
import datetime as dt

from elixircluster.api.resource import ElixirCluster
from elixircluster.control.certificates import Pair, new_certificate
from elixircluster.control.kinds import SECRETS
from elixircluster.kube import Api
from elixircluster.mesh.tls import Tls, context
from elixircluster.render import vm
from elixircluster.render.discovery import strategy
from elixircluster.render.names import certificate_secret, cookie_key, names


class NotAskableError(Exception):
    """The nodes cannot be asked yet: their Secret is not there."""


class Credentials:
    """Cookies and certificates. Everything here raises `NotAskableError` and what `Api` does."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def cookie(self, cluster: ElixirCluster) -> tuple[str, str]:
        """The cookie, and the resourceVersion of its Secret."""
        reference = cookie_key(cluster)
        secret = await self._secret(cluster, reference.name)
        value = secret["data"].get(reference.key)
        if value is None:
            raise NotAskableError
        return base64.b64decode(value).decode(errors="replace"), secret["metadata"]["resourceVersion"]

    async def tls(self, cluster: ElixirCluster) -> Tls | None:
        """The operator's own certificate where it has the CA's key, else the nodes'; None where they do not encrypt."""
        if not vm.encrypted(cluster):
            return None
        if cluster.spec.distribution.tls.mode == "SelfSigned":
            secret = await self._secret(cluster, names(cluster).authority)
            authority = Pair.load(secret["data"])
            pair = new_certificate(authority, ["operator"], dt.datetime.now(dt.UTC)).data()
            texts = [secret["data"]["tls.crt"], pair["tls.crt"], pair["tls.key"]]
        else:
            data = (await self._secret(cluster, certificate_secret(cluster)))["data"]
            texts = [data["ca.crt"], data["tls.crt"], data["tls.key"]]
        made = context(*(base64.b64decode(text).decode() for text in texts))
        return Tls(made, check_names=strategy(cluster).naming == "host")

    async def _secret(self, cluster: ElixirCluster, name: str) -> dict[str, dict[str, str]]:
        secret = await self._api.get(SECRETS, cluster.namespace, name)
        if secret is None or not secret.get("data"):
            raise NotAskableError
        return secret
