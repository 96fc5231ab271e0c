"""What the operator does, in the order in which it does it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from elixircluster.api.resource import ElixirCluster, Key, parse
from elixircluster.certificates.secrets import Certificates
from elixircluster.control.apply import Applier
from elixircluster.control.children import Children
from elixircluster.control.contents import Following
from elixircluster.control.hearing import Hearing
from elixircluster.control.nodes import Nodes
from elixircluster.control.outcome import AGAIN, DONE, Outcome, Phase, attempt, outcome, weightiest
from elixircluster.cookie.rotator import Rotator
from elixircluster.cookie.secret import CookieSecrets
from elixircluster.errors import Stalled
from elixircluster.kube.api import Api
from elixircluster.meshes.meshes import Meshes
from elixircluster.migration.jobs import Migrations
from elixircluster.observed.snapshot import Observed
from elixircluster.observed.store import Store
from elixircluster.phase import Context, Result
from elixircluster.render.templates import Templates
from elixircluster.rollout import boot, history, meshed, split
from elixircluster.status.findings import diagnosed, found
from elixircluster.status.reporter import Reporter

Clock = Callable[[], str]
"""The time now, in RFC 3339."""


class Reconciler:
    """Makes the world as one resource wants it, and says how far that is."""

    def __init__(self, api: Api, store: Store, templates: Templates, meshes: Meshes, clock: Clock) -> None:
        self._store, self._meshes, self._clock = store, meshes, clock
        self._reporter = Reporter(api, store, clock)
        self._certificates = Certificates(api, store, templates, lambda: datetime.now(UTC))
        self._children = Children(Applier(api, store), templates, self._certificates, Migrations(api, store, templates))
        self._rotator = Rotator(CookieSecrets(api, store, templates), meshes, api.permit)
        self._nodes = Nodes(api, meshes)
        self._hearing, self._following = Hearing(api, store), Following(api, store)
        self._phases: tuple[Phase, ...] = (
            # Before whatever may stop: a certificate runs out, and a pod is ill, whether the resource is paused or not.
            self._certificates.renew,
            self._hearing.phase,
            history.stand_back,
            split.guard,
            self._rotator.phase,
            self._following.phase,
            self._children.phase,
            self._certificates.await_issued,
            self._nodes.phase,
        )

    async def reconcile(self, key: Key) -> Outcome:
        """Look at the resource and make it so. Raises `Retry` where it must be looked at again soon."""
        body = self._store.cluster(key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            self._forget(key)
            return DONE
        try:
            cluster = history.in_force(parse(body))
        except Stalled as stalled:
            await self._reporter.unreadable(key, body, stalled)
            return Outcome("stalled", stalled.again)
        context, results = await self._run(cluster)
        return AGAIN if self._is_superseded(context) else await self._report(context, results)

    async def _run(self, cluster: ElixirCluster) -> tuple[Context, list[Result]]:
        """The phases, until one says that nothing more may be done. Each acts on what was seen after the last write."""
        context = Context(cluster, self._look(cluster), lambda: self._look(cluster))
        results = []
        for phase in self._phases:
            if self._is_superseded(context):
                break
            result = await attempt(phase, context)
            results.append(result)
            for event in result.events:
                await self._reporter.tell(cluster.key, cluster.uid, event)
            context = context.after(result).seen_again()
            if result.stop:
                break
        return context, results

    def _look(self, cluster: ElixirCluster) -> Observed:
        (mesh, _), now, told = self._meshes.seen(cluster.key), self._clock(), self._meshes.farewells.said(cluster.key)
        seen = self._store.observed(cluster.key).at(now, told)
        return meshed.judged(cluster, boot.judged(cluster, seen, mesh, now), mesh)

    def _is_superseded(self, context: Context) -> bool:
        """Whether the resource is another one by now, or wants something else: no node is taken for what was wanted."""
        cluster = context.cluster
        return context.overtaken or self._store.identity(cluster.key) != (cluster.uid, cluster.generation)

    async def _report(self, context: Context, results: list[Result]) -> Outcome:
        """Tell the user, and say when to look again."""
        cluster, key = context.cluster, context.cluster.key
        trouble = weightiest(results)
        plan = self._nodes.left(context, trouble if any(result.stop for result in results) else None)
        self._nodes.tell_mesh(context, plan)
        findings = found(context, plan, *self._meshes.seen(key))
        left = await self._reporter.report(
            cluster, findings, trouble or diagnosed(findings, cluster.spec.distribution.ip_family)
        )
        observed = context.observed
        changes = (boot.seconds_left(cluster, observed), observed.again(observed.now))
        again = [left, plan.again, *changes, *(result.again for result in results)]
        return outcome(trouble, again, news=self._store.has_news(key))

    def _forget(self, key: Key) -> None:
        # The children go by their owner references. No finalizer: nothing waits for an operator that is gone.
        if self._store.identity(key) is None:
            self._children.forget(key)
            self._rotator.forget(key)
            self._certificates.forget(key)
            self._reporter.forget(key)
            self._hearing.forget(key)
