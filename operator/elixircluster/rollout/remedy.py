"""Which pod to restart where its node cannot be connected in any other way: `mesh.heal: Restart`, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from elixircluster.mesh.view import Link, MeshView
from elixircluster.observed.pod import Pod
from elixircluster.rollout.change import Plan

REASON = "RestartingNode"


def remedy(found: Plan, pods: Sequence[Pod], seen: MeshView | None, given_up: Collection[Link]) -> Plan:
    """The restart of one node of the minority, where nothing else is to be done; else the plan as it was.

    `given_up` are links that were dialled often enough in vain. One pod goes at a time, and only while every pod is
    ready and every node answers: who is silent may be the majority.
    """
    if not found.done or seen is None or seen.silent:
        return found
    victim_and_peer = _victim(pods, seen, given_up)
    if victim_and_peer is None:
        return found
    victim, peer = victim_and_peer
    told = f"restarting pod {victim.name}, whose node does not connect with that of {peer}; it was asked often enough"
    return Plan(REASON, told, found.replicas, (victim,))


def _victim(pods: Sequence[Pod], seen: MeshView, given_up: Collection[Link]) -> tuple[Pod, str] | None:
    """Of the ends of those links the one on the smallest island, with the fewest links, of the highest ordinal."""
    size = {node: len(island) for island in seen.islands for node in island}
    living = {pod.life: pod for pod in pods if pod.up}
    # By their lives: a pod that was replaced since the look is another one, and so is a container that started again.
    homes = {member.node: pod for member in seen.members if (pod := living.get(member.life)) is not None}
    ends = [
        (size[node], len(seen.sees[node]), -homes[node].ordinal, homes[node], homes[other].name)
        for link in given_up
        for node, other in (link, link[::-1])
        if {node, other} <= size.keys() & homes.keys()
    ]
    if not ends:
        return None
    *_, victim, peer = min(ends, key=lambda end: end[:3])
    return victim, peer
