"""Who is told how to go, and that nobody is kept waiting for it for ever."""

from __future__ import annotations

import asyncio

import pytest

from elixircluster.mesh.failure import Failure, MeshError, Step
from elixircluster.meshes.credentials import Access
from elixircluster.meshes.farewell import Farewells
from tests.unit.factory import cluster, pod

CHAT = cluster(replicas=1, shutdown={"drain": {"module": "Chat", "function": "drain", "timeoutSeconds": 7}})


class Node:
    """What a node is asked, over one connection; it lets in with one cookie, and may answer nothing."""

    def __init__(self, cookie="of now", *, silent=()):
        self.cookie, self.silent = cookie, silent
        self.called, self.closed, self.patience = [], 0, []

    async def dialler(self, _cluster, _pods):
        return self

    async def connect(self, _member, cookie, _seconds):
        if cookie != self.cookie:
            raise MeshError(Failure.WRONG_COOKIE, "another cookie", Step.HANDSHAKE)
        return self

    async def call(self, call, seconds):
        self.called.append(str(call))
        self.patience.append(seconds)
        if call.function in self.silent:
            raise MeshError(Failure.TIMEOUT, "no answer")

    def close(self):
        self.closed += 1


class Secrets:
    async def access(self, *_, **__):
        return Access(("of now", "next"))


class Pods:
    def __init__(self, *living):
        self.living = living

    def pods(self, _key):
        return self.living


async def told(node, living=None, how="leave"):
    one = pod(0)
    woken = []
    farewells = Farewells(
        node, Secrets(), Pods(*(living if living is not None else (one,))), lambda: None, woken.append
    )
    farewells.say(CHAT, one, how)
    assert farewells.said(CHAT.key) == frozenset()
    await asyncio.sleep(0.01)
    assert woken == [CHAT.key]
    return farewells.said(CHAT.key)


@pytest.mark.parametrize("cookie", ["of now", "next"])
async def test_a_node_is_told_and_drained_with_the_cookie_that_it_has(cookie):
    node = Node(cookie)
    assert await told(node) == {(pod(0).life, "leave")}
    assert node.called == ["application:set_env/3", "Elixir.Chat:drain/0"]
    assert (node.patience[1], node.closed) == (7, 1)


@pytest.mark.parametrize("node", [Node("another"), Node(silent=("set_env",)), Node(silent=("drain",))])
async def test_a_node_that_cannot_be_told_goes_all_the_same(node):
    assert await told(node) == {(pod(0).life, "leave")}


async def test_who_is_gone_is_forgotten():
    assert await told(Node(), living=()) == frozenset()


async def test_nobody_is_told_twice():
    node = Node()
    farewells = Farewells(node, Secrets(), Pods(pod(0)), lambda: None, lambda _: None)
    for _ in range(3):
        farewells.say(CHAT, pod(0), "restart")
    await asyncio.sleep(0.01)
    farewells.say(CHAT, pod(0), "restart")
    await asyncio.sleep(0.01)
    assert node.called.count("application:set_env/3") == 1


async def test_who_does_not_lead_any_more_tells_nobody():
    class LostError(Exception):
        pass

    def permit():
        raise LostError

    node = Node()
    farewells = Farewells(node, Secrets(), Pods(pod(0)), permit, lambda _: None)
    farewells.say(CHAT, pod(0), "leave")
    await asyncio.sleep(0.01)
    assert node.called == []
