"""Real nodes, over TCP and over TLS, and a prober for them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from elixircluster.mesh import calls
from elixircluster.mesh.connection import Identity
from elixircluster.mesh.probe import Prober
from elixircluster.mesh.tls import Tls, context
from tests import beam
from tests.certificates import Authority, Leaf, distribution_flags
from tests.cluster import packages

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


@pytest.fixture(scope="session", autouse=True)
def erlang() -> None:
    """Debian's Erlang, where there is none."""
    packages.ensure({"erl": "erlang-base", "/usr/lib/erlang/lib/ssl-*": "erlang-ssl"})


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Three nodes that know nothing of each other."""
    with beam.nodes(3, 81, tmp_path_factory.mktemp("plain")) as made:
        yield made


@pytest.fixture(scope="module", params=["tlsv1.2", "tlsv1.3"])
def secured(tmp_path_factory, request):
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
