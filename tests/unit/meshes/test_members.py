"""Who is meant to be in a mesh, and who is dialled."""

from __future__ import annotations

from dataclasses import replace

from elixircluster.mesh.failure import Failure
from elixircluster.meshes.members import Addresses, Membership, member_of
from elixircluster.render.distribution import Distribution
from tests.unit.factory import LATER, NOW, cluster, pod

CHAT = cluster()
OTHER = cluster(name="other")


def test_a_node_is_reached_as_its_pod_says():
    wanted = cluster(
        release={"name": "new"},
        distribution={"port": 7000},
        discovery={"strategy": "DNSSRV", "clusterDomain": "k8s.lan"},
    )
    before = replace(pod(0), distribution="inet_tcp/6789/no-epmd/address/chat/60")
    assert (member_of(wanted, before).node, member_of(wanted, before).port) == ("chat@10.0.0.0", 6789)
    after = replace(pod(0), distribution=str(Distribution.of(wanted)))
    assert member_of(wanted, after).node == "new@chat-0.chat-nodes.default.svc.k8s.lan"
    assert member_of(wanted, pod(0)) == member_of(wanted, after)


def test_epmd_is_asked_where_the_pod_says_so():
    assert member_of(CHAT, replace(pod(0), distribution="inet_tcp/6789/epmd/address/chat/60")).port is None


def test_tls_is_spoken_with_nodes_that_were_made_with_it():
    secured = replace(pod(0), distribution="inet_tls:chat-tls/6789/no-epmd/address/chat/60")
    assert Membership.of(CHAT, [secured]).secret == "chat-tls"
    assert not Membership.of(cluster(distribution={"tls": {"mode": "SelfSigned"}}), [with_annotation(CHAT)]).secret


def with_annotation(resource, ordinal=0, **said):
    return replace(pod(ordinal), distribution=str(Distribution.of(resource)), **said)


def test_who_stays_says_how_nodes_are_talked_to():
    leaves = replace(with_annotation(CHAT), terminating=True)
    secured = cluster(distribution={"tls": {"mode": "SelfSigned"}})
    assert Membership.of(secured, [leaves, with_annotation(secured, 1)]).secret


def refused(addresses, membership):
    return {member.pod: failed.failure for member, failed in addresses.undialled(membership).items()}


def test_a_pod_whose_address_another_one_has_by_now_is_not_dialled():
    # Whoever has the address of a pod that is gone could hand our handshake on to another node.
    gone = Membership.of(CHAT, [replace(pod(0), created=NOW)])
    came = Membership.of(OTHER, [replace(pod(0), name="other-0", uid="uid-other", created=LATER)])
    addresses = Addresses()
    addresses.exchange(Membership(), gone)
    assert refused(addresses, gone) == {}
    addresses.exchange(Membership(), came)
    assert refused(addresses, gone) == {"chat-0": Failure.REFUSED}
    assert refused(addresses, came) == {}
    addresses.exchange(gone, gone)
    assert refused(addresses, came) == {}
    addresses.exchange(came, Membership())
    addresses.exchange(gone, Membership())
    assert not len(addresses)


def test_two_pods_of_one_machine_share_its_address_and_not_their_port():
    one = Membership.of(CHAT, [pod(0)])
    other = Membership.of(cluster(name="other", distribution={"port": 7000}), [replace(pod(0), uid="uid-other")])
    addresses = Addresses()
    addresses.exchange(Membership(), one)
    addresses.exchange(Membership(), other)
    assert (refused(addresses, one), refused(addresses, other)) == ({}, {})


def test_a_container_that_does_not_run_is_not_dialled_and_owns_no_address():
    dead = Membership.of(CHAT, [replace(pod(0, ready=False, message="app: CrashLoopBackOff"), running=False)])
    addresses = Addresses()
    addresses.exchange(Membership(), dead)
    (failed,) = addresses.undialled(dead).values()
    assert (failed.failure, failed.message) == (Failure.NOT_ALIVE, "app: CrashLoopBackOff")
    assert not len(addresses)


def test_a_node_that_is_lost_with_its_machine_does_not_leave_though_kubernetes_has_it_deleted():
    """It was counted out, so that two of five nodes were a full mesh of two."""
    lost = pod(1, machine="worker2", lost=NOW, terminating=True)
    member = member_of(CHAT, lost)
    assert (member.leaving, member.machine, member.lost) == (False, "worker2", lost.message)
    assert member_of(CHAT, pod(1, terminating=True)).leaving
    assert member_of(CHAT, pod(7, machine="worker2", lost=NOW)).leaving
