"""A real Erlang of this machine that reaches a node as `observer` does, and what is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from elixircluster.plugin.kubectl import KubectlError
from elixircluster.plugin.observer import OBSERVER, LocalErlang, Peer, compile_module
from tests import beam

COOKIE = "a-cookie+with/all=that-is-allowed_=="
ASK = "true = net_kernel:connect_node('NODE'), io:format(\"~w~n\", [rpc:call('NODE', erlang, node, [])]), halt(0)."
NOBODY = "io:format(\"~w~n\", [net_kernel:connect_node('NODE')]), halt(0)."


# As a window that cannot be opened here: it says on whom it is, and is closed.
WINDOW = """\
-module(observer).
-export([start/0]).
-if(?OTP_RELEASE >= 26).
-export([start/1]).
-endif.
start() -> open(itself).
-if(?OTP_RELEASE >= 26).
start(Node) -> open(Node).
-endif.
open(Node) ->
    register(observer, spawn(fun() -> receive close -> ok end end)),
    io:format("~w~n", [Node]),
    erlang:send_after(100, observer, close),
    ok.
"""


def local_addresses():
    table = Path("/proc/net/if_inet6")
    return table.read_text() if table.exists() else ""


needs_ipv6 = pytest.mark.skipif("0" * 31 + "1" not in local_addresses(), reason="needs IPv6")


@pytest.fixture
def node(tmp_path):
    """A node of this machine by address, with a cookie as hard as it may be."""
    made = beam.Node("chat", 91, beam.free_port(), tmp_path / "log", cookie=COOKIE)
    made.start()
    yield made
    made.kill()


def attached(peer, folder, cookie):
    folder.mkdir()
    compile_module(folder, peer.port)
    return LocalErlang(peer, folder, ["printf", "%s", cookie])


def test_a_node_is_reached_with_a_cookie_that_comes_through_a_pipe(node, tmp_path):
    forwarded = beam.free_port()
    erl = attached(Peer("chat-0", node.name, forwarded), tmp_path / "erl", COOKIE)
    with forward(forwarded, (node.address, node.port)):
        done = erl.run(ASK)
    assert (done.stdout, done.returncode) == (f"'{node.name}'\n", 0), done.stderr
    left = [file.read_bytes() for file in (tmp_path / "erl").rglob("*") if file.is_file()]
    assert left
    assert not [content for content in left if COOKIE.encode() in content]


def test_observer_opens_on_the_node_where_it_can_and_its_end_is_ours(erlang, node, tmp_path):
    forwarded = beam.free_port()
    erl = attached(Peer("chat-0", node.name, forwarded), tmp_path / "erl", COOKIE)
    (erl.folder / "observer.erl").write_text(WINDOW)
    subprocess.run(["erlc", "-Werror", "observer.erl"], cwd=erl.folder, check=True)
    with forward(forwarded, (node.address, node.port)):
        done = erl.run(OBSERVER)
    opened = "itself" if erlang.otp < 26 else f"'{node.name}'"
    assert (done.stdout, done.returncode) == (f"{opened}\n", 0), done.stderr


def test_an_erlang_without_observer_says_what_to_install(node, tmp_path):
    forwarded = beam.free_port()
    erl = attached(Peer("chat-0", node.name, forwarded), tmp_path / "erl", COOKIE)
    with forward(forwarded, (node.address, node.port)):
        done = erl.run(OBSERVER)
    assert (done.returncode, done.stderr) == (1, "this Erlang has no observer; install it (Debian: erlang-observer)\n")


@needs_ipv6
def test_a_node_that_is_named_by_an_address_of_ipv6_is_reached(tmp_path):
    """Erlang refused the host as illegal, and the port-forward was never used."""
    port, forwarded = beam.free_port(), beam.free_port()
    command = ["erl", "-noinput", "-proto_dist", "inet6_tcp", "-name", "chat@::1", "-start_epmd", "false"]
    command += ["-erl_epmd_port", str(port), "-setcookie", COOKIE, "-eval", 'io:put_chars("up\\n")']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node:
        try:
            assert node.stdout.readline() == "up\n"
            erl = attached(Peer("chat-0", "chat@::1", forwarded), tmp_path / "erl", COOKIE)
            with forward(forwarded, ("::1", port)):
                done = erl.run(ASK)
        finally:
            node.kill()
    assert (done.stdout, done.returncode) == ("'chat@::1'\n", 0), done.stderr


def test_a_cookie_that_cannot_be_fetched_is_told_by_kubectls_own_words(tmp_path):
    erl = attached(Peer("chat-0", "chat@10.0.0.1", 1), tmp_path / "erl", "")
    refused = LocalErlang(erl.peer, erl.folder, ["sh", "-c", "echo 'error: pods/exec is forbidden' >&2; exit 1"])
    with pytest.raises(KubectlError, match="pods/exec is forbidden"):
        refused.run(NOBODY)


def wait_until(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


SESSION = """
import sys, time
from pathlib import Path
from elixircluster.plugin.kubectl import Kubectl
from elixircluster.plugin.kubectl import KubectlError
from elixircluster.plugin.observer import Peer, attached
with attached(Kubectl(), Peer("chat-0", "chat@10.0.0.1", 6789)) as erl:
    print(erl.folder, flush=True)
    erl.run("timer:sleep(60000).")
"""


@pytest.mark.parametrize("numbers", [[signal.SIGTERM], [signal.SIGHUP], [signal.SIGHUP, signal.SIGTERM]])
def test_a_signal_that_ends_it_leaves_neither_a_folder_nor_a_process(numbers, tmp_path):
    """A second one, as a terminal's end brings it, came in the middle of the tidying."""
    program = tmp_path / "kubectl"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *exec*) printf secret; touch {tmp_path}/asked;; *) echo $$ >{tmp_path}/pid; '
        'echo "Forwarding from 127.0.0.1:1 -> 6789"; exec sleep 60;; esac\n'
    )
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-c", SESSION]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as session:
        folder = session.stdout.readline().strip()
        wait_until((tmp_path / "asked").exists)
        for number in numbers:
            session.send_signal(number)
        assert session.wait(20) == 128 + numbers[0]
    assert folder
    assert not os.path.exists(folder)
    assert not os.path.exists(f"/proc/{(tmp_path / 'pid').read_text().strip()}")


FORWARD = """
import socket, sys, threading
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
target = (sys.argv[2], int(sys.argv[3]))
print("up", flush=True)
def pump(one, other):
    while data := one.recv(65536):
        other.sendall(data)
    other.close()
while True:
    near, _ = listener.accept()
    far = socket.create_connection(target)
    for pair in ((near, far), (far, near)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


class forward:  # noqa: N801 - used as a function
    """What kubectl port-forward does: a local port that leads to a node."""

    def __init__(self, port, target):
        self._arguments = [str(port), *map(str, target)]

    def __enter__(self):
        command = [sys.executable, "-c", FORWARD, *self._arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout.readline() == "up\n"

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
