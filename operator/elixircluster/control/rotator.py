"""Brings the nodes to the cookie that their Secret holds: asks them, and carries out what `rotation` decides.

Everything is done through connections of our own, beside those over which the mesh is looked at. A node that takes a
new connection with a cookie has that cookie; nobody is asked for its value.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from elixircluster.api.resource import ElixirCluster, Key
from elixircluster.control.cookie import NEXT_KEY, PREVIOUS_KEY, CookieSecrets, Keyring, new_cookie
from elixircluster.control.meshes import Meshes, NotAskableError, member_of
from elixircluster.control.rollout import Pod, Workload
from elixircluster.control.rotation import Action, Cookie, Node, Situation, Step, next_step
from elixircluster.control.world import World
from elixircluster.errors import Retry, Stalled
from elixircluster.mesh import calls
from elixircluster.mesh.connection import Connection
from elixircluster.mesh.failure import Failed, Failure, MeshError
from elixircluster.mesh.member import Member
from elixircluster.observe.events import Told
from elixircluster.render.names import GENERATED_COOKIE_KEY

ASK_SECONDS = 5.0
"""How long a node may take to let us in, or to take a cookie."""
LOOK_AGAIN_SECONDS = 2.0
MOST_STEPS = 8
"""In one go; a rotation takes four, and one more for each node that joins meanwhile."""
NOBODY_THERE = frozenset({Failure.REFUSED, Failure.NOT_ALIVE})

Tell = Callable[[Key, str, Told], Awaitable[None]]
"""Writes an Event about the resource with this key and uid."""


@dataclass(frozen=True)
class Turn:
    """Where the cookie stands. `identity` is for the pods; `rotated` tells for which annotation it was changed."""

    identity: str = ""
    rotated: str = ""
    apart: Sequence[Pod] = ()
    """Pods that must go before new ones come, since they would not meet."""
    trouble: Stalled | Retry | None = None
    stop: bool = False
    """Whether nothing may be changed until somebody acts."""


@dataclass(frozen=True)
class Asked:
    """A node, what it said, and the connection over which it did."""

    node: Node
    member: Member | None = None
    connection: Connection | None = field(default=None, repr=False)


class Rotator:
    """One for all resources; what it keeps between two turns may be lost at any time."""

    def __init__(self, world: World, secrets: CookieSecrets, meshes: Meshes, permit: Callable[[], None], tell: Tell):
        self._world = world
        self._secrets = secrets
        self._meshes = meshes
        self._permit = permit
        self._tell = tell
        self._missed_since: dict[Key, float] = {}

    def forget(self, key: Key) -> None:
        """The resource is gone."""
        self._secrets.forget(key)
        self._missed_since.pop(key, None)

    async def turn(self, cluster: ElixirCluster, workload: Workload | None) -> Turn:
        """Do what can be done now. Raises `Stalled` or `Retry` where there is no cookie to speak of."""
        ring = await self._secrets.read(cluster)
        likely: dict[str, str] = {}
        for _ in range(MOST_STEPS):
            seen = self._situation(cluster, ring, workload)
            asked = [] if seen.settled else await self._ask_all(cluster, ring, seen, likely)
            try:
                seen = replace(seen, nodes=[item.node for item in asked], waited=self._waited(cluster.key, asked))
                step = next_step(seen)
                if step.action in ENDS or (step.action is Action.BEGIN and seen.nodes):
                    return await self._end(cluster, ring, step)
                ring = await self._carry_out(cluster, ring, step, asked, likely)
            finally:
                for item in asked:
                    if item.connection:
                        item.connection.close()
        return self._result(ring, Retry("RotatingCookie", "a node does not keep the cookie it is given"))

    def _situation(self, cluster: ElixirCluster, ring: Keyring, workload: Workload | None) -> Situation:
        pods = self._world.pods(cluster.key)
        generated = cluster.spec.distribution.cookie.secret_ref is None
        update = cluster.spec.update
        return Situation(
            wanted=cluster.rotate_cookie,
            begun=ring.begun if generated else cluster.status.get("cookieRotation", ""),
            next=bool(ring.next),
            earlier=bool(ring.previous or self._secrets.earlier(cluster.key)),
            generated=generated,
            moved=any(pod.cookie not in {"", ring.identity} for pod in pods),
            refused=any(pod.created < ring.changed for pod in pods) and self._meshes.refused(cluster.key),
            askable=cluster.spec.mesh.probe == "Enabled",
            may_recreate=update.allow_recreate or update.strategy == "Recreate",
            stopping=workload is not None and workload.replicas == 0 < cluster.spec.replicas,
        )

    def _waited(self, key: Key, asked: Sequence[Asked]) -> float:
        if not any(item.node.running and item.node.holds is None for item in asked):
            self._missed_since.pop(key, None)
            return 0.0
        return time.monotonic() - self._missed_since.setdefault(key, time.monotonic())

    async def _ask_all(
        self, cluster: ElixirCluster, ring: Keyring, seen: Situation, likely: dict[str, str]
    ) -> list[Asked]:
        pods = self._world.pods(cluster.key)
        if not seen.askable:
            return [Asked(Node(pod.name)) for pod in pods]
        try:
            dial = await self._meshes.dialler(cluster)
        except NotAskableError:
            raise Retry("WaitingForCertificate", after=1.0) from None
        known = [(Cookie.PRESENT, ring.cookie), (Cookie.NEXT, ring.next), (Cookie.EARLIER, ring.previous)]
        known += [(Cookie.EARLIER, value) for value in self._secrets.earlier(cluster.key)]
        cookies = {value: name for name, value in reversed(known) if value}

        async def ask(pod: Pod) -> Asked:
            member = member_of(cluster, pod)
            node = Node(pod.name, why=pod.message, outdated=pod.created < ring.changed, leaving=member.leaving)
            if not pod.address:
                return Asked(replace(node, running=False))
            order = sorted(cookies, key=lambda value: (value != likely.get(pod.name), cookies[value].value))
            failed = Failed(Failure.REFUSED, "")
            for value in order:
                try:
                    connection = await dial(member, value, ASK_SECONDS)
                except MeshError as error:
                    failed = error.failed
                    if failed.failure is not Failure.WRONG_COOKIE:
                        break
                else:
                    return Asked(replace(node, holds=cookies[value]), member, connection)
            running = pod.ready or failed.failure not in NOBODY_THERE
            refuses = failed.failure is Failure.WRONG_COOKIE
            return Asked(replace(node, why=failed.message, refuses=refuses, running=running))

        return await asyncio.gather(*(ask(pod) for pod in pods))

    async def _carry_out(
        self, cluster: ElixirCluster, ring: Keyring, step: Step, asked: Sequence[Asked], likely: dict[str, str]
    ) -> Keyring:
        """One step. Whether nodes took a cookie is seen by the next look at them."""
        match step.action:
            case Action.SET_NEXT | Action.SET_PRESENT:
                cookie = ring.next if step.action is Action.SET_NEXT else ring.cookie
                self._permit()
                # All at once: two nodes of which one is set do not find each other again.
                await asyncio.gather(*(self._set(item, cookie) for item in asked if item.node.pod in step.pods))
                likely.update(dict.fromkeys(step.pods, cookie))
                self._meshes.use_cookie(cluster.key, cookie)
            case Action.BEGIN:
                ring = await self._begin(cluster, ring)
            case Action.COMMIT:
                data = {GENERATED_COOKIE_KEY: ring.next, NEXT_KEY: None, PREVIOUS_KEY: ring.cookie}
                ring = await self._secrets.change(cluster, ring, data)
                self._meshes.use_cookie(cluster.key, ring.cookie)
            case Action.FINISH:
                if ring.previous:
                    ring = await self._secrets.change(cluster, ring, {PREVIOUS_KEY: None})
                self._secrets.followed(cluster.key)
                self._meshes.use_cookie(cluster.key, ring.cookie)
                await self._tell(cluster.key, cluster.uid, ("Normal", "CookieRotated", rotated(asked)))
        return ring

    async def _begin(self, cluster: ElixirCluster, ring: Keyring) -> Keyring:
        ring = await self._secrets.change(cluster, ring, {NEXT_KEY: new_cookie()}, begun=cluster.rotate_cookie)
        message = f"the cookie is being changed on {len(self._world.pods(cluster.key))} nodes"
        await self._tell(cluster.key, cluster.uid, ("Normal", "CookieRotationStarted", message))
        return ring

    async def _set(self, asked: Asked, cookie: str) -> None:
        if asked.connection and asked.member:
            try:
                await asked.connection.call(calls.set_cookie(asked.member.node, cookie), ASK_SECONDS)
            except MeshError:
                # It will be asked again, and then says which it has.
                return

    async def _end(self, cluster: ElixirCluster, ring: Keyring, step: Step) -> Turn:
        """What is left to others: to wait, to a person, to a Recreate, or to the next turn, once it was told of."""
        match step.action:
            case Action.BEGIN:
                ring = await self._begin(cluster, ring)
                return self._result(ring, Retry("RotatingCookie", "the cookie is being changed"))
            case Action.WAIT:
                return self._result(ring, Retry(step.reason, step.message, after=LOOK_AGAIN_SECONDS))
            case Action.TELL | Action.STOP:
                trouble = Stalled(step.reason, step.message, again=LOOK_AGAIN_SECONDS * 5)
                result = self._result(ring, trouble)
                return replace(result, stop=step.action is Action.STOP)
            case Action.RECREATE:
                return replace(self._result(ring), apart=self._world.pods(cluster.key))
        return self._result(ring)

    def _result(self, ring: Keyring, trouble: Stalled | Retry | None = None) -> Turn:
        return Turn(ring.identity, "" if ring.next or ring.previous else ring.begun, trouble=trouble)


ENDS = {Action.NOTHING, Action.WAIT, Action.TELL, Action.STOP, Action.RECREATE}


def rotated(asked: Sequence[Asked]) -> str:
    """What an Event says of it."""
    count = len(asked)
    return f"all {count} nodes have the new cookie" if count else "the cookie was changed while there was no node"
