"""`kubectl elixir observer`: Erlang's observer on this machine, connected to a node through a port-forward.

A node refuses whoever calls it by another name than its own, in which there is an address or a host that only
Kubernetes knows. So the local Erlang is given a module in place of its epmd client, which says of every host that it is
at this end of the port-forward: no alias on the loopback interface, no line in /etc/hosts and no root are needed.

The cookie goes from the pod into a file of a new folder that only the user can read, past this program; the folder is
removed in the end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from elixircluster.plugin import resources
from elixircluster.plugin.kubectl import Kubectl, KubectlError, failure
from elixircluster.plugin.remote import COOKIE_FILE
from elixircluster.plugin.resources import CONTAINER, Object
from elixircluster.plugin.target import target

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
address_please(_, _, _) -> {ok, {127, 0, 0, 1}, PORT, 6}.
names(_) -> {error, address}.
"""
"""In place of erl_epmd: wherever a node is said to be, it is at the local end of the port-forward."""

OBSERVER = """\
Say = fun(Words) -> io:format(standard_error, Words ++ "~n", []), halt(1) end,
code:ensure_loaded(observer) =:= {module, observer}
  orelse Say("this Erlang has no observer; install it (Debian: erlang-observer)"),
net_kernel:connect_node('NODE') orelse Say("NODE does not answer"),
Started = case erlang:function_exported(observer, start, 1) of
  true -> catch observer:start('NODE');
  false -> catch observer:start()
end,
Started =:= ok orelse Say("observer found no display to open its window on"),
monitor_node('NODE', true),
monitor(process, observer),
receive
  {nodedown, _} -> Say("the connection to NODE has ended");
  {'DOWN', _, process, _, _} -> halt(0)
end."""


@dataclass(frozen=True)
class Peer:
    """The node to connect to."""

    pod: str
    node: str
    port: int


@click.command()
@click.argument("name", shell_complete=resources.complete)
@click.argument("pod", required=False)
@target
def observer(kubectl: Kubectl, name: str, pod: str | None) -> None:
    """Open Erlang's observer on a node; without POD on the first that is ready.

    It needs Erlang with observer on this machine, and runtime_tools in the release. Without Erlang it prints what to
    run on a machine that has it.
    """
    body = resources.one(kubectl, name)
    seen = peer(body, resources.ready_pods(kubectl, name, pod)[0])
    if shutil.which("erl") is None:
        click.echo("\n".join(recipe(kubectl, seen)))
        return
    with attached(kubectl, seen) as erl:
        click.echo(f"observer on {seen.node}: it is in the menu Nodes; to end, close the window")
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
    return Peer(pod, node, distribution.get("port", 6789))


@dataclass(frozen=True)
class LocalErlang:
    """An Erlang of this machine that reaches one node of the cluster."""

    node: str
    folder: Path

    def run(self, program: str) -> subprocess.CompletedProcess[str]:
        """Evaluate a program in which `NODE` stands for the node's name, and wait for its end."""
        return subprocess.run(  # noqa: S603 - a list of arguments, no shell
            self.command(program), env=self.environment(), cwd=self.folder, capture_output=True, text=True, check=False
        )

    def command(self, program: str) -> Sequence[str]:
        """The command line, in which there is no cookie."""
        name = f"observer-{os.urandom(4).hex()}@127.0.0.1"
        return [
            *("erl", "-hidden", "-noinput", "-name", name, "-dist_listen", "false", "-start_epmd", "false"),
            *("-epmd_module", FORWARDED, "-pa", str(self.folder)),
            *("-eval", program.replace("NODE", self.node)),
        ]

    def environment(self) -> dict[str, str]:
        """Without the user's own flags, and with the folder of the cookie for a home."""
        kept = {name: value for name, value in os.environ.items() if name not in {"ERL_AFLAGS", "ERL_FLAGS"}}
        return {**kept, "HOME": str(self.folder), "ERL_CRASH_DUMP_SECONDS": "0"}


@contextmanager
def attached(kubectl: Kubectl, seen: Peer) -> Iterator[LocalErlang]:
    """A port-forward to a node, and an Erlang that uses it. Raises `KubectlError`."""
    with (
        tempfile.TemporaryDirectory(prefix="elixircluster-") as name,
        kubectl.start("port-forward", f"pod/{seen.pod}", f":{seen.port}", "--address=127.0.0.1") as forward,
    ):
        folder = Path(name)
        try:
            port = local_port(forward)
            fetch_cookie(kubectl, seen.pod, folder / ".erlang.cookie")
            compile_module(folder, port)
            yield LocalErlang(seen.node, folder)
        finally:
            forward.terminate()


def local_port(forward: subprocess.Popen[str]) -> int:
    """The port that kubectl chose: `Forwarding from 127.0.0.1:40123 -> 6789`. Raises `KubectlError`."""
    line = forward.stdout.readline() if forward.stdout else ""
    _, found, rest = line.partition("127.0.0.1:")
    if not found:
        raise failure(forward.stderr.read() if forward.stderr else "", "kubectl port-forward said nothing")
    return int(rest.split()[0])


def fetch_cookie(kubectl: Kubectl, pod: str, file: Path) -> None:
    """Have kubectl write the cookie into a file for the user alone. Raises `KubectlError`."""
    said = f'cat {COOKIE_FILE} 2>/dev/null || printf %s "${{RELEASE_COOKIE:-${{RELX_COOKIE:-$ERLANG_COOKIE}}}}"'
    command = kubectl.command("exec", pod, "-c", CONTAINER, "--", "sh", "-c", said)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "wb") as target_file:
        done = subprocess.run(command, stdout=target_file, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise failure(done.stderr, "the cookie could not be fetched")


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
    host = seen.node.partition("@")[2]
    by_address = host.replace(".", "").isdecimal() or ":" in host
    alias = f"ip address add {host} dev lo" if by_address else f"sh -c 'echo 127.0.0.1 {host} >> /etc/hosts'"
    listen = host if by_address else "127.0.0.1"
    forward = kubectl.command("port-forward", f"pod/{seen.pod}", str(seen.port), f"--address={listen}")
    cookie = kubectl.command("exec", seen.pod, "-c", CONTAINER, "--", "cat", COOKIE_FILE)
    start = f"net_kernel:connect_node('{seen.node}'), observer:start()."
    return [
        "There is no erl on PATH. On a machine with Erlang, its observer and kubectl:",
        "",
        f"  sudo {alias}",
        f"  {' '.join(forward)} &",
        f"  mkdir -m 700 observer && {' '.join(cookie)} > observer/.erlang.cookie && chmod 400 observer/.erlang.cookie",
        "  HOME=$PWD/observer erl -hidden -name observer@127.0.0.1 -dist_listen false -start_epmd false \\",
        f'    -erl_epmd_port {seen.port} -eval "{start}"',
        "",
        "Where the release has observer_cli: kubectl elixir console, and there :observer_cli.start()",
    ]
