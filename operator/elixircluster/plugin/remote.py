"""`console` and `rpc`: the release's own tools, run inside a pod.

The cookie is read there, by a shell of the pod, so that it passes neither through this program nor over the network.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import click

from elixircluster.plugin import resources
from elixircluster.plugin.kubectl import Kubectl, KubectlError
from elixircluster.plugin.names import painted
from elixircluster.plugin.plain import plain
from elixircluster.plugin.resources import CONTAINER, Object
from elixircluster.plugin.target import PluginCommand, WrongUsage, target

COOKIE_FILE = "/etc/elixircluster-cookie/cookie"
"""The cookie of now; the environment has the one that the container was started with."""
WITH_COOKIE = (
    f"if [ -r {COOKIE_FILE} ]; then c=$(cat {COOKIE_FILE}); "
    'export RELEASE_COOKIE="$c" RELX_COOKIE="$c" ERLANG_COOKIE="$c"; unset c; fi; '
    'if ! command -v "$1" > /dev/null; then '
    'found=; for f in "${1%/*}"/*; do if [ -f "$f" ] && [ -x "$f" ]; then found="$found $f"; fi; done; '
    'echo "there is no $1 in $PWD${found:+, but$found}: spec.release.name is to be the name of the '
    'release, and WORKDIR of the Dockerfile its folder" >&2; exit 127; fi; exec "$@"'
)
REMOTE_SHELL = ' -remsh "$ERLANG_NODE"'
EVALUATE = """\
try
  {ok, Tokens, _} = erl_scan:string(string:trim(hd(init:get_plain_arguments()), trailing, ". ") ++ "."),
  {ok, Expressions} = erl_parse:parse_exprs(Tokens),
  {value, Value, _} = rpc:call(list_to_atom(os:getenv("ERLANG_NODE")), erl_eval, exprs, [Expressions, []]),
  io:format("~tp~n", [Value]),
  halt(0)
catch
  error:{badmatch, Reason} -> io:format(standard_error, "~tp~n", [Reason]), halt(1)
end."""
AT_ONCE = 16

Command = list[str]


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@click.argument("pod", required=False, shell_complete=resources.complete_pod)
@target
def console(kubectl: Kubectl, name: str, pod: str | None) -> None:
    """Open a remote console on a node.

    Without POD it is the first that is ready.
    """
    body = resources.one(kubectl, name)
    first = resources.ready_pods(kubectl, name, pod)[0]
    kubectl.become("exec", "-it", first, "-c", CONTAINER, "--", *inside(console_command(body)))


@click.command(cls=PluginCommand)
@click.argument("name", shell_complete=resources.complete)
@click.argument("expression")
@click.option("--pod", shell_complete=resources.complete_pod, help="Ask this pod; default: the first that is ready.")
@click.option("--all", "everywhere", is_flag=True, help="Ask every pod that is ready.")
@target
def rpc(kubectl: Kubectl, name: str, expression: str, pod: str | None, everywhere: bool) -> None:
    """Evaluate an expression on a node, and print its value.

    Elixir where the runtime is Mix, else Erlang.
    """
    if everywhere and pod:
        raise WrongUsage("--pod and --all exclude each other", click.get_current_context())
    command = inside(rpc_command(resources.one(kubectl, name), expression))
    asked = resources.ready_pods(kubectl, name, pod)
    if not everywhere:
        kubectl.become("exec", asked[0], "-c", CONTAINER, "--", *command)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda each: answer(kubectl, each, command), asked))
    paint = painted(asked, coloured=sys.stdout.isatty())
    for each, done in zip(asked, answers, strict=True):
        for line in (done.stdout + (done.stderr if done.returncode else "")).splitlines():
            click.echo(f"{paint[each]} {plain(line)}")
    if failed := [each for each, done in zip(asked, answers, strict=True) if done.returncode]:
        raise KubectlError(f"{', '.join(failed)} did not evaluate it")


def answer(kubectl: Kubectl, pod: str, command: Command) -> subprocess.CompletedProcess[str]:
    """What a pod says to a command. Raises `KubectlError`."""
    with kubectl.start("exec", pod, "-c", CONTAINER, "--", *command) as process:
        stdout, stderr = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr or "")


def inside(command: Sequence[str]) -> Command:
    """A command that has the cookie of now in its environment."""
    return ["sh", "-c", WITH_COOKIE, "sh", *command]


def console_command(body: Object) -> Command:
    """What opens a remote console inside of a pod, as the operator tells it. Raises `KubectlError`."""
    _, dashes, command = str(body.get("status", {}).get("console", "")).partition(" -- ")
    if not dashes:
        raise KubectlError("status.console is missing: the operator has not looked at this resource; does it run?")
    return shlex.split(command)


def rpc_command(body: Object, expression: str) -> Command:
    """What evaluates an expression on the node, inside of its pod, and prints its value. Raises `KubectlError`."""
    return RUNTIMES[body["spec"].get("runtime", "Mix")](console_command(body), expression)


def _mix(opens: Command, expression: str) -> Command:
    return [opens[0], "rpc", f"IO.inspect((\n{expression}\n))"]


def _relx(opens: Command, expression: str) -> Command:
    return [opens[0], "eval", f"{expression.rstrip('. ')}."]


def _erl(opens: Command, expression: str) -> Command:
    # How the node is reached is in the console's command; only what is done there is another thing.
    shell, option, script = opens
    asks = script.replace(REMOTE_SHELL, f' -noinput -eval {shlex.quote(EVALUATE)} -extra "$1"')
    return [shell, option, asks, shell, expression]


RUNTIMES: Mapping[str, Callable[[Command, str], Command]] = {"Mix": _mix, "Relx": _relx, "Gleam": _erl, "Erl": _erl}
"""How a runtime evaluates, from the command that opens its console."""
