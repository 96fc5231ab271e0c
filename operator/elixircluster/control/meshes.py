"""Every mesh, seen from outside: who sees and hears whom, and what is dialled again.

Readiness never depends on it. What it sees is one condition, a few numbers in status and metrics; what it does is to
ask a node to connect with another. https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from elixircluster.api.resource import ElixirCluster, Key, parse
from elixircluster.control.credentials import Credentials, NotAskableError
from elixircluster.control.queue import Queue
from elixircluster.control.rollout import Pod
from elixircluster.control.world import World
from elixircluster.errors import Stalled
from elixircluster.kube import Api, ApiError
from elixircluster.mesh import calls, heal
from elixircluster.mesh.connection import Connection, Identity, Target, dial
from elixircluster.mesh.failure import Failed, Failure, MeshError
from elixircluster.mesh.member import Answers, Member
from elixircluster.mesh.probe import DIALS_AT_ONCE, Prober
from elixircluster.mesh.view import Link, MeshView, view
from elixircluster.observe import metrics
from elixircluster.render.discovery import name_of

logger = logging.getLogger(__name__)

ROUND_SECONDS = 0.5
IDLE_SECONDS = 5.0
FORMING_PAUSE_SECONDS = 1.0
"""From look to look while nodes that have just started still look for each other."""
SOONEST_SECONDS = 0.1
"""Between two looks, whatever the news."""
REDIAL_SECONDS = 2.0
"""How long we wait for a node to connect with another over a way that is open. It tries on for seven seconds."""


Dial = Callable[[Member, str, float], Awaitable[Connection]]
"""A new connection with this cookie, in so many seconds at most. Raises `MeshError`."""


@dataclass
class Watched:
    """One mesh, and the way to it."""

    prober: Prober
    secret_version: str
    history: heal.History = field(default_factory=dict)
    seen: MeshView | None = None
    given_up: tuple[Link, ...] = ()
    unhealed: str = ""


@dataclass
class Followed:
    """What the task that looks at one mesh is told by others."""

    wake: asyncio.Event = field(default_factory=asyncio.Event)
    ready: frozenset[str] = frozenset()
    removing: frozenset[str] = frozenset()


class Meshes:
    """Looks at each mesh every so many seconds, and wakes its resource where something changed."""

    def __init__(self, api: Api, world: World, queue: Queue, name: str) -> None:
        self._credentials = Credentials(api)
        self._world = world
        self._queue = queue
        self._identity = Identity(name)
        # A node lets one connection of a name live, and ends the one before.
        self._beside = Identity(f"rotation-{name}")
        self._turns = asyncio.Semaphore(DIALS_AT_ONCE)
        self._watched: dict[Key, Watched] = {}
        self._followed: dict[Key, Followed] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}

    def refused(self, key: Key) -> bool:
        """Whether a node was last seen to have another cookie than the Secret."""
        watched = self._watched.get(key)
        silent = watched.seen.silent.values() if watched and watched.seen else ()
        return any(failed.failure is Failure.WRONG_COOKIE for failed in silent)

    def use_cookie(self, key: Key, cookie: str) -> None:
        """Dial with this cookie from now on. Open connections go on: they never ask for it again."""
        watched = self._watched.get(key)
        if watched:
            watched.prober.use_cookie(cookie)

    async def dialler(self, cluster: ElixirCluster) -> Dial:
        """Makes connections to the nodes beside those of looking, which it leaves as they are."""
        tls = await self._credentials.tls(cluster)

        async def connect(member: Member, cookie: str, seconds: float) -> Connection:
            target = Target(member.node, member.address, member.port)
            async with self._turns:
                return await dial(target, cookie, self._beside, seconds=seconds, tls=tls)

        return connect

    def seen(self, key: Key) -> tuple[MeshView | None, str]:
        """The mesh as it was last seen, and what a person can do about links that do not heal."""
        watched = self._watched.get(key)
        return (watched.seen, watched.unhealed) if watched else (None, "")

    def given_up(self, key: Key) -> tuple[Link, ...]:
        """The links that were dialled often enough in vain."""
        watched = self._watched.get(key)
        return watched.given_up if watched else ()

    def tell(self, key: Key, ready: Collection[str], removing: Collection[str]) -> None:
        """What the reconcile knows: the pods that are ready, and those that it is about to remove.

        The next look comes at once where a pod has become ready.
        """
        followed = self._followed.get(key)
        if followed is None:
            return
        if set(ready) - followed.ready:
            followed.wake.set()
        followed.ready, followed.removing = frozenset(ready), frozenset(removing)

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            while True:
                self._follow_all()
                await asyncio.sleep(ROUND_SECONDS)
        finally:
            for task in self._tasks.values():
                task.cancel()

    def _follow_all(self) -> None:
        for key, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[key]
        for key in self._world.keys():  # noqa: SIM118 - not a dict
            if key not in self._tasks:
                self._tasks[key] = asyncio.create_task(self._follow(key))

    async def _follow(self, key: Key) -> None:
        """Look at one mesh for as long as there is its resource."""
        known, cluster = None, None
        followed = self._followed[key] = Followed()
        clock = asyncio.get_running_loop().time
        try:
            while body := self._world.cluster(key):
                if body is not known:
                    known, cluster = body, readable(body)
                followed.wake.clear()
                started = clock()
                if cluster and cluster.spec.mesh.probe == "Enabled":
                    await self._try_to_look(cluster, followed)
                else:
                    await self._forget(key)
                await asyncio.sleep(SOONEST_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(started + self._pause(cluster)):
                        await followed.wake.wait()
        finally:
            del self._followed[key]
            await self._forget(key)

    def _pause(self, cluster: ElixirCluster | None) -> float:
        """Seconds from a look to the next."""
        if cluster is None:
            return IDLE_SECONDS
        watched, interval = self._watched.get(cluster.key), float(cluster.spec.mesh.interval_seconds)
        forming = watched and watched.seen and watched.seen.young and not watched.seen.verdict.clustered
        return min(interval, FORMING_PAUSE_SECONDS) if forming else interval

    async def _try_to_look(self, cluster: ElixirCluster, followed: Followed) -> None:
        """Whatever goes wrong with one mesh, the next look is the next."""
        try:
            await self._look(cluster, followed)
        except NotAskableError:
            pass
        except (ApiError, aiohttp.ClientError, TimeoutError) as error:
            logger.info("cannot ask the nodes of %s: %s", cluster.key, error or type(error).__name__)
        except Exception:
            logger.exception("look at the nodes of %s failed", cluster.key)

    async def _look(self, cluster: ElixirCluster, followed: Followed) -> None:
        staying = members(cluster, self._world)
        watched = self._watched.get(cluster.key)
        if not staying:
            if watched and watched.seen:
                watched.seen = None
                self._queue.add(cluster.key)
            return
        watched = watched or await self._watch(cluster, followed)
        before, unhealed = watched.seen, watched.unhealed
        answers, seen = await self._see(cluster, watched, staying)
        if before is None or summary(before) != summary(seen):
            # Told at once: healing takes its time.
            self._queue.add(cluster.key)
        if watched.prober.late:
            # Who answers neither this look nor the next, which comes at once, is frozen.
            followed.wake.set()
        elif heals(cluster):
            await self._heal(watched, seen, followed)
        else:
            watched.given_up, watched.unhealed = (), ""
        if unhealed != watched.unhealed:
            self._queue.add(cluster.key)
        if any(isinstance(answer, Failed) and answer.failure in STALE for answer in answers.values()):
            await self._reread(cluster, watched)

    async def _see(self, cluster: ElixirCluster, watched: Watched, staying: list[Member]) -> tuple[Answers, MeshView]:
        started = time.perf_counter()
        answers = await watched.prober.look(staying)
        unheard = await watched.prober.listen(staying, answers)
        metrics.probe_time.observe(time.perf_counter() - started)
        seen = watched.seen = view(staying, answers, cluster.spec.replicas, unheard)
        metrics.mesh(cluster.key, seen)
        return answers, seen

    async def _heal(self, watched: Watched, seen: MeshView, followed: Followed) -> None:
        now = asyncio.get_running_loop().time()
        by_node = {member.node: member for member in seen.members}
        removing = {member.node for member in seen.members if member.pod in followed.removing}
        plan = heal.plan(seen, watched.history, now, removing)
        needed = [way for ways in plan.redials.values() for way in ways]
        tries = (watched.prober.reaches(by_node[way.source], by_node[way.target]) for way in needed)
        found = zip(needed, await asyncio.gather(*tries), strict=True)
        ways = {way: is_open for way, is_open in found if is_open is not None}
        watched.history = heal.after(plan, ways, now)
        watched.given_up, watched.unhealed = plan.given_up, heal.advice(seen, plan)
        redials = (self._redial(watched, by_node, item) for item in heal.dialled(plan, ways))
        if any(await asyncio.gather(*redials)):
            followed.wake.set()

    async def _redial(self, watched: Watched, by_node: dict[str, Member], redial: heal.Redial) -> bool:
        try:
            call = calls.connect_node(redial.target)
            connected = await watched.prober.call(by_node[redial.source], call, REDIAL_SECONDS)
        except MeshError as error:
            connected, told = False, str(error)
        else:
            told = "connected" if connected else "it could not"
        metrics.redials.labels("connected" if connected else "failed").inc()
        logger.info("asked %s to connect with %s: %s", redial.source, redial.target, told)
        return connected

    async def _watch(self, cluster: ElixirCluster, followed: Followed) -> Watched:
        """Read what it takes to be let in, and begin."""
        cookie, version = await self._credentials.cookie(cluster)
        tls = await self._credentials.tls(cluster)
        prober = Prober(cookie, self._identity, tls=tls, turns=self._turns, on_news=followed.wake.set)
        watched = Watched(prober, version)
        self._watched[cluster.key] = watched
        return watched

    async def _reread(self, cluster: ElixirCluster, watched: Watched) -> None:
        """Begin anew where the Secret is another by now."""
        _, version = await self._credentials.cookie(cluster)
        if version != watched.secret_version:
            await self._forget(cluster.key)

    async def _forget(self, key: Key) -> None:
        watched = self._watched.pop(key, None)
        if watched:
            await watched.prober.close()
            metrics.forget_mesh(key)


STALE = {Failure.WRONG_COOKIE, Failure.TLS_FAILED}


def heals(cluster: ElixirCluster) -> bool:
    """Whether links are the operator's business: with strategy None they are the application's."""
    spec = cluster.spec
    return spec.mesh.heal != "Alert" and spec.discovery.strategy != "None" and not spec.paused


def readable(body: dict[str, object]) -> ElixirCluster | None:
    """The resource, or None where the reconcile says that it cannot be read."""
    try:
        return parse(body)
    except Stalled:
        return None


def members(cluster: ElixirCluster, world: World) -> list[Member]:
    """Who is meant to be in the mesh. A pod that leaves, or that a scale-down is about to take, is not missed."""
    return [member_of(cluster, pod) for pod in world.pods(cluster.key) if pod.address]


def member_of(cluster: ElixirCluster, pod: Pod) -> Member:
    """The pod's node."""
    distribution = cluster.spec.distribution
    return Member(
        pod=pod.name,
        node=name_of(cluster, pod.name, pod.address),
        address=pod.address,
        port=None if distribution.epmd == "Enabled" else distribution.port,
        started=pod.started,
        ready=pod.ready,
        leaving=pod.terminating or pod.ordinal >= cluster.spec.replicas,
    )


def summary(seen: MeshView) -> tuple[object, ...]:
    """What status tells of it; anything else changes with every look."""
    return (seen.verdict, seen.links, seen.islands, tuple(seen.versions.items()), tuple(seen.sees.items()))
