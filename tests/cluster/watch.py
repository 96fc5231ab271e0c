"""A very small Kubernetes client: list and watch, for the cluster's own helpers."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

Object = dict[str, Any]

RETRY_SECONDS = 0.3
# A watch that the server never ends may hang unnoticed: ask for a new one now and then.
WATCH_SECONDS = 300
CONNECT_SECONDS = 5
# On a machine that is cut off nobody says that a connection has ended.
SILENCE = {socket.TCP_KEEPIDLE: 5, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 2}


class Api:
    """Requests to one API server, with the certificates of a kubeconfig."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session = session
        self._server = server

    async def request(self, method: str, path: str, body: Object | None = None, kind: str = "json") -> Object:
        headers = {"Content-Type": f"application/{kind}"}
        data = None if body is None else json.dumps(body)
        async with self._session.request(method, self._server + path, data=data, headers=headers) as answer:
            content: Object = await answer.json(content_type=None)
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {content.get('message')}")
            return content

    async def watch(self, path: str) -> AsyncIterator[Object]:
        """Events of one kind until the server ends the watch; first a `LIST` with all there is."""
        listing = await self.request("GET", path)
        yield {"type": "LIST", "items": listing["items"]}
        version = listing["metadata"]["resourceVersion"]
        query = f"?watch=1&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS}"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=WATCH_SECONDS + 10)
        async with self._session.get(self._server + path + query, timeout=timeout) as answer:
            answer.raise_for_status()
            buffer = b""
            async for chunk in answer.content.iter_any():
                *lines, buffer = (buffer + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        return  # the version is too old: list again
                    yield event


@dataclass(frozen=True)
class Access:
    """Where the API server is, and who we are to it."""

    server: str
    tls: ssl.SSLContext


def read_access(kubeconfig: Path) -> Access:
    """Read a kubeconfig that holds its certificates in itself."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = ssl.create_default_context(cadata=_decoded(cluster["certificate-authority-data"]))
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:
        pem.write(_decoded(user["client-certificate-data"]) + _decoded(user["client-key-data"]))
        pem.flush()
        context.load_cert_chain(pem.name)
    return Access(cluster["server"], context)


@asynccontextmanager
async def connect(access: Access) -> AsyncIterator[Api]:
    connector = aiohttp.TCPConnector(ssl=access.tls, limit=0, socket_factory=_socket)
    timeout = aiohttp.ClientTimeout(total=30, sock_connect=CONNECT_SECONDS)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield Api(session, access.server)


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in SILENCE.items():
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


class Mirror:
    """All objects of one kind as the API server last told them; calls back on every change."""

    def __init__(self, api: Api, path: str, changed: Callable[[], None]) -> None:
        self.objects: dict[str, Object] = {}
        self.synced = False
        self._api = api
        self._path = path
        self._changed = changed

    async def run(self) -> None:
        while True:
            try:
                async for event in self._api.watch(self._path):
                    self._take(event)
                    self._changed()
            except (aiohttp.ClientError, OSError, RuntimeError, TimeoutError) as error:
                print(f"{self._path}: {error!r}; again", flush=True)
            await asyncio.sleep(RETRY_SECONDS)

    def _take(self, event: Object) -> None:
        if event["type"] == "LIST":
            self.objects = {_key(item): item for item in event["items"]}
            self.synced = True
        elif event["type"] == "DELETED":
            self.objects.pop(_key(event["object"]), None)
        else:
            self.objects[_key(event["object"])] = event["object"]


def _key(item: Object) -> str:
    return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
