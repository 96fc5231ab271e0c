"""One mesh of nodes of several OTP releases, as there is in the middle of an upgrade."""

from __future__ import annotations

import pytest

from elixircluster.mesh import calls
from elixircluster.mesh.probe import Prober
from elixircluster.mesh.tls import Tls, context
from tests import beam
from tests.certificates import Authority, distribution_flags
from tests.images import USUAL

from .conftest import RUNTIMES, US, grown, join, members, programs

# The nodes bring their own Erlang; of which Debian the one in PATH is makes no difference.
pytestmark = pytest.mark.parametrize("erlang", [USUAL], indirect=True, ids=["mixed"])
FIRST = 151
NEW = "another-cookie-for-tests"


@pytest.fixture(params=["plain", "tlsv1.2", "tlsv1.3"])
async def mixed(tmp_path, request):
    """A node of each runtime, not yet connected with each other, and a prober for them."""
    flags, tls = [], None
    if request.param != "plain":
        authority = Authority("mixed")
        leaf = authority.leaf(*(f"127.0.0.{FIRST + number}" for number in range(len(RUNTIMES))))
        ours = authority.leaf("operator")
        flags = distribution_flags(tmp_path, authority, leaf, request.param)
        tls = Tls(context(authority.certificate, ours.certificate, ours.key))
    port = beam.free_port()
    nodes = [
        beam.Node(f"otp{suite.otp}", FIRST + number, port, tmp_path / f"{suite}.log", flags=flags)
        for number, suite in enumerate(RUNTIMES)
    ]
    prober = Prober(beam.COOKIE, US, tls=tls, look_seconds=5.0)
    try:
        for node, suite in zip(nodes, RUNTIMES, strict=True):
            node.erlang = programs(suite)
            node.start()
        yield nodes, prober
    finally:
        await prober.close()
        for node in nodes:
            node.kill()


async def test_nodes_of_all_releases_are_one_mesh_and_each_is_told_by_its_release(mixed):
    nodes, prober = mixed
    await join(prober, nodes)
    answers = await prober.look(members(nodes))
    assert grown(nodes, answers).verdict.reason == "FullMesh"
    assert [answers[node.name].otp_release for node in nodes] == [str(suite.otp) for suite in RUNTIMES]
    assert await prober.listen(members(nodes), answers) == frozenset()
    for node in nodes[1:]:
        assert await prober.reaches(nodes[0].member, node.member)


async def test_another_cookie_is_set_on_all_of_them_and_lost_links_are_made_anew_with_it(mixed):
    nodes, prober = mixed
    await join(prober, nodes)
    for node in nodes:
        assert await prober.call(node.member, calls.set_cookie(node.name, NEW))
    prober.use_cookie(NEW)
    for node in nodes:
        node.kill()
        await prober.look(members(nodes))
        node.cookie = NEW
        node.start()
        await join(prober, nodes)
        assert grown(nodes, await prober.look(members(nodes))).verdict.reason == "FullMesh"


async def test_a_node_comes_back_with_the_next_release_and_is_let_in(mixed):
    nodes, prober = mixed
    await join(prober, nodes)
    for node, newer in zip(nodes, RUNTIMES[1:], strict=False):
        node.kill()
        await prober.look(members(nodes))
        node.erlang = programs(newer)
        node.start()
        await join(prober, nodes)
        answers = await prober.look(members(nodes))
        assert answers[node.name].otp_release == str(newer.otp)
        assert grown(nodes, answers).verdict.reason == "FullMesh"
