"""Meshes, looked at: by nodes that pretend, in a store that is real."""

from __future__ import annotations

import asyncio
import logging

import pytest

from elixircluster.mesh.member import Answer, Member
from elixircluster.mesh.view import view
from elixircluster.meshes.mesh import summary
from elixircluster.telemetry import metrics
from tests.certificates import Authority
from tests.pretend import COOKIE

from .world import KEY, server_context

TLS = {"tls": {"mode": "SelfSigned"}}


async def test_a_mesh_is_looked_at_once_its_resource_is_told_of(world):
    await world.pair()
    world.tell("uid-0", "uid-1")
    await world.until_reason("FullMesh")
    assert world.woken == [KEY]


@pytest.mark.parametrize("spec", [{"mesh": {"probe": "Disabled"}}, {"replicas": 0}, {}], ids=str)
async def test_a_resource_without_nodes_to_ask_costs_nothing(world, spec):
    # A task, a parse and a look every five seconds each, whatever there was to see.
    world.apply(**spec)
    if "probe" in spec.get("mesh", {}):
        await world.pair()
    for _ in range(3):
        world.tell()
    await asyncio.sleep(0.3)
    assert world.meshes.seen(KEY) == (None, "")
    assert (world.api.read, world.dialled, world.woken) == ([], [], [])
    assert len(asyncio.all_tasks()) == 2


async def test_nothing_is_kept_of_a_mesh_whose_resource_is_gone(world):
    await world.pair()
    world.tell()
    await world.until_reason("FullMesh")
    world.apply(mesh={"probe": "Disabled"})
    world.tell()
    await world.until(lambda: world.meshes.seen(KEY) == (None, ""))
    assert not [sample for sample in metrics.nodes.collect()[0].samples if sample.labels["name"] == "chat"]
    assert not len(world.meshes._common.addresses)


async def test_the_mesh_of_an_earlier_resource_of_this_name_is_not_that_of_the_next(world):
    """A resource that was made anew said FullMesh before it had a node."""
    await world.pair()
    world.tell()
    await world.until_reason("FullMesh")
    world.make_anew()
    assert world.meshes.seen(KEY) == (None, "")
    world.tell()
    assert world.meshes.seen(KEY) == (None, "")


async def test_the_same_again_is_the_same_view(world):
    await world.pair()
    world.tell()
    await world.until(lambda: world.verdict and world.verdict.clustered and not world.meshes.seen(KEY)[0].young)
    seen = world.meshes.seen(KEY)[0]
    await asyncio.sleep(1.5)
    assert world.meshes.seen(KEY)[0] is seen
    assert sorted(world.dialled) == [0, 1]
    assert world.api.read == ["chat-cookie"]


async def test_a_node_is_asked_as_its_pod_is_annotated(world):
    # While RecreateNeeded waited, nodes were asked under their new names and told to have a wrong rel/env.sh.
    before = world.cluster
    await world.node(0, [1])
    await world.node(1, [0])
    world.apply(release={"name": "other"}, distribution={"port": 7000, "epmd": "Enabled", **TLS})
    world.pod(0, made=before)
    world.pod(1, made=before)
    world.tell()
    await world.until_reason("FullMesh")


async def test_a_pod_without_a_running_container_is_not_dialled_and_is_waited_for(world):
    await world.node(0, [])
    await world.node(1, [])
    world.pod(0)
    world.pod(1, running=False, ready=False)
    world.tell()
    await world.until_reason("Forming")
    assert world.dialled == [0]
    assert world.verdict.message == "waiting for chat-1"


async def test_a_node_that_boots_is_asked_soon_again(world):
    world.apply(mesh={"intervalSeconds": 60})
    world.booting.add(1)
    await world.pair()
    world.tell()
    await world.until_reason("Booting")
    assert world.verdict.message == "chat-1 is starting: its applications are not up yet"
    gauge = metrics.booting.labels(*KEY)
    assert gauge._value.get() == 1
    world.booting.clear()
    await world.until_reason("FullMesh")
    assert gauge._value.get() == 0


async def test_a_container_that_started_again_is_another_node_to_be_asked(world):
    """What an earlier run of it had said would have let an update go on."""
    await world.pair()
    world.tell()
    await world.until_reason("FullMesh")
    world.pod(1, restarts=1)
    world.tell("uid-1/1")
    await world.until(lambda: "uid-1/1" in {member.life for member in world.meshes.seen(KEY)[0].members})
    assert sorted(world.dialled) == [0, 1, 1]


