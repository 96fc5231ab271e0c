"""Brings the nodes to the cookie that their Secret holds, and the Secret to the cookie that is asked for.

What to do is decided in `decision`; the nodes are asked in `inquiry`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from elixircluster.api.resource import ElixirCluster, Key
from elixircluster.cookie.decision import Action, Cookie, Decision, Node, Situation, decide
from elixircluster.cookie.inquiry import Asked, Cookies, Inquiry
from elixircluster.cookie.keyring import NEXT_KEY, PREVIOUS_KEY, Keyring, new_cookie
from elixircluster.cookie.secret import CookieSecrets
from elixircluster.errors import Retry, Stalled
from elixircluster.meshes.meshes import Meshes
from elixircluster.observed.snapshot import Observed
from elixircluster.phase import Context, Event, Facts, Result
from elixircluster.render.names import GENERATED_COOKIE_KEY

MOST_STEPS = 8
"""In one go; a rotation takes four, and one more for each time that nodes join meanwhile."""
ENDS = {Action.NOTHING, Action.WAIT, Action.TELL, Action.STOP, Action.RECREATE}
"""What is left to others: nothing, to wait, a person's decision, a Recreate."""


class Rotator:
    """One for all resources; what it keeps between two reconciles may be lost at any time."""

    def __init__(
        self,
        secrets: CookieSecrets,
        meshes: Meshes,
        permit: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secrets = secrets
        self._meshes = meshes
        self._permit = permit
        self._clock = clock
        self._missed: dict[Key, dict[str, float]] = {}

    def forget(self, key: Key) -> None:
        """The resource is gone."""
        self._secrets.forget(key)
        self._missed.pop(key, None)

    async def phase(self, context: Context) -> Result:
        """Do what can be done now."""
        events: list[Event] = []
        try:
            result = await self._rotate(context, events)
        except (Stalled, Retry) as trouble:
            result = Result(trouble, stop=True)
        return replace(result, events=tuple(events))

    async def _rotate(self, context: Context, events: list[Event]) -> Result:
        cluster = context.cluster
        ring = await self._secrets.read(cluster, has_nodes=bool(context.observed.pods))
        inquiry = Inquiry(cluster, self._meshes)
        for _ in range(MOST_STEPS):
            pods = context.observed.pods
            seen = self._situation(cluster, ring, context.observed)
            asked = [] if seen.settled else await inquiry.ask(pods, self._cookies(cluster, ring), ring.changed)
            try:
                nodes = self._since(cluster.key, [item.node for item in asked])
                decision = decide(replace(seen, nodes=nodes))
                self._follow(cluster.key, ring, nodes)
                if decision.action in ENDS:
                    return ended(context, ring, decision)
                ring = await self._carry_out(cluster, ring, decision, inquiry, asked)
            finally:
                for item in asked:
                    item.close()
            events += told(decision, nodes)
            if decision.action is Action.BEGIN and pods:
                # It is told of before it is done.
                return standing(context, ring, Retry("RotatingCookie", "the nodes are given another cookie"))
            context = context.seen_again()
        return standing(
            context, ring, Retry("RotatingCookie", "a node does not keep the cookie it is given", after=2.0)
        )

    def _situation(self, cluster: ElixirCluster, ring: Keyring, observed: Observed) -> Situation:
        generated = cluster.spec.distribution.cookie.secret_key_ref is None
        update, pods, workload = cluster.spec.update, observed.pods, observed.workload
        staying = [pod for pod in pods if not pod.terminating]
        return Situation(
            wanted=cluster.rotate_cookie,
            begun=ring.begun if generated else cluster.status.get("cookieRotation", ""),
            next=bool(ring.next),
            earlier=bool(ring.previous or self._secrets.earlier(cluster.key)),
            generated=generated,
            moved=any(pod.cookie not in {"", ring.identity} for pod in staying),
            refused=any(pod.created < ring.changed for pod in staying) and self._meshes.refused(cluster.key),
            askable=cluster.spec.mesh.probe == "Enabled",
            may_recreate=update.allow_recreate or update.strategy == "Recreate",
            stopping=workload is not None and workload.replicas == 0 < cluster.spec.replicas,
        )

    def _cookies(self, cluster: ElixirCluster, ring: Keyring) -> Cookies:
        earlier = dict.fromkeys((ring.previous, *self._secrets.earlier(cluster.key)), Cookie.EARLIER)
        known = {**earlier, ring.next: Cookie.NEXT, ring.cookie: Cookie.PRESENT}
        return {value: name for value, name in known.items() if value}

    def _since(self, key: Key, nodes: Sequence[Node]) -> list[Node]:
        """The nodes, and for how long each has taken none of our cookies."""
        now, before = self._clock(), self._missed.pop(key, {})
        missed = {node.pod: before.get(node.pod, now) for node in nodes if node.holds is None}
        if missed:
            self._missed[key] = missed
        return [replace(node, waited=now - missed.get(node.pod, now)) for node in nodes]

    def _follow(self, key: Key, ring: Keyring, nodes: Sequence[Node]) -> None:
        """Have the mesh asked with the cookie that nodes take by now, however far the Secret is."""
        if any(node.holds is Cookie.NEXT for node in nodes):
            self._meshes.use_cookie(key, ring.next)

    async def _carry_out(
        self, cluster: ElixirCluster, ring: Keyring, decision: Decision, inquiry: Inquiry, asked: Sequence[Asked]
    ) -> Keyring:
        """One step, and what the Secret holds then."""
        match decision.action:
            case Action.SET_NEXT | Action.SET_PRESENT:
                cookie = ring.next if decision.action is Action.SET_NEXT else ring.cookie
                self._permit()
                await inquiry.give([item for item in asked if item.node.pod in decision.pods], cookie)
                self._meshes.use_cookie(cluster.key, cookie)
            case Action.BEGIN:
                ring = await self._secrets.change(cluster, ring, {NEXT_KEY: new_cookie()}, begun=cluster.rotate_cookie)
            case Action.COMMIT:
                data = {GENERATED_COOKIE_KEY: ring.next, NEXT_KEY: None, PREVIOUS_KEY: ring.cookie}
                ring = await self._secrets.change(cluster, ring, data)
                # The kubelet has its time from now on.
                self._missed.pop(cluster.key, None)
            case Action.FINISH:
                if ring.previous:
                    ring = await self._secrets.change(cluster, ring, {PREVIOUS_KEY: None})
                self._secrets.followed(cluster.key)
                self._meshes.use_cookie(cluster.key, ring.cookie)
        return ring


def ended(context: Context, ring: Keyring, decision: Decision) -> Result:
    """There is nothing more to do now."""
    result = standing(context, ring, decision.trouble)
    apart = context.observed.pods if decision.action is Action.RECREATE else ()
    facts = replace(result.facts or Facts(), apart=apart)
    return replace(result, facts=facts, stop=decision.action is Action.STOP)


def standing(context: Context, ring: Keyring, trouble: Stalled | Retry | None = None) -> Result:
    """Where the cookie stands by what the Secret holds."""
    rotated = "" if ring.next or ring.previous else ring.begun
    return Result(trouble, facts=replace(context.facts, cookie_identity=ring.identity, rotated=rotated))


def told(decision: Decision, nodes: Sequence[Node]) -> list[Event]:
    """The Events of a step that was carried out."""
    match decision.action:
        case Action.BEGIN:
            return [Event("Normal", "CookieRotationStarted", f"the cookie is being changed on {len(nodes)} nodes")]
        case Action.FINISH:
            return [Event("Normal", "CookieRotated", rotated(nodes))]
    return []


def rotated(nodes: Sequence[Node]) -> str:
    """What an Event says of it."""
    have = [node for node in nodes if node.holds]
    later = ", ".join(node.pod for node in nodes if not node.holds and not node.leaving)
    said = f"all {len(have)} nodes have the new cookie" if have else "the cookie was changed while there was no node"
    return f"{said}; {later} will start with it" if later else said
