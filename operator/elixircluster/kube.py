"""The Kubernetes API as this operator needs it: dicts in, dicts out.

A thin layer over `kubernetes.aio`, which brings configuration, credentials and TLS. Requests go straight to its
REST client, because the typed and dynamic layers cost three to four times the CPU for dicts that stay dicts.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config.config_exception import ConfigException

from elixircluster.observe import metrics
from elixircluster.render.templates import to_json

FIELD_MANAGER = "elixircluster"
REQUEST_TIMEOUT_SECONDS = 30.0
CONNECTIONS = 64
PAGE = 500

JSON = "application/json"
# Read as YAML, in which the two halves of a JSON escape (\ud83d\ude00) are no character. With a parameter in the type
# the client leaves the body as it is.
APPLY = "application/apply-patch+yaml; charset=utf-8"
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

MERGE = "application/merge-patch+json"

Body = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """An API resource: where it lives and what it is called."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """As in an object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """The URL path of an object, or of the collection."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root, *(["namespaces", namespace] if namespace else []), self.plural, name, subresource]
        return "/".join(quote(part, safe="/") for part in parts if part)


class ApiError(Exception):
    """The API server refused. `reason`, `message` and the reasons of `causes` are those of its Status."""

    def __init__(self, code: int, status: Body, retry_after: float | None = None) -> None:
        self.code = code
        self.reason = str(status.get("reason") or "")
        self.message = str(status.get("message") or "")
        self.retry_after = retry_after
        causes = (status.get("details") or {}).get("causes") or []
        self.causes = frozenset(str(cause.get("reason")) for cause in causes)
        super().__init__(f"{code} {self.reason}: {self.message}")


class Api:
    """One connection pool to one API server."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._configuration: Configuration = client.configuration
        self.permit: Callable[[], None] = lambda: None
        """Called right before every write; raises where this process must not write."""

    @classmethod
    async def connect(cls) -> Api:
        """As the pod's ServiceAccount, else by `KUBECONFIG`."""
        configuration = Configuration()
        # aiohttp reads .netrc and proxy variables anew for every request, two thirds of a request's cost.
        configuration.client_session_kwargs = {"trust_env": False}
        configuration.connection_pool_maxsize = CONNECTIONS
        try:
            config.load_incluster_config(client_configuration=configuration)
        except ConfigException:
            await config.load_kube_config(client_configuration=configuration)
        return cls(ApiClient(configuration))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Body | None:
        """The object, or None."""
        try:
            return await self._call("GET", kind, kind.path(namespace, name))
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    async def pages(
        self, kind: Kind, namespace: str | None, labels: str = "", *, accept: str = JSON
    ) -> AsyncIterator[Body]:
        """All objects with these labels, as Lists of at most `PAGE` items."""
        query = {"limit": str(PAGE)} | ({"labelSelector": labels} if labels else {})
        while True:
            page = await self._call("GET", kind, kind.path(namespace), query=query, accept=accept)
            # A list of metadata without a single item is null.
            yield {**page, "items": page["items"] or []}
            if not page["metadata"].get("continue"):
                return
            query["continue"] = page["metadata"]["continue"]

    async def create(self, kind: Kind, body: Body) -> Body:
        """Create the object."""
        path = kind.path(body["metadata"].get("namespace"))
        return await self._call("POST", kind, path, query={"fieldManager": FIELD_MANAGER}, body=body)

    async def replace(self, kind: Kind, body: Body) -> Body:
        """Replace the object; the resourceVersion in it is the precondition."""
        metadata = body["metadata"]
        return await self._call("PUT", kind, kind.path(metadata.get("namespace"), metadata["name"]), body=body)

    async def apply(self, kind: Kind, body: Body, *, subresource: str = "") -> Body:
        """Server-side apply, taking over fields from others.

        With a resourceVersion in it that no object has, it only creates: an object that exists is a conflict (409).
        https://kubernetes.io/docs/reference/using-api/server-side-apply/
        """
        metadata = body["metadata"]
        return await self._call(
            "PATCH",
            kind,
            kind.path(metadata.get("namespace"), metadata["name"], subresource),
            query={"fieldManager": FIELD_MANAGER, "force": "true"},
            body=to_json(body).encode(),
            content_type=APPLY,
        )

    async def merge(self, kind: Kind, namespace: str, name: str, patch: Body, *, subresource: str = "") -> Body:
        """Change what the patch names, null takes it away; uid and resourceVersion in it are preconditions.

        https://datatracker.ietf.org/doc/html/rfc7386
        """
        query = {"fieldManager": FIELD_MANAGER}
        path = kind.path(namespace, name, subresource)
        return await self._call("PATCH", kind, path, query=query, body=patch, content_type=MERGE)

    async def delete(self, kind: Kind, namespace: str, name: str, *, uid: str, resource_version: str) -> None:
        """Delete exactly that object, as it was seen. Raises `ApiError` 409 where it is another by now."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        await self._call("DELETE", kind, kind.path(namespace, name), body=body)

    async def watch_metadata(
        self, kind: Kind, namespace: str | None, labels: str, resource_version: str, seconds: int
    ) -> AsyncIterator[Body]:
        """Events of objects' metadata since `resource_version`, for at most `seconds`."""
        query = {
            "labelSelector": labels,
            "watch": "1",
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
        }
        response = await self._send(
            "GET", kind.path(namespace), query=query, accept=METADATA_ONLY, timeout=seconds + 30.0
        )
        try:
            if response.status != 200:
                raise ApiError(response.status, _status(await response.read()))
            async for line in response.response.content:
                yield json.loads(line)
        finally:
            response.response.close()

    async def _call(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        kind: Kind,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Body | bytes | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Body:
        if method != "GET":
            self.permit()
        started = time.perf_counter()
        response = await self._send(method, path, query=query, body=body, content_type=content_type, accept=accept)
        content = await response.read()
        metrics.request(method, kind.plural, response.status, time.perf_counter() - started)
        if response.status >= 400:
            after = response.headers.get("Retry-After")
            raise ApiError(response.status, _status(content), float(after) if after else None)
        result: Body = json.loads(content)
        return result

    async def _send(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Body | bytes | None = None,
        content_type: str = JSON,
        accept: str = JSON,
        timeout: float = REQUEST_TIMEOUT_SECONDS,  # noqa: ASYNC109 - handed to aiohttp
    ) -> Any:
        url = self._configuration.host + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Content-Type": content_type, "Accept": accept, "User-Agent": FIELD_MANAGER}
        token = await self._configuration.get_api_key_with_prefix("BearerToken")
        if token:
            headers["Authorization"] = token
        return await self._client.rest_client.request(method, url, headers=headers, body=body, _request_timeout=timeout)


def _status(content: bytes) -> Body:
    try:
        status = json.loads(content)
    except ValueError:
        return {"message": content[:200].decode(errors="replace")}
    return status if isinstance(status, dict) else {}
