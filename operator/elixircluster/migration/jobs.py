"""The phase that sees to it that an image's migration has run before its first node starts."""

from __future__ import annotations

from collections.abc import Sequence

from elixircluster.api.migration import Migration
from elixircluster.api.resource import ElixirCluster
from elixircluster.errors import Retry
from elixircluster.kube.api import Api, ApiError, Body
from elixircluster.kube.kinds import JOBS
from elixircluster.kube.labels import labelled
from elixircluster.migration.decision import step
from elixircluster.observed.job import Job
from elixircluster.observed.ownership import owner_name, owner_uid, refuse_foreign
from elixircluster.observed.store import Store
from elixircluster.phase import Context, Result
from elixircluster.render.names import CLUSTER_LABEL, MANAGED_BY, selector_text
from elixircluster.render.objects import render_migration
from elixircluster.render.templates import Templates


class Migrations:
    """Makes the Job, waits for its end, and takes away those that tell nothing any more."""

    def __init__(self, api: Api, store: Store, templates: Templates) -> None:
        self._api = api
        self._store = store
        self._templates = templates

    async def await_migrated(self, context: Context) -> Result:
        """Raises what the nodes are to wait for. It comes after all that a pod mounts, and before the nodes."""
        cluster = context.cluster
        found = step(cluster, context.observed.jobs)
        for job in found.remove:
            await self._delete(cluster, job)
        if found.create and cluster.spec.migration:
            await self._create(context, cluster.spec.migration)
        if found.trouble:
            raise found.trouble
        return Result()

    async def _create(self, context: Context, migration: Migration) -> None:
        cluster = context.cluster
        await self._look_for_others(cluster, {job.uid for job in context.observed.jobs})
        body = render_migration(cluster, migration, self._templates)
        try:
            self._store.absorb(JOBS, await self._api.create(JOBS, body))
        except ApiError as error:
            if error.code != 409:
                raise
            existing = await self._api.get(JOBS, cluster.namespace, body["metadata"]["name"])
            raise await self._seen_again(cluster, [existing] if existing else []) from error

    async def _look_for_others(self, cluster: ElixirCluster, known: set[str]) -> None:
        """Two never run at once, and the news of one may be late, or somebody has taken its label away."""
        pages = self._api.pages(JOBS, cluster.namespace, selector_text({CLUSTER_LABEL: cluster.name}))
        found = [body async for page in pages for body in page["items"]]
        own = [body for body in found if owner_uid(body["metadata"]) == cluster.uid]
        if unseen := [body for body in own if body["metadata"]["uid"] not in known]:
            raise await self._seen_again(cluster, unseen)

    async def _seen_again(self, cluster: ElixirCluster, bodies: Sequence[Body]) -> Retry:
        """Take them in, and give them the label by which we see what is ours. What is decided then is another thing."""
        for body in bodies:
            metadata = body["metadata"]
            refuse_foreign(cluster, JOBS.kind, metadata["name"], owner_uid(metadata), owner_name(metadata))
            self._store.absorb(JOBS, await labelled(self._api, JOBS, body, MANAGED_BY))
        return Retry("Conflict")

    async def _delete(self, cluster: ElixirCluster, job: Job) -> None:
        """As it was seen: one that has begun meanwhile is looked at anew."""
        try:
            await self._api.delete(
                JOBS, cluster.namespace, job.name, uid=job.uid, resource_version=job.resource_version
            )
        except ApiError as error:
            if error.code == 409:
                raise Retry("Conflict") from error
            if error.code != 404:
                raise
