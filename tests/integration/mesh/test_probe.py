"""The doctor's probe beside a real node, in a process namespace of their own."""

from __future__ import annotations

import hashlib
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from importlib.resources import files

import pytest

from elixircluster.doctor.probe import Peer, parse, question
from tests import beam
from tests.images import inside

COOKIE = "a-cookie_with+every/sign=that-is-allowed=="
ALONE = ("unshare", "--pid", "--fork", "--mount-proc")
RESOLVER = "127.0.53.53"
PEERS = 9
LOOK = """
cd "$1" || exit 1
: >>/etc/resolv.conf
mount --bind resolv.conf /etc/resolv.conf
ERL_FLAGS= erl -noinput -name chat@127.0.0.1 -start_epmd false -erl_epmd_port "$2" -setcookie "$3" -hidden \\
  -kernel dist_auto_connect never -boot_var RELEASE_LIB "$1/lib" \\
  -eval 'file:write_file("up", ""), timer:sleep(30000)' -extra -erl_epmd_port 1 >log 2>&1 &
for _ in $(seq 200); do [ -e up ] && break; sleep 0.05; done
sh probe.sh
kill %1
"""


class Resolver(socketserver.BaseRequestHandler):
    """Knows one address for every name."""

    def handle(self):
        asked, socket = self.request
        end = asked.index(b"\0", 12) + 5
        kind = asked[end - 4 : end - 2]
        found = kind == b"\0\1"
        record = b"\xc0\x0c\0\1\0\1" + (30).to_bytes(4) + b"\0\4" + bytes([127, 0, 0, 7])
        head = asked[:2] + b"\x85\x80\0\1\0" + bytes([found]) + bytes(4)
        socket.sendto(head + asked[12:end] + (record if found else b""), self.client_address)


@pytest.fixture(scope="module")
def resolver() -> Iterator[str]:
    """The address of a name server."""
    with socketserver.ThreadingUDPServer((RESOLVER, 53), Resolver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield RESOLVER
        server.shutdown()


def host(number: int) -> str:
    return f"chat-{number}.chat-nodes.default.svc.cluster.local"


@pytest.fixture(scope="module")
def told(erlang, resolver, tmp_path_factory):
    """What is told of a node that hides, and has a cookie as hard as it may be."""
    folder = tmp_path_factory.mktemp("pod")
    (folder / "lib" / "libcluster-3.5.0" / "ebin").mkdir(parents=True)
    (folder / "resolv.conf").write_text(f"nameserver {resolver}\n")
    source = files("elixircluster.doctor")
    shutil.copy(str(source / "probe.sh"), folder)
    port = beam.free_port()
    peers = [Peer(f"chat-{number}", "127.0.0.1", port, f"chat@{host(number)}") for number in range(1, PEERS + 1)]
    service = "chat-nodes.default.svc.cluster.local."
    asked = question(service, "inet", peers, "5a17") + (source / "probe.erl").read_text()
    arguments = [str(folder), str(beam.free_port()), COOKIE]
    command = [*ALONE, str(inside(erlang)), "sh", "-c", LOOK, "sh", *arguments]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False, timeout=60)
    return parse(done.stdout)


def test_a_node_is_asked_with_its_own_cookie_whatever_signs_are_in_it(told):
    assert told["node"]["said"]["name"] == "chat@127.0.0.1"
    assert (told["node"]["said"]["boot"], told["node"]["said"]["starting"]) == (["starting", "started"], [])
    assert told["cookie"]["digest"] == told["node"]["cookie"] == hashlib.md5(f"5a17{COOKIE}".encode()).hexdigest()
    assert told["cookie"] | {"blanks": False, "newline": False, "empty": False} == told["cookie"]


def test_a_node_that_keeps_away_from_others_says_so(told):
    assert told["hidden"] is True
    assert told["node"]["said"]["kernel"]["dist_auto_connect"] == "never"


def test_libraries_are_found_where_the_release_keeps_them(told):
    assert told["libraries"] == ["libcluster-3.5.0"]
    assert told["node"]["said"]["has"] == []


def test_what_stands_behind_extra_is_no_flag(told):
    assert len(told["flags"]["erl_epmd_port"]) == 1
    assert told["repeated"] == []


def test_every_name_is_found_though_all_are_asked_for_at_once(told):
    """On OTP 29 questions at once, before the resolver's configuration was loaded, had no answer."""
    found = {"answers": ["127.0.0.7"]}
    assert told["dns"]["service"] == found
    assert told["dns"]["hosts"] == {host(number): found for number in range(1, PEERS + 1)}


def test_the_program_is_erlang_without_a_warning(tmp_path):
    source = shutil.copy(str(files("elixircluster.doctor") / "probe.erl"), tmp_path)
    command = ["erlc", "-Wall", "-Werror", "-o", str(tmp_path), source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
