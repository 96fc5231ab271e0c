"""A proxy between the operator and the API server that breaks one thing, at one event, the same way every time.

After Sieve (OSDI'22): faults are triggered by what passes, never by a clock, so a plan that fails once fails again.
A write is known by what it does (`PATCH services/chat-nodes 1`: the first such), because writes that are sent at
once come in any order.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web

from .client import Body, Client

READS = {"GET", "HEAD", "OPTIONS"}
PASSED_ON = ("Content-Type", "Accept", "User-Agent")
REASONS = {409: "Conflict", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}
GONE = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410}


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    `action`: crash-before (the operator dies, the write is not made), crash-after (made, no reply), crash-replied,
    lost-reply (made, answered 500), reset (made, connection cut), refuse (not made, answered `code`), delay.
    `write`: which one; None is every write, each once.
    """

    action: str
    write: str | None = None
    code: int = 500
    seconds: float = 0.0

    def __str__(self) -> str:
        code = f" {self.code}" if self.action == "refuse" else ""
        return f"{self.action}{code} @ {self.write or 'every write'}"


@dataclass
class Write:
    """One write that was asked for, and what became of it; `code` 0 is one that never reached the API server."""

    name: str
    code: int = 0
    at: float = field(default_factory=time.monotonic)

    @property
    def target(self) -> str:
        """Verb, resource and object, without the ordinal."""
        return self.name.rpartition(" ")[0]


