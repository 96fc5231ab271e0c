"""What a rolling update waits for before it takes the next node: functions that say why, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from elixircluster.mesh.view import MeshView
from elixircluster.observed.machine import LOST, lost_machines, told, way_out
from elixircluster.observed.pod import YOUNG_SECONDS, Pod
from elixircluster.rollout.change import Change

MOST_NAMED = 3
FIRST_SECONDS = 10
"""For how long the first node of a revision is watched before the second is made. A user may say other seconds."""


class Wait(NamedTuple):
    """Why nothing may be done now, and in how many seconds that ends by itself, if it does.

    `held`: since the user wants so, and not since something is yet to come.
    """

    reason: str
    message: str
    again: float | None = None
    held: bool = False


@dataclass(frozen=True)
class Rollout:
    """Where an update stands: the pods of the newest revision, and the others. `now` is RFC 3339."""

    change: Change
    current: tuple[Pod, ...]
    outdated: tuple[Pod, ...]
    mesh: MeshView | None
    now: str

    @property
    def members(self) -> tuple[Pod, ...]:
        """All of them."""
        return (*self.current, *self.outdated)


def current_nodes(rollout: Rollout) -> Wait | None:
    """A node of the newest revision is not there, or not up: there are never two broken nodes.

    One that is lost with its machine says nothing about its revision.
    """
    broken = [pod for pod in rollout.current if not pod.up and not pod.lost]
    leaving = [pod for pod in rollout.outdated if pod.terminating and not pod.lost]
    missing = rollout.change.replicas - len(rollout.members)
    if not (broken or leaving or missing > 0):
        return None
    short = shortage(rollout.change.replicas, rollout.members, only=(*broken, *leaving))
    return Wait("WaitingForReady", f"{short}; no other node is taken before")


def machines(rollout: Rollout) -> Wait | None:
    """A node is lost with its machine: no healthy one is taken until it is back, or is made elsewhere."""
    return lost(rollout.members, "no other node is taken before")


def lost(pods: Sequence[Pod], meanwhile: str = "") -> Wait | None:
    """Some of these are lost with their machines; what a person can do, and what does not happen until then."""
    if not any(pod.lost for pod in pods):
        return None
    sentences = "; ".join(told(pods))
    return Wait(LOST, "; ".join(filter(None, (sentences, meanwhile, way_out(lost_machines(pods))))))


def asked(rollout: Rollout) -> Wait | None:
    """Nodes are to be asked, and one of the newest revision was not yet: what was said by an earlier one is nothing."""
    if not rollout.change.asked:
        return None
    if rollout.mesh is None:
        return Wait("WaitingForMesh", "no node was asked yet whom it sees")
    lives = {member.life for member in rollout.mesh.members}
    for pod in rollout.current:
        if pod.life not in lives:
            return Wait("WaitingForMesh", f"pod {pod.name}: its node was not asked yet whom it sees")
    return None


def mesh_of(rollout: Rollout) -> Wait | None:
    """A node of the newest revision has not found the others, or the cluster is split.

    Where no node can be asked nothing is known, and nothing is waited for. Nodes that never met are no split.
    """
    seen = rollout.mesh
    if not rollout.change.meshed or seen is None or not seen.sees:
        return None
    if len(seen.islands) > 1 and len(seen.islands[0]) > 1:
        return Wait("WaitingForMesh", f"{len(seen.islands)} islands do not see each other; no node leaves a split one")
    nodes = {member.life: member.node for member in seen.members}
    apart = {node for link in seen.missing | seen.one_way for node in link}
    for pod in rollout.current:
        node = nodes.get(pod.life, "")
        if node in seen.silent:
            return Wait("WaitingForMesh", f"pod {pod.name}: its node does not answer: {seen.silent[node].message}")
        if node in apart:
            return Wait("WaitingForMesh", f"pod {pod.name}: its node is not connected with all others yet")
    return None


def does_not_answer(pod: Pod, mesh: MeshView | None) -> bool:
    """Whether the pod's node says nothing while others talk to us."""
    if mesh is None or not mesh.sees:
        return False
    return any(member.life == pod.life for member in mesh.members if member.node in mesh.silent)


def proven(rollout: Rollout) -> Wait | None:
    """A node of the newest revision has not been up for long enough.

    Each as long as the user says, and one whose container has died soon after its start for longer, since it may do so
    again. Where the user says nothing, the first of a revision stands for those that follow.
    """
    least, current = rollout.change.min_ready_seconds, rollout.current
    if not current:
        return None
    wanted = {pod: max(least or 0, YOUNG_SECONDS if pod.died_young else 0) for pod in current}
    ready = {pod: pod.up_seconds(rollout.now) for pod in current}
    last, first = max(current, key=lambda pod: wanted[pod] - ready[pod]), max(current, key=lambda pod: ready[pod])
    if ready[last] < wanted[last]:
        why = "died soon after its start, and is to run" if last.died_young else "is to be ready"
        return _watch(f"pod {last.name} {why}", wanted[last], ready[last])
    if least is None and ready[first] < FIRST_SECONDS:
        return _watch(f"pod {first.name}, the first of its revision, is to be ready", FIRST_SECONDS, ready[first])
    return None


def meshed(rollout: Rollout) -> Wait | None:
    """A node of the newest revision has not been connected with all others for long enough: it may lose them again."""
    wanted, current, seen = rollout.change.min_meshed_seconds, rollout.current, rollout.mesh
    if not (current and rollout.change.meshed and seen and seen.sees):
        return None
    last = min(current, key=lambda pod: pod.meshed_seconds(rollout.now))
    left = wanted - last.meshed_seconds(rollout.now)
    if left <= 0:
        return None
    told = f"pod {last.name}: its node is to be connected with all others for {wanted} s before another one is taken"
    return Wait("WaitingForMesh", told, left)


def canary(rollout: Rollout) -> Wait | None:
    """The first nodes of a new revision are there, and it is not promoted yet."""
    change, current = rollout.change, rollout.current
    if not change.canary or len(current) < change.canary:
        return None
    told = f"{len(current)} of {change.replicas} nodes are of the newest revision"
    if change.canary_seconds is None:
        return Wait("Canary", f"{told}; to go on: kubectl elixir promote, and back: kubectl elixir rollback", held=True)
    # Those that come after the first ones are not waited for.
    up = sorted((pod.up_seconds(rollout.now) for pod in current), reverse=True)[change.canary - 1]
    told = f"{told}, others follow when these are up for {change.canary_seconds} s; back goes kubectl elixir rollback"
    return Wait("Canary", told, left, held=True) if (left := change.canary_seconds - up) > 0 else None


def _watch(told: str, wanted: float, ready: float) -> Wait:
    return Wait("WaitingForReady", f"{told} for {wanted:.0f} s before another node is taken", wanted - ready)


def shortage(replicas: int, members: Sequence[Pod], only: Sequence[Pod] | None = None) -> str:
    """Why not all of the wanted nodes are up, or nothing. `only`: speak of these pods alone."""
    unready = [pod for pod in members if not pod.up] if only is None else only
    reasons = [f"pod {pod.name}: {pod.message}" for pod in unready]
    missing = replicas - len({pod.ordinal for pod in members})
    if missing > 0:
        reasons.append(f"{missing} of {replicas} pods do not exist yet")
    more = f"; and {len(reasons) - MOST_NAMED} more" if len(reasons) > MOST_NAMED else ""
    return "; ".join(reasons[:MOST_NAMED]) + more
