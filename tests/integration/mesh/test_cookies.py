"""What setting a cookie means to real nodes: what a rotation rests on."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from elixircluster.cookie.keyring import PUNCTUATION
from elixircluster.mesh import calls
from elixircluster.mesh.calls import Call
from elixircluster.mesh.connection import Identity, Target, dial
from elixircluster.mesh.failure import Failure, MeshError
from elixircluster.mesh.terms import Atom
from tests import beam

from .conftest import join

NEW = "another-cookie-for-tests"
BESIDE = Identity("rotation@prober")


@pytest.fixture
def pair(tmp_path):
    """Two nodes that know nothing of each other."""
    with beam.nodes(2, 111, tmp_path, prefix="c") as made:
        yield made


def disconnect(node):
    """Ends a link; no call of the operator's own."""
    return Call("erlang", "disconnect_node", (Atom(node.name),), str)


async def takes(node, cookie):
    """Whether the node lets a new connection in with this cookie."""
    target = Target(node.name, node.address, node.port)
    try:
        connection = await dial(target, cookie, BESIDE, seconds=5)
    except MeshError as error:
        if error.failed.failure is not Failure.WRONG_COOKIE:
            raise
        return False
    connection.close()
    return True


async def test_a_node_takes_new_connections_with_its_own_cookie_and_leaves_the_old_ones(prober, pair):
    one, two = pair
    await join(prober, pair)
    assert await prober.call(one.member, calls.set_cookie(one.name, NEW))
    assert (await takes(one, NEW), await takes(one, beam.COOKIE)) == (True, False)
    answers = await prober.look([one.member, two.member])
    assert answers[one.name].sees == {two.name}
    assert answers[two.name].sees == {one.name}


@pytest.mark.parametrize("dials", [0, 1])
async def test_a_lost_link_is_made_anew_once_both_ends_are_set_whoever_dials(prober, pair, dials):
    await join(prober, pair)
    dialler, dialled = pair[dials], pair[1 - dials]
    await prober.call(pair[0].member, calls.set_cookie(pair[0].name, NEW))
    await prober.call(dialler.member, disconnect(dialled))
    assert not await prober.call(dialler.member, calls.connect_node(dialled.name), 10)
    await prober.call(pair[1].member, calls.set_cookie(pair[1].name, NEW))
    assert await prober.call(dialler.member, calls.connect_node(dialled.name), 10)


@pytest.mark.parametrize("dials", [0, 1])
async def test_a_cookie_for_one_peer_counts_in_both_directions_and_outlasts_a_new_own_one(prober, pair, dials):
    for node, other in (pair, reversed(pair)):
        await prober.call(node.member, calls.set_cookie(other.name, "for_the_two_of_them"))
        await prober.call(node.member, calls.set_cookie(node.name, f"{NEW}-of-{node.alive}"))
    dialler, dialled = pair[dials], pair[1 - dials]
    assert await prober.call(dialler.member, calls.connect_node(dialled.name), 10)
    assert await takes(dialled, f"{NEW}-of-{dialled.alive}")


async def test_a_cookie_for_one_peer_by_a_flag_is_the_same(prober, pair):
    one, two = pair
    one.kill()
    one.flags = ["-setcookie", two.name, "for_the_two_of_them"]
    one.start()
    assert not await prober.call(one.member, calls.connect_node(two.name), 10)
    await prober.call(two.member, calls.set_cookie(one.name, "for_the_two_of_them"))
    assert await prober.call(one.member, calls.connect_node(two.name), 10)
    assert await takes(one, beam.COOKIE)


async def test_a_prober_goes_on_with_another_cookie(prober, pair):
    one, two = pair
    await prober.look([one.member])
    for node in pair:
        async with asyncio.timeout(10):
            connection = await dial(Target(node.name, node.address, node.port), beam.COOKIE, BESIDE, seconds=5)
            await connection.call(calls.set_cookie(node.name, NEW), 5)
            connection.close()
    seen = await prober.look([one.member, two.member])
    assert seen[one.name].otp_release, "who lets us in once does not ask again"
    assert seen[two.name].failure is Failure.WRONG_COOKIE
    prober.use_cookie(NEW)
    seen = await prober.look([one.member, two.member])
    assert seen[one.name].otp_release
    assert seen[two.name].otp_release, "it need not be held off any more"


EVERY_CHARACTER = f"a{PUNCTUATION}cookie"


@dataclass
class Way:
    """How a cookie gets into a node: variables, and files in a folder that is its home."""

    variables: Callable[[Path], dict[str, str]]
    files: dict[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()


WAYS = {
    "a variable of flags, as for Gleam": Way(lambda _: {"ERL_AFLAGS": f"-setcookie {EVERY_CHARACTER}"}),
    "a file of flags, as for relx": Way(
        lambda folder: {"ERL_FLAGS": f"-args_file {folder}/vm.args"}, {"vm.args": f"-setcookie {EVERY_CHARACTER}\n"}
    ),
    "an argument, as for mix": Way(lambda _: {}, flags=("-setcookie", EVERY_CHARACTER)),
    "the file of a user": Way(lambda folder: {"HOME": str(folder)}, {".erlang.cookie": EVERY_CHARACTER}),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_a_node_takes_every_character_of_a_cookie_as_it_is(tmp_path, way):
    for name, text in way.files.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o400)
    node = beam.Node("k0", 131, beam.free_port(), tmp_path / "log", flags=way.flags)
    try:
        node.start(variables={"ERL_FLAGS": "", **way.variables(tmp_path)})
        assert await takes(node, EVERY_CHARACTER)
    finally:
        node.kill()


def test_a_shell_takes_every_character_of_a_cookie_as_it_is(tmp_path):
    # As `kubectl elixir rpc` does in the pod, and as relx's start script writes it into vm.args.
    (tmp_path / "cookie").write_text(EVERY_CHARACTER)
    script = f'c=$(cat {tmp_path}/cookie); export RELX_COOKIE="$c"; exec sh -c \'printf %s "$RELX_COOKIE"\''
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == EVERY_CHARACTER
    replace = '{while(match($0,"[$]{[^}]*}")) {var=substr($0,RSTART+2,RLENGTH -3);gsub("[$]{"var"}",ENVIRON[var])}}1'
    done = subprocess.run(
        ["awk", replace],
        input="-setcookie ${RELX_COOKIE}\n",
        env={**os.environ, "RELX_COOKIE": EVERY_CHARACTER},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"-setcookie {EVERY_CHARACTER}\n"
