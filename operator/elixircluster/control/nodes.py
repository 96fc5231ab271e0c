"""The phase that changes the nodes: it carries out the plan that is made of what was seen after the last write."""

from __future__ import annotations

from collections.abc import Sequence

from elixircluster.errors import Retry, Stalled
from elixircluster.kube.api import Api, ApiError
from elixircluster.kube.kinds import PODS
from elixircluster.meshes.meshes import Meshes
from elixircluster.observed.pod import Pod
from elixircluster.phase import Context, Event, Result
from elixircluster.rollout.change import Plan, removed
from elixircluster.rollout.plan import plan
from elixircluster.rollout.remedy import REASON as RESTARTING
from elixircluster.rollout.remedy import remedy
from elixircluster.rollout.scale import LEAVE, RESTART, serves
from elixircluster.rollout.split import change

DRAIN_SECONDS = 30.0
"""A node that has been told brings the resource back sooner."""


class Nodes:
    """Plans, and deletes the pods that a plan names."""

    def __init__(self, api: Api, meshes: Meshes) -> None:
        self._api = api
        self._meshes = meshes

    def plan(self, context: Context) -> Plan:
        """What may be done now."""
        cluster, observed = context.cluster, context.observed
        mesh, _ = self._meshes.seen(cluster.key)
        found = plan(change(context), observed, mesh)
        if cluster.spec.mesh.heal != "Restart":
            return found
        return remedy(found, observed.pods, mesh, self._meshes.given_up(cluster.key))

    def left(self, context: Context, stopped: Stalled | Retry | None) -> Plan:
        """What is left to do; with the reason why nothing is done, where the reconcile was `stopped` or is paused."""
        found = self.plan(context)
        if stopped and stopped.message and not found.done:
            held = isinstance(stopped, Retry) and stopped.held
            return Plan(stopped.reason, stopped.message, found.replicas, held=held)
        if context.cluster.spec.paused and found.replace:
            return Plan("Paused", f"spec.paused is true, or this would come: {found.message}", found.replicas)
        return found

    def tell_mesh(self, context: Context, found: Plan) -> None:
        """Who is ready, and who is about to go: nobody is dialled who leaves."""
        pods = context.observed.pods
        ready = {pod.life for pod in pods if pod.ready}
        self._meshes.tell(context.cluster, ready, {pod.name for pod in removed(found, pods)})

    async def phase(self, context: Context) -> Result:
        """Delete the pods, each as it was seen: one that changed meanwhile is looked at anew."""
        found = self.plan(context)
        self._say(context, found.leave, LEAVE)
        if not found.replace:
            return Result()
        self.tell_mesh(context, found)
        if self._say(context, found.replace, RESTART):
            return Result(Retry("Draining", f"{found.message}: its node is told that it restarts", after=DRAIN_SECONDS))
        kind, reason = ("Warning", "NodeRestarted") if found.reason == RESTARTING else ("Normal", "PodReplaced")
        events: list[Event] = []
        for pod in found.replace:
            if not await self._delete(context, pod):
                return Result(Retry("PodChanged"), events=tuple(events))
            events.append(Event(kind, reason, found.message))
        return Result(events=tuple(dict.fromkeys(events)))

    def _say(self, context: Context, pods: Sequence[Pod], how: str) -> bool:
        """Have the nodes of these told how they are to go. Returns whether one has not been told yet.

        Where nodes are not asked, nobody tells them anything.
        """
        cluster = context.cluster
        if cluster.spec.mesh.probe == "Disabled":
            return False
        told = context.observed.told
        untold = [pod for pod in pods if serves(pod) and (pod.life, how) not in told]
        for pod in untold:
            self._meshes.farewells.say(cluster, pod, how)
        return bool(untold)

    async def _delete(self, context: Context, pod: Pod) -> bool:
        namespace = context.cluster.namespace
        try:
            await self._api.delete(PODS, namespace, pod.name, uid=pod.uid, resource_version=pod.resource_version)
        except ApiError as error:
            if error.code not in {404, 409}:
                raise
            return False
        return True
