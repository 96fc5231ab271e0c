"""Brings the nodes to the cookie that their Secret holds, and the Secret to the cookie that is asked for.

What to do is decided in `rotation`; the nodes are asked in `inquiry`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from elixircluster.api.resource import ElixirCluster, Key
from elixircluster.control.cookie import NEXT_KEY, PREVIOUS_KEY, CookieSecrets, Keyring, new_cookie
from elixircluster.control.inquiry import Asked, Cookies, Inquiry
from elixircluster.control.meshes import Meshes
from elixircluster.control.rollout import Pod, Workload
from elixircluster.control.rotation import Action, Cookie, Situation, Step, next_step
from elixircluster.control.world import World
from elixircluster.errors import Retry, Stalled
from elixircluster.observe.events import Told
from elixircluster.render.names import GENERATED_COOKIE_KEY

MOST_STEPS = 8
"""In one go; a rotation takes four, and one more for each time that nodes join meanwhile."""

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


class Rotator:
    """One for all resources; what it keeps between two turns may be lost at any time."""

    def __init__(
        self, world: World, secrets: CookieSecrets, meshes: Meshes, permit: Callable[[], None], tell: Tell
    ) -> None:
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
        inquiry = Inquiry(cluster, self._meshes)
        for _ in range(MOST_STEPS):
            pods = self._world.pods(cluster.key)
            seen = self._situation(cluster, ring, workload, pods)
            asked = [] if seen.settled else await inquiry.ask(pods, self._cookies(cluster, ring), ring.changed)
            try:
                seen = replace(seen, nodes=[item.node for item in asked], waited=self._waited(cluster.key, asked))
                step = next_step(seen)
                if step.action in ENDS:
                    return end(ring, step, pods)
                ring = await self._carry_out(cluster, ring, step, inquiry, asked)
            finally:
                for item in asked:
                    item.close()
            if step.action is Action.BEGIN and pods:
                # It is told of before it is done.
                return turn(ring, Retry("RotatingCookie", "the nodes are given another cookie"))
        return turn(ring, Retry("RotatingCookie", "a node does not keep the cookie that it is given"))

    def _situation(
        self, cluster: ElixirCluster, ring: Keyring, workload: Workload | None, pods: Sequence[Pod]
    ) -> Situation:
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

    def _cookies(self, cluster: ElixirCluster, ring: Keyring) -> Cookies:
        earlier = dict.fromkeys((ring.previous, *self._secrets.earlier(cluster.key)), Cookie.EARLIER)
        known = {**earlier, ring.next: Cookie.NEXT, ring.cookie: Cookie.PRESENT}
        return {value: name for value, name in known.items() if value}

    def _waited(self, key: Key, asked: Sequence[Asked]) -> float:
        if not any(item.node.running and item.node.holds is None for item in asked):
            self._missed_since.pop(key, None)
            return 0.0
        return time.monotonic() - self._missed_since.setdefault(key, time.monotonic())

    async def _carry_out(
        self, cluster: ElixirCluster, ring: Keyring, step: Step, inquiry: Inquiry, asked: Sequence[Asked]
    ) -> Keyring:
        """One step, and what the Secret holds then."""
        match step.action:
            case Action.SET_NEXT | Action.SET_PRESENT:
                cookie = ring.next if step.action is Action.SET_NEXT else ring.cookie
                self._permit()
                await inquiry.give([item for item in asked if item.node.pod in step.pods], cookie)
                self._meshes.use_cookie(cluster.key, cookie)
            case Action.BEGIN:
                ring = await self._secrets.change(cluster, ring, {NEXT_KEY: new_cookie()}, begun=cluster.rotate_cookie)
                message = f"the cookie is being changed on {len(asked)} nodes"
                await self._tell(cluster.key, cluster.uid, ("Normal", "CookieRotationStarted", message))
            case Action.COMMIT:
                data = {GENERATED_COOKIE_KEY: ring.next, NEXT_KEY: None, PREVIOUS_KEY: ring.cookie}
                ring = await self._secrets.change(cluster, ring, data)
            case Action.FINISH:
                if ring.previous:
                    ring = await self._secrets.change(cluster, ring, {PREVIOUS_KEY: None})
                self._secrets.followed(cluster.key)
                self._meshes.use_cookie(cluster.key, ring.cookie)
                await self._tell(cluster.key, cluster.uid, ("Normal", "CookieRotated", rotated(asked)))
        return ring


ENDS = {Action.NOTHING, Action.WAIT, Action.TELL, Action.STOP, Action.RECREATE}


def end(ring: Keyring, step: Step, pods: Sequence[Pod]) -> Turn:
    """What is left to others: nothing, to wait, a person's decision, a Recreate."""
    left = pods if step.action is Action.RECREATE else ()
    return replace(turn(ring, step.trouble), apart=left, stop=step.action is Action.STOP)


def turn(ring: Keyring, trouble: Stalled | Retry | None = None) -> Turn:
    """Where the cookie stands by what the Secret holds."""
    return Turn(ring.identity, "" if ring.next or ring.previous else ring.begun, trouble=trouble)


def rotated(asked: Sequence[Asked]) -> str:
    """What an Event says of it."""
    count = len(asked)
    return f"all {count} nodes have the new cookie" if count else "the cookie was changed while there was no node"
