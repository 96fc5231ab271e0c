"""The phase that writes what a resource is made of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from elixircluster.api.resource import Key
from elixircluster.certificates.secrets import Certificates
from elixircluster.control.apply import Applier, Object, digest, hold_up, weight
from elixircluster.errors import Retry, Stalled
from elixircluster.kube.kinds import STATEFUL_SETS
from elixircluster.migration.jobs import Migrations
from elixircluster.observed.snapshot import Observed
from elixircluster.phase import Context, Result
from elixircluster.render.objects import render
from elixircluster.render.templates import Templates
from elixircluster.rollout.gates import Wait
from elixircluster.rollout.plan import plan, replicas_to_write
from elixircluster.rollout.split import change

WAIT_SECONDS = 60.0
"""News of the pods come sooner."""


class Writing(NamedTuple):
    """What was written, what was in the way, and what the StatefulSet was decided by.

    `unsettled`: the StatefulSet is not known to be as it was seen, and so nothing may be done to its nodes.
    """

    context: Context
    written: list[Object]
    troubles: list[Stalled | Retry]
    unsettled: bool = False


class Children:
    """Renders the children, writes those that differ, and deletes those that nobody wants any more.

    Where all was written for the same wishes, and each child is as it then was, nothing is rendered. Status holds that
    too, so that a start does not render thousands.
    """

    def __init__(
        self, applier: Applier, templates: Templates, certificates: Certificates, migrations: Migrations
    ) -> None:
        self._applier = applier
        self._templates = templates
        self._certificates = certificates
        self._migrations = migrations
        self._written: dict[Key, str] = {}

    def forget(self, key: Key) -> None:
        """The resource is gone."""
        self._applier.forget(key)
        self._written.pop(key, None)

    async def phase(self, context: Context) -> Result:
        """What stands beside the nodes, and could not be written, is told and stops nothing.

        Without a certificate or a migration that is waited for no node is stopped, started or changed.
        """
        cluster, state = context.cluster, state_of(self._wishes(context), context.observed)
        if not state or state not in {self._written.get(cluster.key), cluster.status.get("written")}:
            rendered = render(cluster, self._templates, context.facts.cookie_identity, contents_of(context))
            writing = await self._write(context, rendered)
            await self._applier.prune(cluster, rendered)
            if writing.troubles:
                self._written.pop(cluster.key, None)
                return Result(min(writing.troubles, key=weight), stop=writing.unsettled)
            self._applier.refuse_outdated(cluster, [item for item in writing.written if is_set(item)])
            # What was deleted meanwhile is not there as it was written; and what is wished for since was not.
            context = context.seen_again()
            done = self._applier.is_done(cluster, writing.written)
            state = state_of(self._wishes(writing.context), context.observed) if done else ""
        self._written[cluster.key] = state
        facts = replace(context.facts, written=state, statefulset=context.observed.statefulset)
        return Result(applied=True, facts=facts)

    async def _write(self, context: Context, rendered: Sequence[Object]) -> Writing:
        """All that pods mount, and then the StatefulSet: as what was seen after that wants it, and no sooner."""
        cluster = context.cluster
        beside = [item for item in rendered if not is_set(item)]
        troubles = await self._applier.apply(cluster, beside)
        if hold_up(troubles):
            return Writing(context, beside, [trouble for _, trouble in troubles])
        for ready in (self._certificates.await_issued, self._migrations.await_migrated):
            await ready(context)
            if self._applier.is_superseded(cluster):
                raise Retry("ResourceChanged")
            context = context.seen_again()
        sets = [scaled(item, context) for item in rendered if is_set(item)]
        writable = [item for item in sets if not isinstance(item, Wait)]
        own = await self._applier.apply(cluster, writable, there=context.observed.workload is not None)
        unsettled = any(isinstance(trouble, Retry) for _, trouble in own)
        waits = [Retry(item.reason, item.message, after=WAIT_SECONDS) for item in sets if isinstance(item, Wait)]
        told = [*(trouble for _, trouble in (*troubles, *own)), *waits]
        return Writing(context, [*beside, *writable], told, unsettled)

    def _wishes(self, context: Context) -> list[Any]:
        """All that a rendering depends on.

        Empty where only a rendering can tell what is wanted: how long a StatefulSet is held at zero depends on its
        template.
        """
        cluster, wanted = context.cluster, change(context)
        if wanted.stops_first:
            return []
        replicas = plan(wanted, context.observed).replicas
        identities = cluster.uid, context.facts.cookie_identity, contents_of(context), self._templates.identity
        return [*identities, cluster.spec.model_dump_json(), replicas]


def contents_of(context: Context) -> str:
    """The revision of what pods read of others' objects."""
    return context.facts.contents.revision if context.facts.contents else ""


def is_set(item: Object) -> bool:
    """Whether nodes are made of it."""
    return bool(item["kind"] == STATEFUL_SETS.kind)


def state_of(wishes: list[Any], observed: Observed) -> str:
    """A short name for what is wanted, and for what there is. Empty where nothing is known to be wanted."""
    there = sorted((identity, child.mark) for identity, child in observed.children.items())
    return hashlib.blake2b(orjson.dumps([wishes, there]), digest_size=12).hexdigest() if wishes else ""


def scaled(item: Object, context: Context) -> Object | Wait:
    """A StatefulSet with the replicas of this moment: a Recreate holds it at zero while old nodes stop.

    Or why it is left as it is.
    """
    replicas = replicas_to_write(change(context), context.observed, digest(item["spec"]["template"]))
    return replicas if isinstance(replicas, Wait) else {**item, "spec": {**item["spec"], "replicas": replicas}}
