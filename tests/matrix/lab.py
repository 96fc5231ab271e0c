"""What the tests here ask of nodes, whatever their runtime is."""

from __future__ import annotations

import atexit
import json
import os
import pty
import re
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tests.cluster import KubectlError, binary
from tests.e2e.user import Namespace, comes_true, together

from .cells import RELEASES

Views = dict[str, set[str]]


@cache
def proxy(kubeconfig: Path) -> str:
    """The API server without TLS and without a process a question; it ends with this one."""
    command = [str(binary("kubectl")), "--kubeconfig", str(kubeconfig), "proxy", "--port=0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    atexit.register(process.kill)
    assert process.stdout
    return f"http://{process.stdout.readline().split()[-1]}"


# What a node is asked, in Erlang: its flags, and the topologies that a library would find. What -config says of an
# application counts once it is loaded.
FACTS = (
    "application:load({application,libcluster,[{vsn,[]},{modules,[]},{registered,[]}]}), "
    "Topologies = application:get_env(libcluster,topologies,[]), "
    "{facts, init:get_argument(proto_dist), init:get_argument(erl_epmd_port), "
    "[S || {_,O} <- Topologies, {strategy,S} <- O], node()}"
)
# The Elixir that evaluates an Erlang text.
EVALUATE = (
    "{{:ok, tokens, _}} = :erl_scan.string('{text}'); {{:ok, parsed}} = :erl_parse.parse_exprs(tokens); "
    "{{:value, value, _}} = :erl_eval.exprs(parsed, []); :io.format('~p~n', [value])"
)


@dataclass(frozen=True)
class Nodes:
    """The nodes of one resource."""

    namespace: Namespace
    name: str
    runtime: str = "Mix"

    def views(self, path: str = "nodes") -> Views:
        """Which others each node sees, by HTTP: no virtual machine is started to ask."""
        names = [pod["metadata"]["name"] for pod in self.namespace.pods(self.name)]
        answers = together(*(lambda pod=pod: self.get(pod, path) for pod in names))
        found = [json.loads(answer) for answer in answers]
        return {nodes[0]: set(nodes[1:]) for nodes in found}

    def get(self, pod: str, path: str, seconds: float = 10) -> str:
        """What a pod answers over HTTP; `OSError` where it does not, or not in time."""
        server = proxy(self.namespace.kubernetes.kubeconfig)
        url = f"{server}/api/v1/namespaces/{self.namespace.name}/pods/{pod}:4000/proxy/{path}"
        with urllib.request.urlopen(url, timeout=seconds) as answer:
            text: str = answer.read().decode()
        return text

    def complete(self, count: int) -> bool:
        """Whether every one of `count` nodes sees every other, and nobody else."""
        try:
            views = self.views()
        except (OSError, HTTPException, json.JSONDecodeError, KubectlError):
            return False
        return len(views) == count and all(seen == set(views) - {node} for node, seen in views.items())

    def connected(self, count: int, seconds: float = 90) -> bool:
        return comes_true(lambda: self.complete(count), seconds, pause=0.5)

    def execute(self, pod: str, *command: str) -> str:
        return self.namespace.kubectl("exec", pod, "-c", "app", "--", *command)

    def evaluate(self, pod: str, text: str) -> str:
        """The value of an Erlang expression on the node in a pod, by the tool of its runtime."""
        release = RELEASES[self.runtime]
        if self.runtime == "Mix":
            # The expression has no quotes in it.
            return self.execute(pod, f"bin/{release}", "rpc", EVALUATE.format(text=f"{text}."))
        if self.runtime == "Relx":
            return self.execute(pod, f"bin/{release}", "eval", f"{text}.")
        # The console's own command line, with one question in place of a shell.
        command = self.console_command()[-1]
        question = '-noshell -eval "io:format(\\"~p~n\\",[rpc:call(list_to_atom(os:getenv(\\"ERLANG_NODE\\")),erl_eval'
        question += ',exprs,[element(2,erl_parse:parse_exprs(element(2,erl_scan:string(os:getenv(\\"TEXT\\"))))),[]])])'
        script = command.replace('-remsh "$ERLANG_NODE"', f'{question},halt()."')
        return self.execute(pod, "env", f"TEXT={text}.", "sh", "-c", script)

    def otp_releases(self) -> set[str]:
        """As the status has them of its nodes."""
        return {
            node.get("otpRelease", "") for node in self.namespace.get("elixircluster", self.name)["status"]["nodes"]
        }

    def console(self) -> str:
        """As the status has it."""
        return str(self.namespace.get("elixircluster", self.name)["status"]["console"])

    def console_command(self) -> list[str]:
        """The console as the shell of a user takes it apart, from the -- on."""
        words = subprocess.run(
            ["bash", "-c", f"printf '%s\\0' {self.console()}"], capture_output=True, text=True, check=True
        ).stdout.split("\0")[:-1]
        return words[words.index("--") + 1 :]

    def type_into_console(self, keys: str, wanted: str, seconds: float = 45) -> str:
        """Run the status' console command as it stands, on a terminal; what was said until `wanted` was."""
        return type_into(self.console(), self.namespace, keys, wanted, seconds)


def type_into(command: str, namespace: Namespace, keys: str, wanted: str, seconds: float) -> str:
    ours, theirs = pty.openpty()
    environment = os.environ | {
        "KUBECONFIG": str(namespace.kubernetes.kubeconfig),
        "PATH": f"{binary('kubectl').parent}:{os.environ['PATH']}",
    }
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command}"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    said, typed = b"", False
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline and squeeze(wanted) not in squeeze(said.decode(errors="replace")):
            try:
                said += os.read(ours, 65536)
            except BlockingIOError:
                time.sleep(0.1)
            except OSError:  # the other end is closed
                break
            if not typed and re.search(rb"\)\d*> ?\S*$", said):
                os.write(ours, f"{keys}\r".encode())
                typed = True
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return said.decode(errors="replace")


def epmd_ports(cell_epmd: bool) -> str:
    return "error" if cell_epmd else '{ok,[["6789"]]}'


def squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def stalled(namespace: Namespace, name: str) -> dict[str, Any]:
    """The condition of a resource that must become Stalled."""
    assert comes_true(lambda: namespace.condition(name, "Stalled").get("status") == "True", 120)
    return namespace.condition(name, "Stalled")


def links_between(left: Views, right: Views) -> Sequence[tuple[str, str]]:
    """The pairs of nodes of which one sees the other."""
    pairs = [(node, other) for node, seen in left.items() for other in seen & set(right)]
    return pairs + [(node, other) for node, seen in right.items() for other in seen & set(left)]
