"""Of a node that stays silent the same is said, whatever we try meanwhile."""

from __future__ import annotations

import pytest

from elixircluster.mesh import peer
from elixircluster.mesh.connection import Identity
from elixircluster.mesh.probe import Prober
from tests.pretend import COOKIE, Pretend, serve

NAME = "chat@127.0.0.1"


class Freezing(Pretend):
    """From the first question on a process that was stopped: connections to it are made, and then nothing."""

    def __init__(self, made):
        super().__init__(NAME)
        made.append(self)
        self.frozen = len(made) > 1

    def on_name(self, packet):
        if not self.frozen:
            super().on_name(packet)

    def on_message(self, packet):
        return


@pytest.fixture
async def prober():
    made = Prober(COOKIE, Identity("us@here"), look_seconds=0.2)
    yield made
    await made.close()


async def test_a_node_that_stays_frozen_is_told_in_the_same_words(prober, monkeypatch):
    """They went to and fro between a look's second, the half minute of an attempt, and its step: a write each time."""
    monkeypatch.setattr(peer, "PATIENCE_SECONDS", 0.35)
    made = []
    server, member = await serve(lambda: Freezing(made), NAME)
    while not (first := (await prober.look([member]))[NAME]).frozen:
        pass
    said = set()
    while len(made) < 4:
        said.add((await prober.look([member]))[NAME])
    server.close()
    assert said == {first}
