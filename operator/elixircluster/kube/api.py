"""The Kubernetes API as this operator needs it: dicts in, dicts out.

A thin layer over `kubernetes.aio`, which brings configuration, credentials and TLS. Requests go straight to its
REST client, because the typed and dynamic layers cost three to four times the CPU for dicts that stay dicts.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config.config_exception import ConfigException

from elixircluster.telemetry import metrics
from elixircluster.text import to_json

FIELD_MANAGER = "elixircluster"
REQUEST_TIMEOUT_SECONDS = 30.0
LONGEST_RETRY_AFTER_SECONDS = 300.0
CONNECTIONS = 64
PAGE = 200
"""Of larger pages the memory that they took is left in pieces: 30 KiB a resource instead of 19, with 500."""

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

    @property
    def kind_unknown(self) -> bool:
        """Whether there is no such kind. Of a missing object, or namespace, the API server answers with a Status."""
        return self.code == 404 and not self.reason


UNREACHABLE = (ApiError, aiohttp.ClientError, TimeoutError)
"""How a request may fail that is nobody's mistake."""


class Api:
    """One connection pool to one API server."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._configuration: Configuration = client.configuration
        self.permit: Callable[[], None] = lambda: None
        """Called right before every write; raises where this process must not write."""
        self.heard: Callable[[], None] = lambda: None
        """Called after every answer, whatever it says."""

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

    @property
    def server(self) -> str:
        """Where it is: in a pod by its address, so that no DNS is needed."""
        host: str = self._configuration.host
        return host

    def session(
        self, response: type[aiohttp.ClientResponse], *middlewares: aiohttp.ClientMiddlewareType
    ) -> aiohttp.ClientSession:
        """For a library that makes its own requests: the same trust and token, and connections of its own.

        Who called it closes it.
        """
        rest = self._client.rest_client
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=rest.ssl_context),
            headers={"User-Agent": FIELD_MANAGER},
            response_class=response,
            middlewares=(*middlewares, self._authorize),
            proxy=rest.proxy,
        )

    async def _authorize(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        # Asked for every request, since the token of a ServiceAccount is another one every hour.
        if token := await self._configuration.get_api_key_with_prefix("BearerToken"):
            request.headers["Authorization"] = token
        return await handler(request)

    async def serves(self, kind: Kind) -> bool:
        """Whether the API server knows the kind, and says so to those who ask what there is."""
        groups = await self._call("GET", kind, "/apis")
        if kind.group not in {group["name"] for group in groups["groups"]}:
            return False
        try:
            found = await self._call("GET", kind, f"/apis/{kind.api_version}")
        except ApiError as error:
            if error.code == 404:
                return False
            raise
        return kind.plural in {resource["name"] for resource in found["resources"]}

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Body | None:
        """The object, or None."""
        try:
            return await self._call("GET", kind, kind.path(namespace, name))
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    async def pages(
        self, kind: Kind, namespace: str | None, labels: str = "", *, fields: str = "", accept: str = JSON
    ) -> AsyncIterator[Body]:
        """All objects with these labels and fields, as Lists of at most `PAGE` items."""
        selectors = {"labelSelector": labels, "fieldSelector": fields}
        query = {"limit": str(PAGE)} | {name: selector for name, selector in selectors.items() if selector}
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
        """Delete exactly that object, as it was seen, and what it owns. Raises `ApiError` 409 where it is another now.

        Of a Job an API server would leave the pods behind, if it were not told.
        """
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        options = {"preconditions": preconditions, "propagationPolicy": "Background"}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", **options}
        await self._call("DELETE", kind, kind.path(namespace, name), body=body)

    @asynccontextmanager
    async def watch_metadata(
        self, kind: Kind, namespace: str | None, labels: str, resource_version: str, seconds: int
    ) -> AsyncIterator[AsyncIterator[Body]]:
        """Events of objects' metadata since `resource_version`, for at most `seconds`; entered once they flow."""
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
        self.heard()
        try:
            if response.status != 200:
                raise ApiError(response.status, _status(await response.read()), retry_after(response.headers))
            yield (orjson.loads(line) async for line in response.response.content)
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
        self.heard()
        metrics.request(method, kind.plural, response.status, time.perf_counter() - started)
        if response.status >= 400:
            raise ApiError(response.status, _status(content), retry_after(response.headers))
        try:
            result: Body = orjson.loads(content)
        except ValueError:
            # Whatever answered is not an API server: the page of a proxy, for example.
            raise ApiError(502, {"reason": "NotJSON", **_status(content)}) from None
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
        if token := await self._configuration.get_api_key_with_prefix("BearerToken"):
            headers["Authorization"] = token
        return await self._client.rest_client.request(method, url, headers=headers, body=body, _request_timeout=timeout)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """For how many seconds the answer asks to wait, which it says as a number or as a date.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after. A clock that is wrong does not make us wait for ever.
    """
    said = headers.get("Retry-After", "").strip()
    try:
        seconds = float(said) if said.isdigit() else parsedate_to_datetime(said).timestamp() - time.time()
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _status(content: bytes) -> Body:
    try:
        status = orjson.loads(content)
    except ValueError:
        return {"message": content[:200].decode(errors="replace")}
    return status if isinstance(status, dict) else {}
