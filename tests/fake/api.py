"""What a client of the API server has in hand: the methods of `elixircluster.kube.api.Api`, over the fake.

A request travels for a while, takes effect, and its answer travels back. It takes effect even where the client has
gone meanwhile, and where the answer is lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp

from elixircluster.kube.api import FIELD_MANAGER, JSON, METADATA_LIST, Body, Kind
from elixircluster.kube.kinds import CLUSTERS
from tests.fake.server import Change, Ref, Server, matches, refused

WRITES = {"create", "replace", "apply", "merge", "delete"}


@dataclass(frozen=True)
class Request:
    """What is asked for."""

    verb: str
    kind: Kind
    name: str
    body: Body | None = None
    subresource: str = ""


@dataclass
class Faults:
    """What goes wrong, and how often. `next_ones` come first, one a request that they fit; then it is by chance."""

    random: Random = field(default_factory=lambda: Random(0))
    rate: float = 0.0
    next_ones: deque[tuple[str, str]] = field(default_factory=deque)
    """Pairs of a verb and a fault."""

    def draw(self, request: Request) -> str:
        """The fault of this request, or nothing."""
        if self.next_ones and self.next_ones[0][0] in {request.verb, ""}:
            return self.next_ones.popleft()[1]
        return self.random.choice(FAULTS) if self.random.random() < self.rate else ""


FAULTS = (
    "429 before",
    "500 before",
    "503 before",
    "500 after",
    "504 after",
    "timeout before",
    "timeout after",
    "connection before",
    "connection after",
)
TIMEOUT_SECONDS = 30.0
RETRY_AFTER_SECONDS = 2.0


async def fail(fault: str) -> None:
    """Raise what the client sees of a fault."""
    if fault.startswith("timeout"):
        await asyncio.sleep(TIMEOUT_SECONDS)
        raise TimeoutError
    if fault.startswith("connection"):
        raise aiohttp.ClientConnectionError("connection reset by peer")
    code = int(fault[:3])
    after = RETRY_AFTER_SECONDS if code == 429 else None
    raise refused(code, "Fault", "this is a fault on purpose", after)


class Api:
    """One client. `issued` is told of each request when it is sent, `seen` of each object that an answer brings."""

    def __init__(
        self,
        server: Server,
        *,
        actor: str = FIELD_MANAGER,
        latency: Callable[[], float] = lambda: 0.0,
        faults: Faults | None = None,
        page: int = 500,
    ) -> None:
        self._server = server
        self._actor = actor
        self._latency = latency
        self._page = page
        self.faults = faults or Faults()
        self.permit: Callable[[], None] = lambda: None
        self.issued: Callable[[Request], None] = lambda _: None
        self.seen: Callable[[Ref, Body | None, int], None] = lambda *_: None
        self.listed: Callable[[Kind, set[str], int], None] = lambda *_: None
        self.writes: list[Request] = []

    async def close(self) -> None:
        """There is nothing to close."""

    async def get(self, kind: Kind, _namespace: str | None, name: str) -> Body | None:
        ref = Ref(kind.kind, name)
        body, number = await self._call(
            Request("get", kind, name), lambda: (self._server.get(ref), self._server.written)
        )
        self.seen(ref, body, number)
        return clone(body)

    async def pages(
        self, kind: Kind, _namespace: str | None, labels: str = "", *, fields: str = "", accept: str = JSON
    ) -> AsyncIterator[Body]:
        """Consistent as of the first page, whatever is written meanwhile."""
        items: Sequence[Body] = ()
        version, start, number = "", 0, 0
        while not version or start < len(items):

            def effect() -> None:
                nonlocal items, version, number
                if not version:
                    found = self._server.listed(kind.kind, labels)
                    items, version = [item for item in found if has(fields, item)], str(self._server.version)
                    number = self._server.written

            await self._call(Request("list", kind, ""), effect)
            page = items[start : start + self._page]
            start += self._page
            for item in page:
                self.seen(Ref(kind.kind, item["metadata"]["name"]), item, number)
            metadata = {"resourceVersion": version, **({"continue": str(start)} if start < len(items) else {})}
            if start >= len(items) and not fields:
                self.listed(kind, {item["metadata"]["name"] for item in items}, number)
            yield {"metadata": metadata, "items": [listed(item, accept) for item in page]}

    async def create(self, kind: Kind, body: Body) -> Body:
        request = Request("create", kind, body["metadata"].get("name", ""), body)
        return await self._write(request, lambda: self._server.create(self._actor, kind, clone(body)))

    async def replace(self, kind: Kind, body: Body) -> Body:
        request = Request("replace", kind, body["metadata"]["name"], body)
        return await self._write(request, lambda: self._server.replace(self._actor, kind, clone(body)))

    async def apply(self, kind: Kind, body: Body, *, subresource: str = "") -> Body:
        request = Request("apply", kind, body["metadata"]["name"], body, subresource)
        return await self._write(request, lambda: self._server.apply(self._actor, kind, clone(body), subresource))

    async def merge(self, kind: Kind, _namespace: str, name: str, patch: Body, *, subresource: str = "") -> Body:
        request = Request("merge", kind, name, patch, subresource)
        sent = clone(patch)
        return await self._write(request, lambda: self._server.merge(self._actor, kind, name, sent, subresource))

    async def delete(self, kind: Kind, _namespace: str, name: str, *, uid: str, resource_version: str) -> None:
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        request = Request("delete", kind, name, preconditions)
        await self._call(request, lambda: self._server.delete(self._actor, kind, name, preconditions))

    @asynccontextmanager
    async def watch_metadata(
        self, kind: Kind, _namespace: str | None, labels: str, resource_version: str, seconds: int
    ) -> AsyncIterator[AsyncIterator[Body]]:
        """What changes from now on; it is not remembered what went before."""
        yield self._changes(kind, labels, resource_version, seconds)

    async def _changes(self, kind: Kind, labels: str, resource_version: str, seconds: int) -> AsyncIterator[Body]:
        if int(resource_version) < self._server.version:
            yield {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}
            return
        news: asyncio.Queue[Body] = asyncio.Queue()

        def hear(change: Change) -> None:
            if change.type and change.ref.kind == kind.kind and matches(labels, change.body):
                news.put_nowait({"type": change.type, "object": {"metadata": change.body["metadata"]}})

        self._server.listeners.append(hear)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    yield await news.get()
        except TimeoutError:
            return
        finally:
            self._server.listeners.remove(hear)

    async def _write(self, request: Request, effect: Callable[[], Body]) -> Body:
        body, number = await self._call(request, lambda: (effect(), self._server.written))
        self.seen(Ref(request.kind.kind, body["metadata"]["name"]), body, number)
        return clone(body)

    async def _call(self, request: Request, effect: Callable[[], Any]) -> Any:
        if request.verb in WRITES:
            self.permit()
            self.writes.append(request)
        self.issued(request)
        fault = self.faults.draw(request)
        if fault.endswith("before"):
            await asyncio.sleep(self._latency())
            await fail(fault)
        result = await self._travel(effect)
        if fault:
            await fail(fault)
        return result

    async def _travel(self, effect: Callable[[], Any]) -> Any:
        """There and back. The effect comes whether or not somebody still waits for the answer.

        An API server whose etcd is restored is started anew, so what was on its way then never comes to an end.
        """
        loop, life = asyncio.get_running_loop(), self._server.restores
        answer: asyncio.Future[Any] = loop.create_future()

        def arrive() -> None:
            try:
                result = effect() if life == self._server.restores else None
            except Exception as error:  # noqa: BLE001 - it is the client's
                loop.call_later(self._latency(), settle, answer, None, error)
            else:
                loop.call_later(self._latency(), settle, answer, result, None)

        loop.call_later(self._latency(), arrive)
        await asyncio.wait([answer])
        if life != self._server.restores:
            raise aiohttp.ClientConnectionError("the API server was started anew")
        return answer.result()


def has(fields: str, body: Body) -> bool:
    """Whether an object has what a field selector asks for; of Events that is the uid of what they are about."""
    return not fields or fields == f"involvedObject.uid={body['involvedObject']['uid']}"


def settle(answer: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    """The answer arrives, if somebody waits for it."""
    if answer.done():
        return
    if error:
        answer.set_exception(error)
    else:
        answer.set_result(result)


def listed(body: Body, accept: str) -> Body:
    """An object in a list: without its kind where it is Kubernetes' own, and perhaps without all but its metadata."""
    if accept == METADATA_LIST:
        return {"metadata": clone(body["metadata"])}
    untold = () if body["kind"] == CLUSTERS.kind else ("apiVersion", "kind")
    return {name: clone(value) for name, value in body.items() if name not in untold}


def clone(value: Any) -> Any:
    """A deep copy of plain data."""
    if isinstance(value, dict):
        return {name: clone(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [clone(item) for item in value]
    return value
