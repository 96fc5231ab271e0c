"""What the operator does, in the order in which it does it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import aiohttp

from elixircluster.api.resource import API_VERSION, KIND, ElixirCluster, Key, parse
from elixircluster.control.apply import Applier, Object, refusal
from elixircluster.control.certificates import Certificates
from elixircluster.control.cookie import CookieSecrets
from elixircluster.control.diagnosis import diagnose_address
from elixircluster.control.kinds import CLUSTERS, PODS, STATEFUL_SETS
from elixircluster.control.meshes import Meshes
from elixircluster.control.remedy import REASON as RESTARTING
from elixircluster.control.remedy import remedy
from elixircluster.control.rollout import Pod, Step, Workload, next_step, removed, strangers
from elixircluster.control.rotator import Rotator, Turn
from elixircluster.control.world import World
from elixircluster.errors import Retry, Stalled
from elixircluster.kube import Api, ApiError
from elixircluster.observe.conditions import Observation
from elixircluster.observe.events import Events, transitions
from elixircluster.observe.status import status, unreadable_status
from elixircluster.render.names import names
from elixircluster.render.objects import render
from elixircluster.render.pod import distribution
from elixircluster.render.templates import Templates

logger = logging.getLogger(__name__)

Clock = Callable[[], str]
"""The time now, in RFC 3339."""


class Outcome(NamedTuple):
    """How a reconcile ended, for the metrics, and in how many seconds to look again, if at all."""

    result: str
    again: float | None = None


DONE = Outcome("success")

UNDECLARED = "field not declared in schema"
"""In what the API server says to an apply of a field that the CustomResourceDefinition does not have."""


class Reconciler:
    """Makes the world as one resource wants it, and says how far that is."""

    def __init__(self, api: Api, world: World, templates: Templates, meshes: Meshes, clock: Clock) -> None:
        self._api = api
        self._world = world
        self._templates = templates
        self._meshes = meshes
        self._clock = clock
        self._applier = Applier(api, world)
        self._certificates = Certificates(api, world, templates, lambda: datetime.now(UTC))
        self._events = Events(api)
        self._rotator = Rotator(world, CookieSecrets(api, world, templates), meshes, api.permit, self._tell)

    async def reconcile(self, key: Key) -> Outcome:
        """Look at the resource and make it so. Raises `Retry` where it must be looked at again soon."""
        body = self._world.cluster(key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            self._forget(key)
            return DONE
        try:
            cluster = parse(body)
        except Stalled as stalled:
            await self._report_unreadable(key, body, stalled)
            return Outcome("stalled", stalled.again)
        trouble, turn = (None, Turn()) if cluster.spec.paused else await self._make(cluster)
        step = self._step(cluster, turn)
        self._tell_mesh(cluster, step)
        await self._report(cluster, step, turn, trouble or self._diagnosed(cluster))
        if isinstance(trouble, Retry):
            raise trouble
        return Outcome("stalled", trouble.again) if trouble else DONE

    def _forget(self, key: Key) -> None:
        # The children go by their owner references. No finalizer: nothing waits for an operator that is gone.
        if self._world.cluster(key) is None:
            self._applier.forget(key)
            self._rotator.forget(key)

    async def _make(self, cluster: ElixirCluster) -> tuple[Stalled | Retry | None, Turn]:
        """Write the children and take the next step. Returns what was in the way, and where the cookie stands."""
        turn = Turn()
        try:
            refuse_to_split(cluster, self._strangers(cluster))
            await self._certificates.ensure(cluster)
            turn = await self._rotator.turn(cluster, self._workload(cluster))
            if turn.trouble and turn.stop:
                raise turn.trouble
            step = self._step(cluster, turn)
            self._tell_mesh(cluster, step)
            wanted = with_replicas(render(cluster, self._templates, turn.identity), step.replicas)
            await self._applier.apply(cluster, wanted)
            await self._applier.prune(cluster, wanted)
            await self._certificates.check(cluster)
            await self._replace(cluster, step)
        except (Stalled, Retry) as trouble:
            return trouble, turn
        except ApiError as error:
            return refusal(KIND, cluster.name, error), turn
        except (aiohttp.ClientError, TimeoutError):
            return Retry("ApiServer"), turn
        return turn.trouble, turn

    def _step(self, cluster: ElixirCluster, turn: Turn) -> Step:
        pods = self._world.pods(cluster.key)
        step = next_step(
            cluster.spec.update.strategy,
            cluster.spec.replicas,
            self._workload(cluster),
            pods,
            self._strangers(cluster) or turn.apart,
        )
        if cluster.spec.mesh.heal != "Restart":
            return step
        return remedy(step, pods, self._meshes.seen(cluster.key)[0], self._meshes.given_up(cluster.key))

    def _tell_mesh(self, cluster: ElixirCluster, step: Step) -> None:
        pods = self._world.pods(cluster.key)
        ready = {pod.uid for pod in pods if pod.ready}
        self._meshes.tell(cluster.key, ready, {pod.name for pod in removed(step, pods)})

    def _strangers(self, cluster: ElixirCluster) -> list[Pod]:
        return strangers(self._world.pods(cluster.key), distribution(cluster))

    def _diagnosed(self, cluster: ElixirCluster) -> Stalled | None:
        """A mistake in the image or the spec that shows in a pod."""
        for pod in self._world.pods(cluster.key):
            found = diagnose_address(pod.address, cluster.spec.distribution.ip_family) or pod.diagnosis
            if found:
                return Stalled(found.reason, f"pod {pod.name}: {found.advice}")
        return None

    def _workload(self, cluster: ElixirCluster) -> Workload | None:
        child = self._world.children(cluster.key).get((STATEFUL_SETS.kind, names(cluster).statefulset))
        return child.workload if child and child.owner_uid == cluster.uid else None

    async def _replace(self, cluster: ElixirCluster, step: Step) -> None:
        """Delete the pods that the step names, as they were seen: a pod that changed meanwhile is looked at anew."""
        for pod in step.replace:
            try:
                await self._api.delete(
                    PODS, cluster.namespace, pod.name, uid=pod.uid, resource_version=pod.resource_version
                )
            except ApiError as error:
                if error.code not in {404, 409}:
                    raise
                raise Retry("PodChanged", after=0.1) from error
            kind, reason = ("Warning", "NodeRestarted") if step.reason == RESTARTING else ("Normal", "PodReplaced")
            await self._tell(cluster.key, cluster.uid, (kind, reason, step.message))

    async def _report(self, cluster: ElixirCluster, step: Step, turn: Turn, trouble: Stalled | Retry | None) -> None:
        pods = self._world.pods(cluster.key)
        # A passing error without a word for the user leaves the last verdict.
        told = trouble if trouble and trouble.message else None
        if trouble and not told and cluster.status.get("observedGeneration") != cluster.generation:
            # Nothing was made of the newest generation yet, so that nothing can be said of it: least of all Ready.
            return
        probed = cluster.spec.mesh.probe == "Enabled"
        mesh, unhealed = self._meshes.seen(cluster.key)
        seen = Observation(cluster.spec.paused, step, pods, told, probed, mesh, unhealed, turn.rotated)
        wanted = status(cluster, seen, self._workload(cluster), self._clock())
        await self._write_status(cluster.key, cluster.uid, cluster.status, wanted)

    async def _report_unreadable(self, key: Key, body: Object, trouble: Stalled) -> None:
        metadata, previous = body["metadata"], body.get("status") or {}
        seen = Observation(paused=False, step=None, pods=self._world.pods(key), trouble=trouble)
        wanted = unreadable_status(previous, metadata["generation"], seen, self._clock())
        await self._write_status(key, metadata["uid"], previous, wanted)

    async def _write_status(self, key: Key, uid: str, previous: Object, wanted: Object) -> None:
        if wanted == previous:
            return
        body: dict[str, Any] = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            # With the uid, a status never lands on a later resource of the same name.
            "metadata": {"name": key.name, "namespace": key.namespace, "uid": uid},
            "status": wanted,
        }
        try:
            self._world.see(CLUSTERS, await self._apply_status(body))
        except ApiError as error:
            if error.code in {404, 409}:
                return
            raise Retry("ApiServer", after=error.retry_after or 0.0) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Retry("ApiServer") from error
        for event in transitions(previous.get("conditions") or [], wanted["conditions"]):
            await self._tell(key, uid, event)

    async def _apply_status(self, body: Object) -> Object:
        try:
            return await self._api.apply(CLUSTERS, body, subresource="status")
        except ApiError as error:
            if UNDECLARED not in error.message:
                raise
            # Helm never upgrades a CustomResourceDefinition. A merge leaves out what an older one does not know.
            logger.warning("the CustomResourceDefinition is older than this operator; apply the newer one: %s", error)
            metadata = body["metadata"]
            patch = {"metadata": {"uid": metadata["uid"]}, "status": body["status"]}
            return await self._api.merge(CLUSTERS, metadata["namespace"], metadata["name"], patch, subresource="status")

    async def _tell(self, key: Key, uid: str, event: tuple[str, str, str]) -> None:
        """Events are a courtesy: one that cannot be written stops nothing."""
        try:
            await self._events.tell(key, uid, event, self._clock())
        except (ApiError, aiohttp.ClientError, TimeoutError) as error:
            logger.warning("event %s not written: %s", event[1], error)


def refuse_to_split(cluster: ElixirCluster, unlike: Sequence[Pod]) -> None:
    """Raise `Stalled` where a change would leave two halves that cannot talk, and nobody has allowed to recreate."""
    update = cluster.spec.update
    if unlike and update.strategy != "Recreate" and not update.allow_recreate:
        raise Stalled(
            "RecreateNeeded",
            f"nodes run as {unlike[0].distribution} and are to become {distribution(cluster)}; old and new could not "
            "talk to each other, so this cannot roll. Set spec.update.allowRecreate to true to stop all nodes and "
            "start them anew, or take the change back",
        )


def with_replicas(objects: list[Object], replicas: int) -> list[Object]:
    """The StatefulSet with the replicas of this step: a Recreate holds it at zero while old nodes stop."""
    return [
        {**item, "spec": {**item["spec"], "replicas": replicas}} if item["kind"] == STATEFUL_SETS.kind else item
        for item in objects
    ]