async def test_what_cannot_be_asked_is_said_and_asked_as_soon_as_it_can(world):
    # Clustered stood as it was, without a word.
    world.secret("chat-cookie")
    await world.pair()
    world.tell()
    await world.until_reason("CookieSecretMissing")
    assert world.verdict.clustered is None
    assert "chat-cookie" in world.verdict.message
    assert world.woken == [KEY]
    world.secret("chat-cookie", cookie=COOKIE)
    world.tell()
    await world.until_reason("FullMesh")


async def test_without_its_certificate_nobody_can_be_asked(world):
    world.apply(distribution=TLS)
    await world.pair()
    world.tell()
    await world.until_reason("CertificateSecretMissing")


async def test_open_connections_go_on_while_a_secret_is_away(world):
    await world.pair()
    world.tell()
    await world.until_reason("FullMesh")
    world.secret("chat-cookie")
    world.tell()
    await asyncio.sleep(0.5)
    assert world.verdict.reason == "FullMesh"
    assert len(world.dialled) == 2


async def test_a_renewed_authority_is_taken_without_a_restart(world):
    # The prober kept the TLS material with which it began, for ever.
    old, new = Authority("old"), Authority("new")
    world.apply(distribution=TLS)
    world.certificate(old)
    await world.pair(secure=server_context(old))
    world.tell()
    await world.until_reason("FullMesh")
    await world.stop()
    await world.pair(secure=server_context(new))
    world.certificate(new)
    world.tell()
    await world.until(lambda: len(world.dialled) == 4)
    await world.until_reason("FullMesh")


MODES = {
    "SelfSigned": {"mode": "SelfSigned"},
    "CertManager": {"mode": "CertManager", "issuerRef": {"name": "issuer"}},
    "Secret": {"mode": "Secret", "secretRef": {"name": "mine"}},
}


SECRETS_OF = {"CertManager": "chat-tls-issued", "Secret": "mine"}


@pytest.mark.parametrize("before", [None, *MODES])
@pytest.mark.parametrize("after", [None, *MODES])
async def test_another_tls_mode_is_followed_as_the_nodes_follow(world, before, after):
    # Six switches of six ended in Unknown until the operator was restarted.
    for number, mode in enumerate((before, after)):
        await world.stop()
        authority = Authority(f"authority {number}")
        world.apply(distribution={"tls": MODES[mode]} if mode else {}, discovery={"strategy": "DNSSRV"})
        world.certificate(authority, SECRETS_OF.get(mode, "chat-tls"), ours=mode == "SelfSigned")
        await world.pair(secure=server_context(authority) if mode else None)
        world.tell(f"ready {number}")
        await world.until(lambda number=number: len(world.dialled) >= 2 * number + 2)
        await world.until_reason("FullMesh")


async def test_another_cookie_in_a_secret_of_the_users_is_taken(world):
    world.apply(distribution={"cookie": {"secretKeyRef": {"name": "mine", "key": "k"}}})
    world.secret("mine", ours=False, k="another-cookie-of-the-user")
    await world.pair()
    world.tell()
    await world.until(lambda: world.meshes.refused(KEY))
    world.secret("mine", ours=False, k=COOKIE)
    world.tell()
    await world.until_reason("FullMesh")
    assert not world.meshes.refused(KEY)


async def test_a_rotations_cookie_is_dialled_with_until_its_secret_is_another(world):
    world.secret("chat-cookie", cookie="the-cookie-before-this-one", next=COOKIE)
    await world.pair()
    world.tell()
    await world.until(lambda: world.meshes.refused(KEY))
    world.meshes.use_cookie(KEY, COOKIE)
    world.secret("chat-cookie", cookie="the-cookie-before-this-one", next=COOKIE, other="x")
    world.tell()
    await world.until_reason("FullMesh")


async def test_nobody_dials_for_a_process_that_does_not_lead(world, caplog):
    # Redials went on after the lease was lost.
    world.leads = False
    await world.node(0, [])
    await world.node(1, [])
    world.pod(0)
    world.pod(1)
    with caplog.at_level(logging.CRITICAL):
        world.tell()
        await world.until(lambda: world.permits)
    assert world.meshes.seen(KEY)[0].missing
    assert not world.asked_to_connect


async def test_links_of_the_applications_own_are_no_fault(world):
    world.apply(mesh={"topology": "Partial", "intervalSeconds": 1})
    await world.node(0, [])
    await world.node(1, [])
    world.pod(0)
    world.pod(1)
    world.tell()
    await world.until_reason("NodesAnswer")
    assert not world.asked_to_connect


def test_a_pod_that_was_replaced_between_two_looks_is_news():
    # Its node has the name that it had, and sees the same; a rollout waits until just this pod was asked.
    before, after = (
        view([Member("chat-0", "chat@chat-0.host", life=life)], {"chat@chat-0.host": Answer(frozenset())})
        for life in ("uid-1/0", "uid-2/0")
    )
    assert summary(before) != summary(after)
