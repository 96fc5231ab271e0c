"""Real nodes, over TCP and over TLS, and a prober for them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from elixircluster.mesh import calls
from elixircluster.mesh.connection import Identity
from elixircluster.mesh.probe import Prober
from elixircluster.mesh.tls import Tls, context
from elixircluster.mesh.view import view
from tests import beam, images
from tests.certificates import Authority, Leaf, distribution_flags
from tests.images import BOOKWORM, SUITES, TRIXIE, Suite, UnavailableError

US = Identity("elixircluster@prober")


@dataclass
class Secured:
    """Nodes that speak TLS, and who signed their certificates."""

    nodes: list[beam.Node]
    authority: Authority
    leaf: Leaf

    def tls(self, authority: Authority | None = None, leaf: Leaf | None = None) -> Tls:
        ours = leaf or self.authority.leaf("operator")
        return Tls(context((authority or self.authority).certificate, ours.certificate, ours.key))


CAMPAIGN = bool(os.environ.get("ELIXIRCLUSTER_CAMPAIGN"))
RUNTIMES = SUITES if CAMPAIGN else (BOOKWORM, TRIXIE)


@pytest.fixture(scope="session", autouse=True, params=RUNTIMES, ids=str)
def erlang(request) -> Iterator[Suite]:
    """Every test is run with the Erlang of each Debian in PATH."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{programs(request.param)}:{os.environ['PATH']}")
        yield request.param


def programs(suite: Suite) -> Path:
    """The folder with an Erlang in it."""
    try:
        return images.erlang(suite)
    except UnavailableError as why:
        pytest.skip(str(why))


@pytest.fixture(scope="module")
def three(erlang, tmp_path_factory):
    """Three nodes that know nothing of each other."""
    with beam.nodes(3, 81, tmp_path_factory.mktemp("plain")) as made:
        yield made


@pytest.fixture(scope="module", params=["tlsv1.2", "tlsv1.3"])
def secured(erlang, tmp_path_factory, request):
    """Three nodes that speak TLS and check each other: 1.2 as OTP 25 does by default, and 1.3."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority("mesh")
    leaf = authority.leaf(*(f"127.0.0.{number}" for number in range(91, 94)))
    with beam.nodes(
        3, 91, folder, flags=distribution_flags(folder, authority, leaf, request.param), prefix="s"
    ) as made:
        yield Secured(made, authority, leaf)


@pytest.fixture
async def prober():
    made = Prober(beam.COOKIE, US)
    yield made
    await made.close()


async def join(prober, nodes):
    """Connect every node with every other."""
    for index, node in enumerate(nodes):
        for other in nodes[index + 1 :]:
            assert await prober.call(node.member, calls.connect_node(other.name), 10)


def members(nodes):
    """Who is meant to be in the mesh."""
    return [node.member for node in nodes]


def grown(nodes, answers):
    """The view as of nodes that have been up for long."""
    aged = {
        name: dataclasses.replace(answer, uptime_seconds=3600.0) if hasattr(answer, "sees") else answer
        for name, answer in answers.items()
    }
    return view(members(nodes), aged)
