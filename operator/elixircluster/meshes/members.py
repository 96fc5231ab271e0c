"""Who is meant to be in a mesh, how each node is reached, and which of them may be dialled.

Nodes are asked as their pods are annotated: where the spec wants them otherwise and nobody has allowed a Recreate, they
still run as they were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from elixircluster.api.resource import ElixirCluster
from elixircluster.mesh.failure import Failed, Failure, Step
from elixircluster.mesh.member import Member
from elixircluster.observed.pod import Pod
from elixircluster.render.distribution import Distribution

Place = tuple[str, int | str]
"""An address, and the port; where epmd tells that, the node's name."""


@dataclass(frozen=True)
class Membership:
    """The members of one mesh, and how all their nodes are to be talked to."""

    members: tuple[Member, ...] = ()
    pods: Mapping[str, Pod] = field(default_factory=dict)
    """The members' pods by their names."""
    secret: str = ""
    """The Secret with the nodes' certificate; empty where they speak no TLS."""
    named_by_host: bool = False

    @classmethod
    def of(cls, cluster: ElixirCluster, pods: Sequence[Pod]) -> Membership:
        """The pods that have an address, as they were made. Those that stay have all been made alike."""
        present = {pod.name: pod for pod in pods if pod.address}
        members = tuple(member_of(cluster, pod) for pod in present.values())
        staying = [present[member.pod] for member in members if not member.leaving] or list(present.values())
        said = Distribution.at(cluster, staying[0].distribution if staying else "")
        return cls(members, present, said.secret, said.naming == "host")


def member_of(cluster: ElixirCluster, pod: Pod) -> Member:
    """The pod's node. One that leaves, or that a scale-down is about to take, is not missed.

    One that is lost with its machine does not leave, whatever it was told.
    """
    said = Distribution.at(cluster, pod.distribution)
    return Member(
        pod=pod.name,
        node=said.node(cluster, pod.name, pod.address),
        address=pod.address,
        port=None if said.epmd else said.port,
        started=pod.started,
        ready=pod.ready,
        leaving=(pod.terminating and not pod.lost) or pod.ordinal >= cluster.spec.replicas,
        life=pod.life,
        machine=pod.machine,
        lost=pod.message if pod.lost else "",
    )


class Addresses:
    """Whose each place is, of all meshes: the pod's that was made last.

    A pod that is gone keeps its address in our eyes until we hear of it. Whoever has it by then could hand our
    handshake on to another node, so nobody is dialled but the pod that we saw.
    """

    def __init__(self) -> None:
        self._owners: dict[Place, Pod] = {}

    def __len__(self) -> int:
        return len(self._owners)

    def exchange(self, before: Membership, now: Membership) -> None:
        """The members of one mesh are others by now."""
        for member, pod in _running(before):
            owner = self._owners.get(_place(member))
            if owner is not None and owner.uid == pod.uid:
                del self._owners[_place(member)]
        for member, pod in _running(now):
            known = self._owners.get(_place(member))
            if known is None or known.created <= pod.created:
                self._owners[_place(member)] = pod

    def undialled(self, membership: Membership) -> dict[Member, Failed]:
        """Who must not be dialled now, and why."""
        return {
            member: failed
            for member in membership.members
            if (failed := self._why_not(member, membership.pods[member.pod]))
        }

    def _why_not(self, member: Member, pod: Pod) -> Failed | None:
        if not pod.running:
            return Failed(Failure.NOT_ALIVE, pod.message or "its container does not run", Step.CONNECT)
        owner = self._owners.get(_place(member))
        if owner is not None and owner.uid != pod.uid:
            return Failed(Failure.REFUSED, f"its address {pod.address} is another pod's by now", Step.CONNECT)
        return None


def _running(membership: Membership) -> Iterable[tuple[Member, Pod]]:
    pairs = ((member, membership.pods[member.pod]) for member in membership.members)
    return ((member, pod) for member, pod in pairs if pod.running)


def _place(member: Member) -> Place:
    return member.address, member.port or member.node
