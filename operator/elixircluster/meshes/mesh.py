"""One mesh, seen from outside: who sees and hears whom.

Readiness never depends on it. What it sees is one condition, a few numbers in status and metrics.
https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from elixircluster.api.resource import ElixirCluster
from elixircluster.mesh.connection import Identity
from elixircluster.mesh.failure import Failed, Failure
from elixircluster.mesh.graph import Link
from elixircluster.mesh.member import Answer, Answers, Member
from elixircluster.mesh.probe import DIALS_AT_ONCE, Prober
from elixircluster.mesh.verdict import Verdict
from elixircluster.mesh.view import MeshView, Topology, view
from elixircluster.meshes import measures
from elixircluster.meshes.credentials import Access, Credentials, NotAskableError, Versions
from elixircluster.meshes.healer import Healer
from elixircluster.meshes.members import Addresses, Membership
from elixircluster.observed.pod import Pod
from elixircluster.telemetry import metrics

FORMING_PAUSE_SECONDS = 1.0
"""From look to look while nodes that have just started still look for each other."""


@dataclass
class Common:
    """What all meshes of this process share."""

    identity: Identity
    credentials: Credentials
    permit: Callable[[], None]
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DIALS_AT_ONCE))
    addresses: Addresses = field(default_factory=Addresses)


@dataclass(frozen=True)
class Found:
    """What one look found; the same again means the same."""

    members: tuple[Member, ...]
    answers: Answers
    unheard: frozenset[Link]
    expected: int
    topology: Topology


class Mesh:
    """The way to one mesh, and what was last seen of it. Looks come one after another."""

    def __init__(
        self, cluster: ElixirCluster, common: Common, news: Callable[[], None], wake: Callable[[], None]
    ) -> None:
        self.cluster = cluster
        self.seen: MeshView | None = None
        self._common = common
        self._news = news
        self._wake = wake
        self._healer = Healer(common.permit)
        self._ready: frozenset[str] = frozenset()
        self._removing: frozenset[str] = frozenset()
        self._pods: tuple[Pod, ...] = ()
        self._membership = Membership()
        self._prober: Prober | None = None
        self._cookie = ""
        self._fingerprint = ""
        self._versions: Versions = ()
        self._asked_as = ("", False)
        self._stale = False
        self._found: Found | None = None
        self._joined_as: ElixirCluster | None = None
        self._measured = False

    @property
    def advice(self) -> str:
        """What a person can do about links that do not heal."""
        return self._healer.advice

    @property
    def given_up(self) -> tuple[Link, ...]:
        """The links that were dialled often enough in vain."""
        return self._healer.given_up

    @property
    def pause(self) -> float:
        """Seconds from this look to the next."""
        interval = float(self.cluster.spec.mesh.interval_seconds)
        forming = self.seen and self.seen.young and not self.seen.verdict.clustered
        return min(interval, FORMING_PAUSE_SECONDS) if forming else interval

    @property
    def refused(self) -> bool:
        """Whether a node was last seen to have another cookie than we were given."""
        silent = self.seen.silent.values() if self.seen else ()
        return any(failed.failure is Failure.WRONG_COOKIE for failed in silent)

    def told(self, cluster: ElixirCluster, ready: Collection[str], removing: Collection[str]) -> bool:
        """What the reconcile knows. Returns whether that is worth a look before the next is due."""
        if cluster.uid != self.cluster.uid:
            # What an earlier resource of this name had is no mesh of this one.
            self.seen, self._found, self._healer = None, None, Healer(self._common.permit)
        versions = self._common.credentials.versions(cluster, self._membership.secret)
        # A Secret that is not of our making has no version here; that it is another may be why the reconcile came.
        foreign = any(version is None for _, version in versions)
        other = versions != self._versions or cluster.generation != self.cluster.generation
        news = foreign or other or not self._ready.issuperset(ready)
        self.cluster, self._ready, self._removing = cluster, frozenset(ready), frozenset(removing)
        self._stale = self._stale or foreign
        return news

    def use_cookie(self, cookie: str) -> None:
        """Dial with this one from now on. Open connections go on: they never ask for it again."""
        self._cookie = cookie
        if self._prober:
            self._prober.use_cookie(cookie)

    async def look(self, pods: Sequence[Pod]) -> float | None:
        """Look once, and heal. Returns in how many seconds to look again; None where there is nobody to look at."""
        self._join(pods)
        if self.cluster.spec.mesh.probe == "Disabled" or not self._membership.members:
            return None
        try:
            prober = await self._way()
        except NotAskableError as error:
            self._found = None
            self._forget_measures()
            self._show(unasked(self._membership, self.cluster, Verdict(None, error.reason, error.message)))
            return self.pause
        seen = await self._see(prober)
        # Told at once: healing takes its time.
        self._show(seen)
        if prober.late:
            # Who answers neither this look nor the next, which comes at once, is frozen.
            return 0.0
        return 0.0 if await self._heal(prober, seen) else self.pause

    async def close(self) -> None:
        """End all connections, and forget."""
        self._common.addresses.exchange(self._membership, Membership())
        self._membership, self._pods, self._found = Membership(), (), None
        self._forget_measures()
        if self.seen:
            self.seen = None
            self._wake()
        await self._hang_up()

    def _join(self, pods: Sequence[Pod]) -> None:
        if tuple(pods) == self._pods and self._joined_as is self.cluster:
            return
        now = Membership.of(self.cluster, pods)
        self._common.addresses.exchange(self._membership, now)
        self._pods, self._joined_as, self._membership = tuple(pods), self.cluster, now

    async def _way(self) -> Prober:
        """The prober; made anew where its certificates are not those of now. Raises `NotAskableError`."""
        said = self._membership
        versions = self._common.credentials.versions(self.cluster, said.secret)
        asked_as = (said.secret, said.named_by_host)
        if self._prober and not self._stale and (versions, asked_as) == (self._versions, self._asked_as):
            return self._prober
        try:
            access = await self._common.credentials.access(self.cluster, said.secret, named_by_host=said.named_by_host)
        except NotAskableError:
            if self._prober and asked_as == self._asked_as:
                # Connections that are open go on; the next look tries again.
                return self._prober
            raise
        self._versions, self._asked_as, self._stale = versions, asked_as, False
        return await self._adopt(access)

    async def _adopt(self, access: Access) -> Prober:
        if self._cookie not in access.cookies:
            self.use_cookie(access.cookies[0])
        if self._prober is None or access.fingerprint != self._fingerprint:
            await self._hang_up()
            identity, turns = self._common.identity, self._common.turns
            self._prober = Prober(self._cookie, identity, tls=access.tls, turns=turns, on_news=self._news)
            self._fingerprint = access.fingerprint
        return self._prober

    async def _hang_up(self) -> None:
        prober, self._prober = self._prober, None
        if prober:
            await prober.close()

    async def _see(self, prober: Prober) -> MeshView:
        started = time.perf_counter()
        members = self._membership.members
        undialled = self._common.addresses.undialled(self._membership)
        asked = [member for member in members if member not in undialled] if undialled else members
        answers = await prober.look(asked)
        unheard = await prober.listen(asked, answers)
        metrics.probe_time.observe(time.perf_counter() - started)
        self._stale = self._stale or any(map(_stale, answers.values()))
        if undialled:
            answers = {**{member.node: failed for member, failed in undialled.items()}, **answers}
        found = Found(members, answers, unheard, self.cluster.spec.replicas, self.cluster.spec.mesh.topology)
        if self.seen and not self.seen.young and found == self._found:
            return self.seen
        self._found = found
        seen = view(members, found.answers, found.expected, unheard, found.topology)
        measures.measure(self.cluster.key, seen)
        self._measured = True
        return seen

    def _forget_measures(self) -> None:
        if self._measured:
            measures.forget(self.cluster.key)
        self._measured = False

    def _show(self, seen: MeshView) -> None:
        before, self.seen = self.seen, seen
        if before is not seen and (before is None or summary(before) != summary(seen)):
            self._wake()

    async def _heal(self, prober: Prober, seen: MeshView) -> bool:
        before = self.advice
        healed = False
        if heals(self.cluster):
            healed = await self._healer.redial(seen, prober, self._removing)
        else:
            self._healer.rest()
        if before != self.advice:
            self._wake()
        return healed


def unasked(membership: Membership, cluster: ElixirCluster, verdict: Verdict) -> MeshView:
    """The mesh while there is no way to ask anybody."""
    return replace(view(membership.members, {}, cluster.spec.replicas), verdict=verdict)


def heals(cluster: ElixirCluster) -> bool:
    """Whether links are the operator's business: with strategy None they are the application's."""
    spec = cluster.spec
    return spec.mesh.heal != "Alert" and spec.discovery.strategy != "None" and not spec.paused


def summary(seen: MeshView) -> tuple[object, ...]:
    """What status tells of it and rollouts wait for; anything else changes with every look."""
    asked = tuple((member.pod, member.life) for member in seen.members)
    said = (tuple(seen.versions.items()), tuple(seen.sees.items()), frozenset(seen.silent), seen.untold)
    return (seen.verdict, seen.links, seen.islands, asked, tuple(seen.booting.items()), *said)


def _stale(answer: Answer | Failed) -> bool:
    return isinstance(answer, Failed) and answer.failure.stale_credentials