class Proxy:
    """One per operator, so that its journal is that operator's."""

    def __init__(self, upstream: Client, folder: Path) -> None:
        self._upstream = upstream
        self.kubeconfig = folder / "kubeconfig"
        self.journal: list[Write] = []
        self.crash: Callable[[], None] = lambda: None
        self.hit: list[str] = []
        """The faults that came to pass."""
        self._fault: Fault | None = None
        self._ordinals: Counter[str] = Counter()
        self._watches: dict[str, list[asyncio.Queue[bytes | None]]] = {}
        self._held: set[str] = set()
        application = web.Application(client_max_size=1 << 24)
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Proxy:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.kubeconfig.write_text(yaml.safe_dump(kubeconfig(f"http://127.0.0.1:{port}")))
        return self

    async def __aexit__(self, *_: object) -> None:
        for queues in self._watches.values():
            for queue in queues:
                queue.put_nowait(None)
        await self._runner.cleanup()

    def arm(self, fault: Fault | None) -> None:
        """From now on, this goes wrong. Ordinals count from here."""
        self._fault = fault
        self._ordinals.clear()
        self.journal.clear()
        self.hit.clear()

    def hold(self, plural: str) -> None:
        """From now on, watches of this resource tell nothing: what happens falls into the gap."""
        self._held.add(plural)

    def expire(self, plural: str) -> None:
        """End them with 410, as the API server does when it no longer has what the watcher asks for."""
        self._held.discard(plural)
        self.hit.append(f"410 @ {plural}")
        line = json.dumps({"type": "ERROR", "object": GONE}).encode() + b"\n"
        for queue in self._watches.get(plural, []):
            queue.put_nowait(line)
            queue.put_nowait(None)

    def writes(self) -> list[Write]:
        """What reached the API server."""
        return [write for write in self.journal if write.code]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            if "watch" in request.query:
                return await self._watch(request)
            body = await request.read()
            name = None if request.method in READS or "/leases" in request.path else describe(request, body)
            if name is None:
                return answer(*await self._forward(request, body))
            return await self._write(request, body, self._numbered(name))
        except aiohttp.ClientError:
            # The API server is away: so is the proxy.
            return self._cut(request)

    async def _write(self, request: web.Request, body: bytes, name: str) -> web.StreamResponse:
        write = Write(name)
        self.journal.append(write)
        fault = self._due(name)
        action = fault.action if fault else ""
        if fault and action == "crash-before":
            self.crash()
            return self._cut(request)
        if fault and action == "refuse":
            return refusal(fault)
        if fault and action == "delay":
            await asyncio.sleep(fault.seconds)
        write.code, headers, content = await self._forward(request, body)
        if fault and action == "crash-after":
            self.crash()
        if action in {"crash-after", "reset"}:
            return self._cut(request)
        if fault and action == "lost-reply":
            return refusal(fault)
        if fault and action == "crash-replied":
            asyncio.get_running_loop().call_later(0.005, self.crash)
        return answer(write.code, headers, content)

    def _numbered(self, target: str) -> str:
        self._ordinals[target] += 1
        return f"{target} {self._ordinals[target]}"

    def _due(self, name: str) -> Fault | None:
        """The fault, where it is this write's turn."""
        fault = self._fault
        if fault is None:
            return None
        every_first = fault.write is None and name.endswith(" 1")
        if fault.write == name or every_first:
            self.hit.append(f"{fault.action} @ {name}")
            return fault
        return None

    async def _forward(self, request: web.Request, body: bytes) -> tuple[int, dict[str, str], bytes]:
        headers = {key: request.headers[key] for key in PASSED_ON if key in request.headers}
        url = self._upstream.server + request.raw_path
        async with self._upstream.session.request(
            request.method, url, data=body or None, headers=headers, skip_auto_headers=["Content-Type"]
        ) as response:
            kept = {key: response.headers[key] for key in ("Content-Type", "Retry-After") if key in response.headers}
            return response.status, kept, await response.read()

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        plural = request.path.rstrip("/").rpartition("/")[2]
        headers = {key: request.headers[key] for key in PASSED_ON if key in request.headers}
        url = self._upstream.server + request.raw_path
        timeout = aiohttp.ClientTimeout(total=None)
        session = self._upstream.session
        async with session.get(url, headers=headers, timeout=timeout, read_bufsize=1 << 22) as response:
            if response.status != 200:
                kept = {"Content-Type": response.headers["Content-Type"]}
                return answer(response.status, kept, await response.read())
            reply = web.StreamResponse(headers={"Content-Type": "application/json"})
            await reply.prepare(request)
            queue: asyncio.Queue[bytes | None] = asyncio.Queue()
            self._watches.setdefault(plural, []).append(queue)
            reader = asyncio.create_task(self._read(response, plural, queue))
            try:
                while line := await queue.get():
                    await reply.write(line)
            except ConnectionError:
                pass  # the operator went
            finally:
                self._watches[plural].remove(queue)
                reader.cancel()
            return reply

    async def _read(self, response: aiohttp.ClientResponse, plural: str, queue: asyncio.Queue[bytes | None]) -> None:
        try:
            async for line in response.content:
                if plural not in self._held:
                    queue.put_nowait(line)
        except aiohttp.ClientError:
            pass  # the API server went
        finally:
            queue.put_nowait(None)

    def _cut(self, request: web.Request) -> web.Response:
        if request.transport:
            request.transport.abort()
        return web.Response(status=500)


def describe(request: web.Request, body: bytes) -> str | None:
    """What a write does: verb, resource, object, subresource. Events are a courtesy and no part of any plan."""
    parts = request.path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if parts[0] == "namespaces" and len(parts) > 2:
        parts = parts[2:]
    if parts[0] == "events":
        return None
    if len(parts) == 1:
        metadata: Body = json.loads(body)["metadata"]
        parts.append(metadata["name"])
    return f"{request.method} {'/'.join(parts)}"


def refusal(fault: Fault) -> web.Response:
    headers = {"Retry-After": "1"} if fault.code == 429 else {}
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": fault.code}
    status |= {"reason": REASONS[fault.code], "message": "a fault on purpose"}
    return web.json_response(status, status=fault.code, headers=headers)


def answer(code: int, headers: dict[str, str], content: bytes) -> web.Response:
    return web.Response(status=code, headers=headers, body=content)


def kubeconfig(server: str) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "proxy", "cluster": {"server": server}}],
        "users": [{"name": "operator", "user": {"token": "none"}}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "operator"}}],
        "current-context": "proxy",
    }
