"""`kubectl elixir observer`: Erlang's observer on this machine, connected to a node through a port-forward.

A node refuses whoever calls it by another name than its own, in which there is an address or a host that only
Kubernetes knows. So the local Erlang is given a module in place of its epmd client, which says of every host that it is
at this end of the port-forward: no alias on the loopback interface, no line in /etc/hosts and no root are needed.

The cookie goes from the pod through a pipe into the local Erlang: past this program, and into no file.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click

from elixircluster.plugin import resources
from elixircluster.plugin.kubectl import TEXT, Kubectl, KubectlError, failure
from elixircluster.plugin.remote import COOKIE_FILE
from elixircluster.plugin.resources import CONTAINER, Object
from elixircluster.plugin.target import PluginCommand, target

FORWARDED = "elixircluster_forwarded"
MODULE = """\
-module(elixircluster_forwarded).
-export([start_link/0, register_node/2, register_node/3, port_please/2, port_please/3, listen_port_please/2,
         address_please/3, names/1]).

start_link() -> ignore.
register_node(_, _) -> {ok, 0}.
register_node(_, _, _) -> {ok, 0}.
listen_port_please(_, _) -> {ok, 0}.
port_please(_, _) -> {port, PORT, 6}.
port_please(_, _, _) -> {port, PORT, 6}.
address_please(_, _, inet6) -> {ok, {0, 0, 0, 0, 0, 16#ffff, 16#7f00, 1}, PORT, 6};
address_please(_, _, _) -> {ok, {127, 0, 0, 1}, PORT, 6}.
names(_) -> {error, address}.
"""
"""In place of erl_epmd: wherever a node is said to be, it is at the local end of the port-forward.

Through IPv6 that is 127.0.0.1 too, as an address of its own kind, since not every machine has ::1.
"""

WITH_COOKIE = """\
case io:get_line("") of
  eof -> io:format(standard_error, "the pod gave no cookie~n", []), halt(1);
  Line -> erlang:set_cookie('NODE', list_to_atom(string:trim(Line, trailing, "\\n")))
end,
"""
"""What a program begins with: the cookie is the only line of its standard input."""

GIVE_COOKIE = f'cat {COOKIE_FILE} 2>/dev/null || printf %s "${{RELEASE_COOKIE:-${{RELX_COOKIE:-$ERLANG_COOKIE}}}}"'
"""For a shell in the pod."""
OWN_FLAGS = {"ERL_AFLAGS", "ERL_FLAGS", "ERL_ZFLAGS"}
NAMEABLE = re.compile(r"[A-Za-z0-9_.:@-]+")

OPEN = """\
case code:ensure_loaded(observer) =:= {module, observer} andalso erlang:function_exported(observer, start, 1) of
  true -> observer:start('NODE');
  false -> observer:start()
end"""
"""On the node; before OTP 26 it opens on itself, and the node is in its menu."""

OBSERVER = f"""\
Say = fun(Words) -> io:format(standard_error, Words ++ "~n", []), halt(1) end,
code:ensure_loaded(observer) =:= {{module, observer}}
  orelse Say("this Erlang has no observer; install it (Debian: erlang-observer)"),
net_kernel:connect_node('NODE') orelse Say("NODE does not answer"),
Started = (catch {OPEN}),
Started =:= ok orelse Say("observer found no display to open its window on"),
monitor_node('NODE', true),
monitor(process, observer),
receive
  {{nodedown, _}} -> Say("the connection to NODE has ended");
  {{'DOWN', _, process, _, _}} -> halt(0)
end."""


@dataclass(frozen=True)
class Peer:
    """The node to connect to."""

    pod: str
    node: str
    port: int

    @property
    def host(self) -> str:
        """As the node's name has it."""
        return self.node.partition("@")[2]

    @property
    def family(self) -> Sequence[str]:
        """The flag without which an Erlang takes no address of IPv6 for a host."""
        return ("-proto_dist", "inet6_tcp") if ":" in self.host else ()


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@click.argument("pod", required=False, shell_complete=resources.complete_pod)
@target
def observer(kubectl: Kubectl, name: str, pod: str | None) -> None:
    """Open Erlang's observer on a node.

    Without POD it is the first that is ready. It needs Erlang with observer on this machine, and runtime_tools in the
    release. Without Erlang it prints what to run on a machine that has it.
    """
    body = resources.one(kubectl, name)
    seen = peer(body, resources.ready_pods(kubectl, name, pod)[0])
    if shutil.which("erl") is None:
        click.echo("\n".join(recipe(kubectl, seen)))
        return
    with attached(kubectl, seen) as erl:
        click.echo(f"observer on {seen.node} (before OTP 26: choose it in the menu Nodes); to end, close the window")
        done = erl.run(OBSERVER)
    if done.returncode:
        raise failure(done.stderr, f"erl ended with {done.returncode}")


def peer(body: Object, pod: str) -> Peer:
    """The node in a pod. Raises `KubectlError` where none can be reached in this way."""
    distribution = body["spec"].get("distribution") or {}
    name = body["metadata"]["name"]
    if (distribution.get("tls") or {}).get("mode", "Disabled") != "Disabled":
        raise KubectlError(
            f"{name} speaks TLS, and no certificate for this machine exists; use the console, "
            f"where the release has observer_cli with :observer_cli.start(): kubectl elixir console {name}"
        )
    nodes = {node["pod"]: node.get("node") for node in body.get("status", {}).get("nodes") or []}
    node = nodes.get(pod)
    if not node:
        raise KubectlError(f"the operator does not know the node's name in {pod} yet; try again")
    if not NAMEABLE.fullmatch(node):
        raise KubectlError(f"the node in {pod} is said to have a name that is none")
    return Peer(pod, node, distribution.get("port", 6789))


@dataclass(frozen=True)
class LocalErlang:
    """An Erlang of this machine that reaches one node of the cluster; `cookie` is a command that prints its cookie."""

    peer: Peer
    folder: Path
    cookie: Sequence[str]

    def run(self, program: str) -> subprocess.CompletedProcess[str]:
        """Evaluate a program in which `NODE` stands for the node's name, and wait for its end."""
        pipe = subprocess.PIPE
        with subprocess.Popen(self.cookie, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, **TEXT) as giver:  # noqa: S603 - a list of arguments, no shell
            try:
                done = subprocess.run(  # noqa: S603 - as above
                    self.command(program),
                    env=self.environment(),
                    cwd=self.folder,
                    stdin=giver.stdout,
                    capture_output=True,
                    check=False,
                    **TEXT,
                )
            finally:
                giver.terminate()
            said = giver.stderr.read() if giver.stderr else ""
        if giver.returncode > 0:
            raise failure(said, "the cookie could not be fetched")
        return done

    def command(self, program: str) -> Sequence[str]:
        """The command line, in which there is no cookie."""
        name = f"observer-{os.urandom(4).hex()}@127.0.0.1"
        return [
            *("erl", "-hidden", "-noshell", "-name", name, "-dist_listen", "false", "-start_epmd", "false"),
            *self.peer.family,
            # Without one, Erlang would make a file for a cookie of its own.
            *("-setcookie", "none"),
            *("-epmd_module", FORWARDED, "-pa", str(self.folder)),
            *("-eval", (WITH_COOKIE + program).replace("NODE", self.peer.node)),
        ]

    def environment(self) -> dict[str, str]:
        """Without the user's own flags."""
        kept = {name: value for name, value in os.environ.items() if name not in OWN_FLAGS}
        return {**kept, "HOME": str(self.folder), "ERL_CRASH_DUMP_SECONDS": "0"}


@contextmanager
def attached(kubectl: Kubectl, seen: Peer) -> Iterator[LocalErlang]:
    """A port-forward to a node, and an Erlang that uses it. Raises `KubectlError`."""
    with (
        ended_in_order(),
        tempfile.TemporaryDirectory(prefix="elixircluster-") as name,
        kubectl.start("port-forward", f"pod/{seen.pod}", f":{seen.port}", "--address=127.0.0.1") as forward,
    ):
        folder = Path(name)
        try:
            compile_module(folder, local_port(forward))
            cookie = kubectl.command("exec", seen.pod, "-c", CONTAINER, "--", "sh", "-c", GIVE_COOKIE)
            yield LocalErlang(seen, folder, cookie)
        finally:
            forward.terminate()


@contextmanager
def ended_in_order() -> Iterator[None]:
    """A signal that ends the program lets it end what it has started, and remove its folder, whatever comes then."""

    def leave(number: int, _frame: FrameType | None) -> None:
        # A terminal that is closed sends one, and who closed it often another.
        for each in found:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(128 + number)

    found = [signals for name in ("SIGTERM", "SIGHUP") if (signals := getattr(signal, name, None))]
    before = {number: signal.signal(number, leave) for number in found}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def local_port(forward: subprocess.Popen[str]) -> int:
    """The port that kubectl chose: `Forwarding from 127.0.0.1:40123 -> 6789`. Raises `KubectlError`."""
    line = forward.stdout.readline() if forward.stdout else ""
    _, found, rest = line.partition("127.0.0.1:")
    if not found:
        raise failure(forward.stderr.read() if forward.stderr else "", "kubectl port-forward said nothing")
    return int(rest.split()[0])


def compile_module(folder: Path, port: int) -> None:
    """Compile the module for one port. Raises `KubectlError`."""
    source = folder / f"{FORWARDED}.erl"
    source.write_text(MODULE.replace("PORT", str(port)))
    program = f'case compile:file("{FORWARDED}") of {{ok, _}} -> halt(0); _ -> halt(1) end.'
    command = ["erl", "-noinput", "-eval", program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - as above
    if done.returncode:
        raise failure(done.stdout, "this Erlang could not compile a module")


def recipe(kubectl: Kubectl, seen: Peer) -> Sequence[str]:
    """What to run where Erlang is: with an alias for the node's host, since there is no module then."""
    by_address = seen.host.replace(".", "").isdecimal() or ":" in seen.host
    alias = f"ip address add {seen.host} dev lo" if by_address else f"sh -c 'echo 127.0.0.1 {seen.host} >> /etc/hosts'"
    listen = seen.host if by_address else "127.0.0.1"
    forward = kubectl.command("port-forward", f"pod/{seen.pod}", str(seen.port), f"--address={listen}")
    cookie = kubectl.command("exec", seen.pod, "-c", CONTAINER, "--", "sh", "-c", GIVE_COOKIE)
    start = (WITH_COOKIE + f"net_kernel:connect_node('NODE'), {OPEN}.").replace("NODE", seen.node)
    flags = ["-hidden", "-noshell", "-name", "observer@127.0.0.1", "-dist_listen", "false", "-start_epmd", "false"]
    erl = ["erl", *flags, *seen.family, "-erl_epmd_port", str(seen.port), "-setcookie", "none", "-eval", start]
    return [
        "There is no erl on PATH. On a machine with Erlang, its observer and kubectl:",
        "",
        f"  sudo {alias}",
        f"  {shlex.join(forward)} &",
        f"  {shlex.join(cookie)} |",
        f"    {shlex.join(erl)}",
        "",
        "Where the release has observer_cli: kubectl elixir console, and there :observer_cli.start()",
    ]
