from __future__ import annotations

import pytest

from elixircluster.mesh import calls, messages
from elixircluster.mesh.external import decode_bare, decode_first, encode
from elixircluster.mesh.failure import Failure, MeshError
from elixircluster.mesh.terms import Atom, Map, Pid, Ref, TermError
from tests.pretend import payload, reply

US = Atom("us@here")
CALLER = Pid(US, 1, 0, 9)
REFERENCE = Ref(US, 9, (1, 0, 7))


def answer(term):
    return lambda call: call.result(term)


def test_a_call_is_a_gen_call_to_rex():
    packet = messages.call(CALLER, REFERENCE, calls.nodes("connected").request)
    control, _ = decode_first(packet, 1)
    assert (packet[0], control) == (112, (6, CALLER, Atom(""), Atom("rex")))
    request = (Atom("call"), Atom("erlang"), Atom("nodes"), [Atom("connected")], Atom("user"))
    assert payload(packet) == (Atom("$gen_call"), (CALLER, REFERENCE), request)


def test_an_answer_is_known_by_its_reference():
    found = messages.read(reply(CALLER, REFERENCE, [1]))
    assert (found.reference, decode_bare(found.value)) == (REFERENCE, [1])


def test_a_monitor_is_told_that_there_is_nobody():
    watcher, reference = Pid(Atom("a@b"), 4, 0, 5), Ref(Atom("a@b"), 5, (1, 2, 3))
    monitor = messages.read(b"p" + encode((19, watcher, Atom("net_kernel"), reference)))
    said, _ = decode_first(messages.nobody(monitor), 1)
    assert said == (21, Atom("net_kernel"), watcher, reference, Atom("noproc"))


@pytest.mark.parametrize("control", [(1, CALLER, CALLER), (3,), (36, 5, CALLER, CALLER)])
def test_other_signals_do_not_concern_us(control):
    assert messages.read(b"p" + encode(control)) is None


@pytest.mark.parametrize("packet", [b"q", b"p", b"p\x83", b"p" + encode(()), b"p" + encode([2]), b"p" + encode((2,))])
def test_what_is_no_message_is_an_error_of_ours(packet):
    with pytest.raises(TermError):
        messages.read(packet)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (Atom("nodedown"), "nodedown"),
        ((Atom("EXIT"), (Atom("undef"), [(Atom("os"), Atom("cmd"), [b"secret"], [])])), "undef"),
        ((Atom("EXIT"), ((Atom("bad"), b"secret"), [])), "an error"),
        (b"secret", "an error"),
    ],
)
def test_a_refused_call_tells_its_class_only(reason, told):
    with pytest.raises(MeshError) as caught:
        messages.result((Atom("badrpc"), reason))
    assert caught.value.failed.failure is Failure.RPC_REFUSED
    assert caught.value.failed.message == f"the call ended with {told}"


@pytest.mark.parametrize(
    ("call", "term", "meaning"),
    [
        (calls.nodes("connected"), [Atom("a@b"), Atom("c@d")], {"a@b", "c@d"}),
        (calls.nodes("hidden"), [], set()),
        (calls.otp_release(), list(b"25"), "25"),
        (calls.elixir_version(), b"1.14.0", "1.14.0"),
        (calls.start_time(), -5, -5),
        (calls.connect_node("a@b"), Atom("true"), True),
        (calls.connect_node("a@b"), Atom("false"), False),
        (calls.connect_node("a@b"), Atom("ignored"), False),
        (calls.set_cookie("a@b", "secret"), Atom("true"), True),
        (calls.argument("proto_dist"), (Atom("ok"), [[list(b"inet_tls")], []]), (("inet_tls",), ())),
        (calls.argument("proto_dist"), Atom("error"), ()),
        (calls.drain("Chat.Drain", "run", []), Map(()), True),
    ],
)
def test_every_call_reads_its_answer(call, term, meaning):
    assert call.result(term) == meaning


@pytest.mark.parametrize(
    ("call", "term"),
    [
        (calls.nodes("connected"), [1]),
        (calls.nodes("connected"), Atom("undefined")),
        (calls.otp_release(), 25),
        (calls.clock(), 1.5),
        (calls.connect_node("a@b"), 1),
        (calls.argument("x"), (Atom("ok"), 5)),
    ],
)
def test_an_answer_of_another_shape_is_a_protocol_error(call, term):
    with pytest.raises(MeshError) as caught:
        call.result(term)
    assert caught.value.failed.failure is Failure.PROTOCOL


def test_only_functions_of_the_table_are_called():
    made = [
        calls.nodes("connected"),
        calls.otp_release(),
        calls.elixir_version(),
        calls.boot_status(),
        calls.starting_applications(),
        calls.start_time(),
        calls.clock(),
        calls.clock_unit(),
        calls.connect_node("a@b"),
        calls.hear(["a@b"], 1),
        calls.reach("10.0.0.7", 6789, 1),
        calls.set_cookie("a@b", "c"),
        calls.argument("x"),
        calls.depart("leave"),
    ]
    assert {str(call) for call in made} == {
        "erlang:nodes/1",
        "erlang:system_info/1",
        "Elixir.System:version/0",
        "init:get_status/0",
        "application:info/0",
        "application:set_env/3",
        "erlang:monotonic_time/0",
        "erlang:convert_time_unit/3",
        "net_kernel:connect_node/1",
        "erpc:multicall/5",
        "gen_tcp:connect/4",
        "erlang:set_cookie/2",
        "init:get_argument/1",
    }
    assert len(calls.TABLE) == len(made) + 1


def test_an_address_is_what_inet_takes():
    assert calls.reach("10.0.0.7", 6789, 0.5).arguments == ((10, 0, 0, 7), 6789, [], 500)
    assert calls.reach("fd00::1:2", 6789, 0.5).arguments[0] == (0xFD00, 0, 0, 0, 0, 0, 1, 2)
    with pytest.raises(ValueError, match="address"):
        calls.reach("chat-0.chat", 6789, 0.5)


def test_a_drain_function_gets_values_and_nothing_is_evaluated():
    call = calls.drain("Chat.Drain", "run", ["halt().", 5, 1.5, True, None, ["a"]])
    assert call.module == "Elixir.Chat.Drain"
    assert call.arguments == (b"halt().", 5, 1.5, Atom("true"), Atom("nil"), [b"a"])
    assert [calls.drain(name, "f", []).module for name in ("chat", "Elixir.Chat")] == ["chat", "Elixir.Chat"]
    with pytest.raises(TermError):
        calls.drain("chat", "f", [{}])


def test_a_call_never_shows_its_arguments():
    call = calls.set_cookie("a@b", "secret")
    assert "secret" not in f"{call} {call!r}"
