"""How far a node is with its boot: what `init` says, and what becomes of it."""

from __future__ import annotations

import pytest

from elixircluster.mesh import calls
from elixircluster.mesh.boot import Boot, judge, not_up
from elixircluster.mesh.failure import MeshError
from elixircluster.mesh.terms import Atom
from elixircluster.mesh.view import view
from tests.pretend import DIRTY
from tests.unit.mesh.test_view import LONG, answer, member, members, name, said

# What `init:get_status/0` says → what it means. All were seen on real nodes but for the last two.
STATUSES = {
    "the kernel starts": (("starting", "kernel_load_completed"), Boot.BOOTING),
    "runtime.exs is evaluated, or an application starts": (("starting", "applications_loaded"), Boot.BOOTING),
    "a release is up": (("started", "started"), Boot.BOOTED),
    "what -eval gave runs on": (("starting", "started"), Boot.UNTOLD),
    "it stops": (("stopping", "started"), Boot.BOOTED),
    "it stops while it boots": (("stopping", "applications_loaded"), Boot.BOOTING),
    "its boot script does not say how far it is": (("started", "applications_loaded"), Boot.BOOTED),
}


@pytest.mark.parametrize(("said", "meaning"), STATUSES.values(), ids=STATUSES)
def test_what_a_node_says_of_its_boot(said, meaning):
    assert judge(*said) is meaning
    assert calls.boot_status().result(tuple(map(Atom, said))) is meaning


STARTING = {
    "nothing": ([], ()),
    "as OTP has it": ([(Atom("chat"), Atom("permanent"), Atom("normal"), Atom("pid"))], ("chat",)),
    "by name alone": ([Atom("chat")], ("chat",)),
    "nonsense": ([1, (), [], b"x"], ()),
    "what nobody should see": ([Atom(DIRTY * 9)], None),
}


@pytest.mark.parametrize(("entries", "names"), STARTING.values(), ids=STARTING)
def test_which_applications_are_being_started(entries, names):
    found = calls.starting_applications().result([(Atom("loaded"), []), (Atom("starting"), entries), (1, 2, 3)])
    if names is None:
        assert all(item.isprintable() and len(item) <= calls.LONGEST_NAME for item in found)
    else:
        assert found == names


@pytest.mark.parametrize("value", [1, (Atom("starting"),), (1, 2), [Atom("started")]], ids=str)
def test_an_answer_that_is_none_is_an_error(value):
    for call in (calls.boot_status(), calls.starting_applications()):
        with pytest.raises(MeshError):
            call.result(value)


@pytest.mark.parametrize(
    ("starting", "told"),
    [
        ((), "its applications are not up yet"),
        (("chat",), "its application chat is not up yet"),
        (("a", "b", "c", "d"), "its applications (a, b, c) are not up yet"),
    ],
)
def test_what_is_not_up_is_named(starting, told):
    assert not_up(starting) == told


def booting(sees, **more):
    return answer(sees, boot=Boot.BOOTING, **more)


def test_a_node_that_boots_is_no_full_mesh_though_all_are_connected():
    """A release that died after 8 s was told as FullMesh: the distribution is up before the applications start."""
    seen = view(members("abc"), said(a="bc", b="ac") | {name("c"): booting("ab", starting=("chat",))})
    assert seen.verdict == (False, "Booting", "chat-c is starting: its application chat is not up yet")
    assert seen.booting == {name("c"): ("chat",)}


def test_a_node_that_boots_is_left_alone_however_long_it_takes():
    """What connects nodes is an application of its own, which has not started yet."""
    seen = view(members("abc"), said(a="b", b="a") | {name("c"): booting("", uptime=LONG)})
    assert seen.verdict.reason == "Booting"
    assert name("c") in seen.young & seen.newborn


def test_of_several_that_boot_only_the_pods_are_named():
    answers = {name("a"): booting("b", starting=("x",)), name("b"): booting("a", starting=("y",))}
    told = "chat-a, chat-b are starting: their applications are not up yet"
    assert view(members("ab"), answers).verdict == (False, "Booting", told)


def test_what_is_wrong_with_others_is_told_first():
    silent = {name("b"): booting("a")}
    assert view([member("a"), member("b"), member("c")], said(a="b") | silent).verdict.reason == "Unreachable"


def test_a_node_that_cannot_tell_is_in_the_mesh():
    seen = view(members("ab"), said(a="b") | {name("b"): answer("a", boot=Boot.UNTOLD)})
    assert (seen.verdict.reason, seen.untold, seen.booting) == ("FullMesh", {name("b")}, {})
