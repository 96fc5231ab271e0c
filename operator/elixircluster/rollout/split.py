"""Changes with which old and new nodes could not talk to each other."""

from __future__ import annotations

from collections.abc import Sequence

from elixircluster.api.resource import ElixirCluster
from elixircluster.errors import Retry, Stalled
from elixircluster.observed.pod import Pod
from elixircluster.phase import Context, Result
from elixircluster.render.pod import distribution
from elixircluster.rollout.change import Change, change_of
from elixircluster.rollout.history import is_promoted


async def guard(context: Context) -> Result:
    """The phase that comes before every change: none is made while the resource is paused, or would split it."""
    if context.cluster.spec.paused:
        return Result(stop=True)
    if has_unlike_template(context) and context.observed.has_unseen:
        raise Retry("Observing", "the StatefulSet may have nodes that were not seen yet; no change splits off these")
    refuse_to_split(context.cluster, unlike(context.cluster, nodes(context)))
    return Result()


def change(context: Context) -> Change:
    """What is wanted of the nodes, and which of those that there are could not talk to new ones."""
    cluster, workload = context.cluster, context.observed.workload
    revision = workload.revision.removeprefix(f"{cluster.name}-") if workload else ""
    promoted = is_promoted(cluster, revision)
    told = context.observed.told
    return change_of(cluster, apart(context), unlike=has_unlike_template(context), promoted=promoted, told=told)


def apart(context: Context) -> tuple[Pod, ...]:
    """Pods that must go before new ones come: by how their nodes are reached, or by their cookie."""
    by_cookie = {pod.uid for pod in context.facts.apart}
    by_distribution = {pod.uid for pod in unlike(context.cluster, nodes(context))}
    return tuple(pod for pod in nodes(context) if pod.uid in by_cookie | by_distribution)


def nodes(context: Context) -> tuple[Pod, ...]:
    """All that run, also those that a StatefulSet which was deleted has left behind: the next one takes them."""
    return (*context.observed.pods, *context.observed.unclaimed)


def has_unlike_template(context: Context) -> bool:
    """Whether nodes that the StatefulSet makes by now could not talk to those that are wanted, if it makes any."""
    workload = context.observed.workload
    if workload is None or workload.is_empty:
        return False
    return workload.distribution not in {"", distribution(context.cluster)}


def unlike(cluster: ElixirCluster, pods: Sequence[Pod]) -> tuple[Pod, ...]:
    """Pods whose nodes could not talk to new ones. What an older operator made says nothing, and may be of use."""
    wanted = distribution(cluster)
    return tuple(pod for pod in pods if pod.distribution and pod.distribution != wanted)


def refuse_to_split(cluster: ElixirCluster, pods: Sequence[Pod]) -> None:
    """Raise `Stalled` where a change would leave two halves, and nobody has allowed to recreate.

    Nodes that leave anyway are no half, and where none has started there is nothing to lose.
    """
    update = cluster.spec.update
    staying = [pod for pod in pods if pod.started and not pod.terminating and pod.ordinal < cluster.spec.replicas]
    if staying and update.strategy != "Recreate" and not update.allow_recreate:
        raise Stalled(
            "RecreateNeeded",
            f"nodes run as {staying[0].distribution} and are to become {distribution(cluster)}; old and new could not "
            "talk to each other, so this cannot roll. Set spec.update.allowRecreate to true to stop all nodes and "
            "start them anew, or take the change back",
        )
