"""The phase that sees to it that an image's migration has run before its first node starts."""

from __future__ import annotations

from elixircluster.api.migration import Migration
from elixircluster.api.resource import ElixirCluster
from elixircluster.errors import Retry
from elixircluster.kube.api import Api, ApiError
from elixircluster.kube.kinds import JOBS
from elixircluster.migration.decision import step
from elixircluster.observed.job import Job
from elixircluster.observed.ownership import owner_name, owner_uid, refuse_foreign
from elixircluster.observed.store import Store
from elixircluster.phase import Context, Result
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
            await self._create(cluster, cluster.spec.migration)
        if found.trouble:
            raise found.trouble
        return Result()

    async def _create(self, cluster: ElixirCluster, migration: Migration) -> None:
        body = render_migration(cluster, migration, self._templates)
        try:
            made = await self._api.create(JOBS, body)
        except ApiError as error:
            if error.code != 409:
                raise
            made = await self._existing(cluster, body["metadata"]["name"])
        self._store.absorb(JOBS, made)

    async def _existing(self, cluster: ElixirCluster, name: str) -> dict[str, object]:
        """The one that was made before, of which no news has come yet."""
        existing = await self._api.get(JOBS, cluster.namespace, name)
        if existing is None:
            raise Retry("Conflict")
        refuse_foreign(cluster, JOBS.kind, name, owner_uid(existing["metadata"]), owner_name(existing["metadata"]))
        return existing

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
