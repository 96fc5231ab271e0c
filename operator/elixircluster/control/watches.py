"""Where watches are wired: the only module that knows kopf.

kopf brings the streams, their reconnects and their start-up; its handlers' state, finalizers and annotations are not
used. An event does nothing but put the resource's key on the queue.

A watch begins with a list, at the start and after every gap. The list is taken whole out of kopf's own request: so
everything is listed once, and what was deleted in the gap is seen by its absence, which kopf tells nobody of.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Collection, Iterator, Mapping
from itertools import chain, product, repeat
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import kopf
import orjson
from kopf._cogs.structs.references import Insights
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

from elixircluster.control.listing import Body, Listing
from elixircluster.control.queue import Queue
from elixircluster.kube.api import PAGE, UNREACHABLE, Api, Kind
from elixircluster.kube.kinds import CLUSTERS, WATCHED
from elixircluster.observed.store import Store
from elixircluster.render.names import MANAGED_SELECTOR
from elixircluster.telemetry import metrics
from elixircluster.telemetry.health import Streams

SECONDS_BETWEEN_LOGINS = 5.0

Place = tuple[Kind, str | None]
"""A kind, in one namespace or in all."""


class Watches:
    """A watch for each kind and namespace. `begun` is set once each has begun, and everything is in the store."""

    def __init__(self, api: Api, store: Store, queue: Queue, namespaces: Collection[str], streams: Streams) -> None:
        self.begun = asyncio.Event()
        self._api = api
        self._store = store
        self._queue = queue
        self._namespaces = namespaces
        self._streams = streams
        root = urlsplit(api.server).path.rstrip("/")
        places = product((CLUSTERS, *WATCHED), namespaces or (None,))
        self._places: dict[str, Place] = {root + kind.path(namespace): (kind, namespace) for kind, namespace in places}
        self._listings: dict[str, Listing] = {}
        self._sessions: list[aiohttp.ClientSession] = []
        streams.expect(map(stream, self._places.values()))

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop`, or until kopf gives up on a broken stream."""
        insights = Insights()
        tasks = await kopf.spawn_tasks(
            registry=self._registry(),
            settings=settings(),
            memories=NoMemories(),
            insights=insights,
            # Asked for even without peering, and by default looked up in /etc/passwd, where the container's user is
            # not.
            identity=cast(Any, "elixircluster"),
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            stop_flag=stop,
        )
        # kopf has taken the process's signals, and at its end would wait 5 s for tasks that are none of its business.
        take_signals(stop)
        try:
            await kopf.run_tasks([*tasks, asyncio.create_task(complete(insights))], ignored=Everything())
        finally:
            for session in self._sessions:
                await session.close()

    def _registry(self) -> kopf.OperatorRegistry:
        """A handler per watched kind."""
        result = kopf.OperatorRegistry()
        kopf.on.login(registry=result)(self._login)
        for kind in (CLUSTERS, *WATCHED):
            kopf.on.event(kind.group, kind.version, kind.plural, registry=result, id=kind.plural)(self._handler(kind))
        return result

    def _handler(self, kind: Kind) -> Any:
        async def handle(event: Any, **_: Any) -> None:
            metrics.watch_age.set(time.time())
            body = event["object"]
            key = self._store.forget(kind, body) if event["type"] == "DELETED" else self._store.see(kind, body)
            if key:
                self._queue.add(key)

        return handle

    async def _login(self, **_: Any) -> kopf.AiohttpSession:
        """The way that all other requests go. kopf asks again after each 401, with no pause of its own."""
        if self._sessions:
            await asyncio.sleep(SECONDS_BETWEEN_LOGINS)
            await self._sessions.pop().close()
        session = self._api.session(response_class(self.listed, self._released), self._observe)
        self._sessions.append(session)
        return kopf.AiohttpSession(server=self._api.server, aiohttp_session=session)

    def listed(self, path: str, query: Mapping[str, str], page: Body) -> Body:
        """Take a page of a list, and leave kopf nothing of it but where the watch begins."""
        if path not in self._places or "watch" in query:
            return page
        self._streams.heard()
        for key in self._listings[path].take(page):
            self._queue.add(key, background=not self.begun.is_set())
        if not page["metadata"].get("continue"):
            del self._listings[path]
        return {**page, "items": []}

    async def _observe(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """See which streams flow."""
        path, query = request.url.path, request.url.query
        place = self._places.get(path)
        if place and not query.keys() & {"watch", "continue"}:
            self._listings[path] = Listing(self._store, *place)
        try:
            response = await handler(request)
        except UNREACHABLE as error:
            if place:
                self._streams.broken(stream(place), str(error) or type(error).__name__)
            raise
        if place is None or response.status >= 400:
            self._streams.heard()
        if place and response.status >= 400:
            self._streams.broken(stream(place), f"HTTP {response.status}")
        elif place and "watch" in query:
            self._began(place)
        if response.status == 429 and not response.headers.get("Retry-After", "0").isdecimal():
            # kopf takes a number for granted, and would end at a date.
            response.close()
            raise aiohttp.ClientConnectionError("429, and Retry-After is no number")
        return response

    def _released(self, path: str, query: Mapping[str, str]) -> None:
        if path in self._places and "watch" in query:
            self._streams.ended(stream(self._places[path]))

    def _began(self, place: Place) -> None:
        self._streams.flows(stream(place))
        if not self.begun.is_set() and self._streams.begun(map(stream, self._places.values())):
            self.begun.set()


async def complete(insights: Insights) -> None:
    """Raise where kopf, which asks once at its start, was not told of a kind: that watch would never begin."""
    await insights.ready_resources.wait()
    missing = {kind.plural for kind in (CLUSTERS, *WATCHED)} - {found.plural for found in insights.watched_resources}
    if missing:
        raise RuntimeError(f"the API server does not know {', '.join(sorted(missing))}")
    await asyncio.Event().wait()


def stream(place: Place) -> str:
    """What a watch is called."""
    kind, namespace = place
    return f"watch of {kind.plural}" + (f" in {namespace}" if namespace else "")


def response_class(listed: Any, released: Any) -> type[aiohttp.ClientResponse]:
    """Answers whose lists go through `listed`, and whose end is told to `released`."""

    class Response(aiohttp.ClientResponse):
        async def json(self, **options: Any) -> Any:
            content = await super().json(**options | {"loads": orjson.loads})
            return listed(self.url.path, self.url.query, content) if self.status == 200 else content

        def release(self) -> Any:
            released(self.url.path, self.url.query)
            return super().release()

    return Response


class Backoffs:
    """Seconds between attempts, without an end: with kopf's own, a minute of 5xx would end the process."""

    def __iter__(self) -> Iterator[float]:
        return chain((1.0, 1.0, 2.0, 3.0), repeat(5.0))


def settings() -> kopf.OperatorSettings:
    """Kopf as a source of events and nothing else."""
    result = kopf.OperatorSettings()
    result.peering.standalone = True
    result.scanning.disabled = True
    result.posting.enabled = False
    result.persistence.diffbase_storage = NoDiffs()
    result.persistence.progress_storage = NoProgress()
    # A worker per object that lingers for 5 s holds 13 KiB an object; nothing here needs it to linger.
    result.queueing.idle_timeout = 0.05
    result.watching.chunk_size = PAGE
    result.watching.server_timeout = 600
    result.networking.request_timeout = 30
    result.networking.error_backoffs = Backoffs()
    for kind in WATCHED:
        result.watching.label_selectors[kind.plural] = MANAGED_SELECTOR
    # Every handled event would be a line.
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    return result


class NoDiffs(kopf.DiffBaseStorage):
    """kopf's own copies each object several times an event, for handlers of another kind than ours."""

    def build(self, **_: Any) -> Any:
        """Nothing to compare."""
        return {}

    def fetch(self, **_: Any) -> None:
        """Nothing was stored."""

    def store(self, **_: Any) -> None:
        """Nothing is stored."""


class NoProgress(kopf.ProgressStorage):
    """Handlers of events are called once, so there is no progress to keep."""

    def fetch(self, **_: Any) -> None:
        """Nothing was stored."""

    def store(self, **_: Any) -> None:
        """Nothing is stored."""

    def purge(self, **_: Any) -> None:
        """Nothing is stored."""

    def touch(self, **_: Any) -> None:
        """Nothing is written."""

    def clear(self, *, essence: Any) -> Any:
        """Nothing of it is in the object."""
        return essence


class NoMemories(ResourceMemories):
    """kopf keeps a record of each object, for daemons and repeated handlers, of which there are none here."""

    async def recall(self, raw_body: Any, **options: Any) -> ResourceMemory:
        """A new record, kept by nobody."""
        return await super().recall(raw_body, **options | {"ephemeral": True})


def take_signals(stop: asyncio.Event) -> None:
    """A signal to end sets `stop`."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


class Everything(frozenset[Any]):
    """Contains whatever is asked for."""

    def __contains__(self, _: object) -> bool:
        return True
