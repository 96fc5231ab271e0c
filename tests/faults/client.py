"""A bare client: one aiohttp session, the requests as they are, and watches that tell what came when."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from elixircluster.kube.api import METADATA_ONLY, Kind
from elixircluster.kube.kinds import CLUSTERS, OWNED, PODS

Body = dict[str, Any]
Identity = tuple[str, str]

NAMESPACES = Kind("", "v1", "namespaces", "Namespace")
KINDS = {kind.kind: kind for kind in (CLUSTERS, PODS, NAMESPACES, *(row.kind for row in OWNED.values()))}
# A kind that is not watched may not be installed.
CHILD_KINDS = tuple(row.kind for row in OWNED.values() if row.watched)


class RefusedError(Exception):
    """The API server said no."""

    def __init__(self, code: int, body: Body) -> None:
        super().__init__(f"{code} {body.get('message')}")
        self.code = code


class Client:
    """Talks to one API server as the kubeconfig's user."""

    def __init__(self, server: str, tls: ssl.SSLContext | bool, connections: int = 64) -> None:
        self.server = server
        connector = aiohttp.TCPConnector(ssl=tls, limit=connections + 16)
        self.session = aiohttp.ClientSession(connector=connector, headers={"User-Agent": "bare-client"})

    @classmethod
    def of(cls, kubeconfig: Path) -> Client:
        """Must be called in a running event loop."""
        config = yaml.safe_load(kubeconfig.read_text())
        return cls(config["clusters"][0]["cluster"]["server"], tls(config))

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def call(self, method: str, path: str, body: Body | None = None, content: str = "application/json") -> Body:
        data = None if body is None else json.dumps(body)
        async with self.session.request(
            method, self.server + path, data=data, headers={"Content-Type": content}
        ) as response:
            answer: Body = await response.json(content_type=None)
            if response.status >= 400:
                raise RefusedError(response.status, answer)
            return answer

    async def apply(self, body: Body, manager: str = "bare-client") -> Body:
        path = path_of(body) + f"?fieldManager={manager}&force=true"
        return await self.call("PATCH", path, body, "application/apply-patch+yaml")

    async def create(self, body: Body) -> Body:
        metadata = body["metadata"]
        return await self.call("POST", KINDS[body["kind"]].path(metadata.get("namespace")), body)

    async def patch(self, kind: str, namespace: str, name: str, patch: Body) -> Body:
        """A merge patch, as `kubectl edit` sends it."""
        return await self.call("PATCH", KINDS[kind].path(namespace, name), patch, "application/merge-patch+json")

    async def delete(self, kind: str, namespace: str | None, name: str) -> None:
        await self.call("DELETE", KINDS[kind].path(namespace, name))

    async def get(self, kind: str, namespace: str | None, name: str) -> Body | None:
        try:
            return await self.call("GET", KINDS[kind].path(namespace, name))
        except RefusedError as error:
            if error.code == 404:
                return None
            raise

    async def list(self, kind: str, namespace: str | None = None, labels: str = "") -> list[Body]:
        path = KINDS[kind].path(namespace) + (f"?labelSelector={labels}" if labels else "")
        return (await self.call("GET", path))["items"]

    async def watch(self, kind: Kind, namespace: str | None, *, whole: bool = False) -> AsyncIterator[Body]:
        """Events from now on. The first one given is empty: from then on nothing is missed."""
        version = (await self.call("GET", kind.path(namespace) + "?limit=1"))["metadata"]["resourceVersion"]
        url = f"{self.server}{kind.path(namespace)}?watch=1&resourceVersion={version}&timeoutSeconds=7200"
        headers = {} if whole else {"Accept": METADATA_ONLY}
        timeout = aiohttp.ClientTimeout(total=None)
        async with self.session.get(url, headers=headers, timeout=timeout, read_bufsize=1 << 22) as response:
            yield {}
            async for line in response.content:
                yield json.loads(line)

    async def namespace(self, name: str) -> str:
        await self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        # Pods are refused until the ServiceAccount is there. Its controller may be late: client-go waits up to 30 s,
        # and jitter, before it watches again after an API server was away.
        path = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        for _ in range(4500):
            try:
                await self.call("GET", path)
            except RefusedError:
                await asyncio.sleep(0.02)
            else:
                return name
        raise TimeoutError(f"no default ServiceAccount in {name}")

    async def fresh_namespace(self, prefix: str) -> str:
        """One that no run before can have left."""
        return await self.namespace(f"{prefix}-{os.urandom(4).hex()}")

    async def remove_namespace(self, name: str, seconds: float = 300) -> None:
        """Delete it and wait until nothing is left."""
        try:
            await self.delete("Namespace", None, name)
        except RefusedError as error:
            if error.code != 404:
                raise
        deadline = time.monotonic() + seconds
        while await self.get("Namespace", None, name):
            if time.monotonic() > deadline:
                raise TimeoutError(f"namespace {name} does not go")
            await asyncio.sleep(0.2)


class Sight:
    """Which children of a namespace came when, by watches that were opened before."""

    def __init__(self, client: Client, namespace: str, kinds: Iterable[Kind] = CHILD_KINDS) -> None:
        self._client = client
        self._namespace = namespace
        self._kinds = tuple(kinds)
        self._seen: dict[Identity, float] = {}
        self._missing: set[Identity] = set()
        self._complete = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Sight:
        opened = [asyncio.Event() for _ in self._kinds]
        self._tasks = [
            asyncio.create_task(self._follow(kind, event)) for kind, event in zip(self._kinds, opened, strict=True)
        ]
        waiting = asyncio.gather(*(event.wait() for event in opened))
        await asyncio.wait([waiting, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in self._tasks:
            if task.done():
                task.result()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, kind: Kind, opened: asyncio.Event) -> None:
        async for event in self._client.watch(kind, self._namespace):
            if not event:
                opened.set()
            elif event["type"] == "ADDED":
                identity = (kind.kind, event["object"]["metadata"]["name"])
                self._seen[identity] = time.perf_counter()
                self._missing.discard(identity)
                if not self._missing:
                    self._complete.set()

    async def all_of(self, identities: Iterable[Identity], seconds: float = 60) -> float:
        """Wait for them all. Returns when the last one came, on the clock `time.perf_counter`."""
        wanted = set(identities)
        self._missing = wanted - self._seen.keys()
        if self._missing:
            self._complete.clear()
            try:
                await asyncio.wait_for(self._complete.wait(), seconds)
            except TimeoutError:
                few = sorted(self._missing)[:3]
                raise TimeoutError(f"{len(self._missing)} of {len(wanted)} did not come: {few} …") from None
        return max(self._seen[identity] for identity in wanted)


def identities(bodies: Iterable[Body]) -> list[Identity]:
    return [(body["kind"], body["metadata"]["name"]) for body in bodies]


def path_of(body: Body) -> str:
    metadata = body["metadata"]
    return KINDS[body["kind"]].path(metadata.get("namespace"), metadata["name"])


def tls(config: Body) -> ssl.SSLContext | bool:
    """The TLS of a kubeconfig that holds its certificates."""
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    if not cluster["server"].startswith("https"):
        return False
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile() as file:
        file.write(base64.b64decode(user["client-certificate-data"]))
        file.write(base64.b64decode(user["client-key-data"]))
        file.flush()
        context.load_cert_chain(file.name)
    return context
