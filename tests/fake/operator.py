"""One process of the operator, with everything real but kopf and the network. The only module that knows its parts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from elixircluster.control import process, workers
from elixircluster.control.leader import Leader
from elixircluster.control.listing import Listing
from elixircluster.control.queue import Queue
from elixircluster.control.reconcile import Reconciler
from elixircluster.control.references import ReferenceWatch
from elixircluster.errors import Retry
from elixircluster.kube.api import UNREACHABLE, Kind
from elixircluster.kube.kinds import CLUSTERS, EVENTS, SOMETIMES_KNOWN, WATCHED
from elixircluster.observed.store import Store
from elixircluster.render.names import MANAGED_SELECTOR
from elixircluster.render.templates import Templates
from elixircluster.telemetry.health import Streams
from tests.fake.api import Api, Faults, Request
from tests.fake.meshes import Meshes
from tests.fake.server import NAMESPACE
from tests.fake.view import View
from tests.fake.watch import Watch

if TYPE_CHECKING:
    from tests.fake.world import World

TEMPLATES = Templates()
WORKERS = 2
RESTART_SECONDS = 1.0
LEASE_PACE = (0.0, 0.1)
"""An API server that takes longer has no leader at all."""
ALL = (CLUSTERS, *WATCHED, *SOMETIMES_KNOWN)


class Operator:
    """Stands by, leads, and begins anew with an empty memory where that ends."""

    def __init__(self, world: World, identity: str, *, elects: bool) -> None:
        self._world = world
        self._identity = identity
        self.elects = elects
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self._watches: list[Watch] = []
        self.view = View()
        self.api = self._client(identity, world.pace)
        self.lease_api = self._client(f"{identity}/lease", LEASE_PACE)
        self.queue: Queue | None = None
        self.reconciler: Reconciler | None = None
        self.store = Store()
        self.meshes: Meshes | None = None
        self.restarts = -1

    @property
    def running(self) -> bool:
        """Whether the process was not stopped."""
        return self._task is not None and not self._stopped and not self._task.done()

    @property
    def leading(self) -> bool:
        """Whether it works, and does not only stand by."""
        return self.running and bool(self._watches)

    @property
    def idle(self) -> bool:
        """Whether it waits for news, and none is on its way. Who stands by is."""
        if not self.leading or self.queue is None:
            return True
        busy = self.queue._ready or self.queue._active or self.queue._background or self.queue._backoffs
        looks = self.meshes is not None and not self.meshes.quiet
        return not busy and not looks and all(watch.quiet for watch in self._watches)

    @property
    def writes(self) -> list[Request]:
        """Everything that it wrote, but for what is a courtesy."""
        return [request for request in self.api.writes if request.kind != EVENTS]

    def start(self) -> None:
        """As a process."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """Killed: what it was about to write may still arrive."""
        assert self._task is not None
        self._stopped = True
        self._task.cancel()
        self._close()

    def break_watches(self, seconds: float, kinds: Collection[str] = ()) -> None:
        """The streams of these kinds end, and begin anew after a while."""
        for watch in self._watches:
            if not kinds or watch.kind.kind in kinds:
                watch.gap(seconds)

    async def by_hand(self) -> None:
        """Every resource once more, though nobody asked for it."""
        assert self.reconciler is not None
        for key in self.store.keys():  # noqa: SIM118 - not a dict
            try:
                await self.reconciler.reconcile(key)
            except Retry:
                continue

    async def look_again(self) -> None:
        """The whole world, listed, as the resync does."""
        assert self.queue is not None
        await process.resynced(self.api, self.store, ALL, (), self.queue.add)

    async def _run(self) -> None:
        while True:
            self.restarts += 1
            try:
                if self.elects:
                    leader = Leader(self.lease_api, NAMESPACE, "elixircluster", self._identity)
                    self.api.permit = leader.permit
                    await leader.acquire()
                    await self._lead(leader.hold())
                else:
                    await self._lead()
            except UNREACHABLE:
                pass
            finally:
                self._close()
            await asyncio.sleep(RESTART_SECONDS)

    async def _lead(self, *tasks: Any) -> None:
        """As `process.lead`."""
        self.view.objects.clear()
        self.store, self.queue = Store(asyncio.get_running_loop().time), Queue()
        self.meshes = Meshes(
            self._world.kubelets, self.store, self._world.delays(f"{self._identity}/looks"), self.queue.add
        )
        self.reconciler = Reconciler(self.api, self.store, TEMPLATES, self.meshes, self._world.now)
        streams = Streams(asyncio.get_running_loop().time)
        references = ReferenceWatch(self.api, self.store, self.queue, streams).run(())
        await process.first(*tasks, self._work(self.store, self.queue, self.reconciler), references)

    async def _work(self, store: Store, queue: Queue, reconciler: Reconciler) -> None:
        self._open_watches(store, queue)
        while not all(watch.begun for watch in self._watches):  # noqa: ASYNC110 - nobody sets an event
            await asyncio.sleep(0.1)
        await process.resynced(self.api, store, SOMETIMES_KNOWN, (), queue.add)
        await workers.start(queue, reconciler, WORKERS)

    def _open_watches(self, store: Store, queue: Queue) -> None:
        for kind in (CLUSTERS, *WATCHED):
            watch = Watch(
                self._world.server,
                kind,
                "" if kind == CLUSTERS else MANAGED_SELECTOR,
                handler(kind, store, queue),
                lister(kind, store, queue),
                self._world.random(f"{self._identity}/{kind.plural}"),
            )
            watch.delays = self._world.pace
            watch.seen, watch.saw_all = self.view.see, self.view.see_list
            self._watches.append(watch)
        for watch in self._watches:
            watch.open()

    def _close(self) -> None:
        for watch in self._watches:
            watch.close()
        self._watches = []
        if self.meshes:
            self.meshes.close()
            self.meshes = None

    def _client(self, stream: str, pace: Sequence[float]) -> Api:
        api = Api(
            self._world.server,
            latency=self._world.delays(stream, pace),
            faults=Faults(self._world.random(f"{stream}/faults")),
            page=2,
        )
        api.seen = self.view.see
        api.listed = self.view.see_list
        api.issued = lambda request: self._world.judge.issued(self.view, request)
        return api


def handler(kind: Kind, store: Store, queue: Queue) -> Any:
    """What kopf would call with an event."""

    async def hand_on(type_: str, body: dict[str, Any]) -> None:
        if key := store.forget(kind, body) if type_ == "DELETED" else store.see(kind, body):
            queue.add(key)

    return hand_on


def lister(kind: Kind, store: Store, queue: Queue) -> Any:
    """What becomes of a list, which is taken out of kopf's own request, page by page."""

    def ask() -> Any:
        listing = Listing(store, kind, None)

        async def take(items: list[dict[str, Any]], version: str) -> None:
            half = len(items) // 2
            for more, part in (({"continue": "more"}, items[:half]), ({}, items[half:])):
                for key in listing.take({"metadata": {"resourceVersion": version, **more}, "items": part}):
                    queue.add(key)

        return take

    return ask
