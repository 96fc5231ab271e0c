"""Another cookie for nodes that pretend, by a Secret that keeps to its versions."""

from __future__ import annotations

import base64
from contextlib import AsyncExitStack

import pytest

from elixircluster.api.resource import ROTATE_ANNOTATION
from elixircluster.cookie.decision import KUBELET_SECONDS, PATIENCE_SECONDS
from elixircluster.cookie.rotator import Rotator
from elixircluster.cookie.secret import CookieSecrets
from elixircluster.errors import Retry, Stalled
from elixircluster.phase import Context
from tests.unit.factory import TEMPLATES
from tests.unit.meshes.world import KEY, SET, World

SECRET = "chat-cookie"
COOKIE = "the-cookie-of-these-nodes"
NEXT = "the-next-cookie-of-these-nodes"


class Rotation:
    """A resource of two nodes for which another cookie is asked for."""

    def __init__(self, world):
        self.world = world
        self.now = 0.0
        secrets = CookieSecrets(world.api, world.store, TEMPLATES)
        self.rotator = Rotator(secrets, world.meshes, world.permit, lambda: self.now)
        self.events = []

    async def reconcile(self):
        """One phase, as the reconcile has it."""

        def look():
            return self.world.store.observed(KEY)

        result = await self.rotator.phase(Context(self.world.cluster, look(), look))
        self.events += [event.reason for event in result.events]
        return result

    async def until_settled(self):
        result = await self.reconcile()
        while result.trouble and result.trouble.reason == "RotatingCookie":
            result = await self.reconcile()
        return result

    @property
    def secret(self):
        return {key: base64.b64decode(value).decode() for key, value in self.world.api.there[SECRET]["data"].items()}


@pytest.fixture
async def rotation():
    async with AsyncExitStack() as stack:
        world = World(stack)
        stack.push_async_callback(world.stop)
        world.annotations = {ROTATE_ANNOTATION: "2"}
        world.apply(update={"allowRecreate": True})
        world.secret(SECRET, cookie=COOKIE)
        world.cookies = {0: COOKIE, 1: COOKIE}
        yield Rotation(world)


async def test_all_nodes_get_another_cookie_and_it_is_told_before_it_is_done(rotation):
    await rotation.world.pair()
    begun = await rotation.reconcile()
    assert (begun.trouble.reason, begun.stop, rotation.events) == ("RotatingCookie", False, ["CookieRotationStarted"])
    assert set(rotation.world.cookies.values()) == {COOKIE}
    done = await rotation.reconcile()
    assert (done.trouble, done.facts.rotated) == (None, "2")
    assert rotation.events == ["CookieRotationStarted", "CookieRotated"]
    assert rotation.secret == {"cookie": rotation.world.cookies[0]}
    assert rotation.world.cookies[0] == rotation.world.cookies[1] != COOKIE


async def test_no_node_is_stopped_for_one_that_is_merely_away(rotation):
    # With allowRecreate, 60 s without one node stopped all the others.
    await rotation.world.pair()
    rotation.world.servers[1].close()
    assert isinstance((await rotation.reconcile()).trouble, Retry)
    rotation.now = 10 * PATIENCE_SECONDS
    missed = await rotation.reconcile()
    assert isinstance(missed.trouble, Stalled)
    assert (missed.trouble.reason, missed.stop, missed.facts.apart) == ("RotationWaiting", False, ())
    assert "chat-1" in missed.trouble.message


async def test_a_crash_looping_pod_is_not_waited_for_until_the_others_are_done(rotation):
    # Its refused connections counted as a node that is missed: the rotation waited, stalled, or stopped all nodes.
    world = rotation.world
    await world.node(0, [])
    world.pod(0)
    world.pod(1, ready=False)
    waiting = await rotation.until_settled()
    assert (waiting.trouble.reason, waiting.stop) == ("RotationWaiting", False)
    assert "chat-1" in waiting.trouble.message
    assert rotation.secret["cookie"] == world.cookies[0] != COOKIE
    # It started with the earlier cookie, and comes up at last.
    world.cookies[1] = COOKIE
    await world.node(1, [])
    world.pod(1)
    assert (await rotation.until_settled()).trouble is None
    assert rotation.secret == {"cookie": world.cookies[1]}


async def test_a_rotation_with_a_pending_pod_says_what_it_waits_for_and_finishes(rotation):
    world = rotation.world
    await world.node(0, [])
    world.pod(0)
    world.pod(1, running=False, ready=False)
    waiting = await rotation.until_settled()
    assert "chat-1: app: CrashLoopBackOff" in waiting.trouble.message
    assert rotation.events == ["CookieRotationStarted"]
    rotation.now = KUBELET_SECONDS
    assert (await rotation.reconcile()).trouble is None
    assert rotation.events == ["CookieRotationStarted", "CookieRotated"]
    assert rotation.secret == {"cookie": world.cookies[0]}


async def test_the_kubelet_has_its_time_from_the_last_change_of_the_secret(rotation):
    world = rotation.world
    await world.node(0, [])
    world.servers[0].close()
    world.pod(0)
    world.pod(1, running=False, ready=False)
    await rotation.reconcile()
    rotation.now = 2 * PATIENCE_SECONDS
    await world.node(0, [])
    assert (await rotation.until_settled()).trouble.reason == "RotationWaiting"
    rotation.now = 3 * PATIENCE_SECONDS
    assert (await rotation.reconcile()).trouble is None


async def test_pods_of_a_deleted_resource_of_the_same_name_hold_up_nothing(rotation):
    # They are on their way out with their own cookie; the new resource stalled, or was recreated.
    world = rotation.world
    await world.pair()
    world.pod(7, ownerReferences=[{**SET, "uid": "uid-of-another", "controller": True}])
    assert (await rotation.until_settled()).trouble is None


async def test_without_a_certificate_to_ask_with_it_is_said_which(rotation):
    world = rotation.world
    world.apply(distribution={"tls": {"mode": "SelfSigned"}})
    await world.pair()
    result = await rotation.reconcile()
    assert (result.trouble.reason, result.stop) == ("CertificateSecretMissing", True)
    assert "chat-tls" in result.trouble.message


async def test_nobody_is_set_by_a_process_that_does_not_lead(rotation):
    await rotation.world.pair()
    await rotation.reconcile()
    rotation.world.leads = False
    with pytest.raises(PermissionError):
        await rotation.reconcile()
    assert set(rotation.world.cookies.values()) == {COOKIE}


async def test_the_mesh_is_asked_with_what_nodes_take_while_one_is_waited_for(rotation):
    # After others were set, one that was missed left every new connection with the cookie that nobody took any more.
    used = []
    rotation.world.meshes.use_cookie = lambda key, cookie: used.append(cookie)
    rotation.world.secret(SECRET, cookie=COOKIE, next=NEXT)
    rotation.world.cookies[0] = NEXT
    await rotation.world.pair()
    rotation.world.servers[1].close()
    assert (await rotation.reconcile()).trouble.reason == "RotationWaiting"
    assert used == [NEXT]
