"""What is wanted of the nodes, and what may be done now. Values with a reason; nothing here acts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from elixircluster.api.resource import ElixirCluster
from elixircluster.observed.pod import Pod


@dataclass(frozen=True)
class Change:
    """What is wanted of the nodes.

    `apart` are pods that new ones could not talk to: all of them go first, whatever the strategy. `unlike`: neither
    could those that the StatefulSet makes by now, also where none was seen yet. `meshed`: whether the
    nodes are meant to be connected, each with all others; `asked`: whether they are asked. `min_ready_seconds` and
    `min_meshed_seconds` as the user says it. `canary`: how many nodes a new revision has before it is promoted, which
    comes by itself where these are up for `canary_seconds`; 0 where nothing holds it up. `told`: lives that were told
    how they are to go, and how.
    """

    strategy: str
    replicas: int
    apart: tuple[Pod, ...] = ()
    meshed: bool = True
    asked: bool = False
    min_ready_seconds: int | None = None
    min_meshed_seconds: int = 0
    unlike: bool = False
    canary: int = 0
    canary_seconds: int | None = None
    told: frozenset[tuple[str, str]] = frozenset()

    @property
    def stops_first(self) -> bool:
        """Whether old nodes and new ones must not meet."""
        return self.strategy == "Recreate" or bool(self.apart) or self.unlike


@dataclass(frozen=True)
class Plan:
    """The one thing to do now, and why. `replicas`: what the StatefulSet should have meanwhile.

    `again`: in how many seconds it may be another, though nothing happens. `held`: it waits since the user wants so.
    """

    reason: str
    message: str
    replicas: int
    replace: tuple[Pod, ...] = field(default=())
    done: bool = False
    again: float | None = None
    held: bool = False
    leave: tuple[Pod, ...] = ()
    """Pods whose nodes are to be told that they leave, before `replicas` can be fewer."""
    stops: bool = False
    """Whether all nodes stop at once, since old and new ones must not meet."""


def change_of(
    cluster: ElixirCluster,
    apart: Sequence[Pod],
    *,
    unlike: bool,
    promoted: bool,
    told: frozenset[tuple[str, str]] = frozenset(),
) -> Change:
    """What the resource wants."""
    spec, canary = cluster.spec, None if promoted else cluster.spec.update.canary
    meshed = spec.discovery.strategy != "None" and spec.mesh.topology == "Full"
    return Change(
        spec.update.strategy,
        spec.replicas,
        tuple(apart),
        meshed,
        asked=spec.mesh.probe == "Enabled",
        min_ready_seconds=spec.update.min_ready_seconds,
        min_meshed_seconds=spec.update.min_meshed_seconds,
        unlike=unlike,
        canary=canary.nodes if canary else 0,
        canary_seconds=canary.pause_seconds if canary else None,
        told=told,
    )


def removed(found: Plan, pods: Sequence[Pod]) -> list[Pod]:
    """The pods that go with this plan, or already do."""
    taken = {pod.uid for pod in found.replace}
    return [pod for pod in pods if pod.uid in taken or pod.ordinal >= found.replicas or pod.terminating]
