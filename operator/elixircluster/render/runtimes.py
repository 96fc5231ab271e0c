"""What starts the node, and so where its name, its cookie and its distribution flags go: one row a runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from elixircluster.api.resource import ElixirCluster
from elixircluster.render import vm
from elixircluster.render.discovery import node_name, strategy

TEMPORARY = "/tmp"  # noqa: S108 - a folder of the container, an emptyDir of its own


class CookieReference:
    """Stands for the cookie, which comes from its Secret and is never rendered."""


COOKIE = CookieReference()

Environment = Mapping[str, str | CookieReference]
Files = Mapping[str, str]


@dataclass(frozen=True)
class Runtime:
    """A row. `console` is the command, inside a pod, that opens a remote console.

    `alone` is the environment of what the release runs beside its nodes, under no name and without distribution.
    """

    environment: Callable[[ElixirCluster], Environment]
    alone: Callable[[ElixirCluster], Environment]
    files: Callable[[ElixirCluster], Files]
    console: Callable[[ElixirCluster], str]


def _flags(*groups: list[str]) -> str:
    return " ".join(flag for group in groups for flag in group)


def _loading(cluster: ElixirCluster, variable: str) -> Environment:
    # The kernel connects before an embedded release has loaded crypto: `undef crypto:supports/0` (OTP 25).
    early = strategy(cluster).connects_at_start and vm.encrypted(cluster)
    return {variable: "interactive"} if early else {}


def _mix(cluster: ElixirCluster) -> Environment:
    return {
        "RELEASE_DISTRIBUTION": "name",
        "RELEASE_NODE": node_name(cluster),
        "RELEASE_COOKIE": COOKIE,
        "RELEASE_REMOTE_VM_ARGS": f"{vm.CONFIG_FOLDER}/remote.vm.args",
        "RELEASE_TMP": TEMPORARY,
        **_loading(cluster, "RELEASE_MODE"),
        "ERL_AFLAGS": _flags(vm.port_flags(cluster), vm.protocol_flags(cluster), vm.parameters(cluster)),
    }


def _mix_alone(cluster: ElixirCluster) -> Environment:
    return {
        "RELEASE_DISTRIBUTION": "none",
        "RELEASE_COOKIE": COOKIE,
        "RELEASE_TMP": TEMPORARY,
        **_early_parameters(cluster),
    }


def _relx(cluster: ElixirCluster) -> Environment:
    # The script reads name, cookie and protocol from vm.args alone, for its tools too; the port it takes from
    # ERL_DIST_PORT, and gives the flags by itself.
    epmd = cluster.spec.distribution.epmd == "Enabled"
    # The script's rpc asks by erl_call, which knows inet_tcp only, unless it is told otherwise (older rebar3).
    # Its other tool is a node that would listen on the port of the one it asks: of -dist_listen the first one wins,
    # so the node listens, by vm.args, and what has no vm.args does not.
    tool = {"USE_NODETOOL": "true", "ERL_ZFLAGS": "-dist_listen false"} if _asks_by_node(cluster) else {}
    return {
        "ERLANG_NODE": node_name(cluster),
        "RELX_COOKIE": COOKIE,
        "RELX_REPLACE_OS_VARS": "true",
        "RELX_OUT_FILE_PATH": TEMPORARY,
        **_loading(cluster, "CODE_LOADING_MODE"),
        "VMARGS_PATH": f"{vm.CONFIG_FOLDER}/vm.args",
        **tool,
        **_early_parameters(cluster),
        **({} if epmd else {"ERL_DIST_PORT": str(cluster.spec.distribution.port)}),
    }


def _relx_alone(cluster: ElixirCluster) -> Environment:
    # The vm.args are the release's own: ours give a name.
    return {
        "RELX_COOKIE": COOKIE,
        "RELX_REPLACE_OS_VARS": "true",
        "RELX_OUT_FILE_PATH": TEMPORARY,
        **_early_parameters(cluster),
    }


def _early_parameters(cluster: ElixirCluster) -> Environment:
    return {"ERL_AFLAGS": _flags(early)} if (early := vm.parameters(cluster)) else {}


def _erl(cluster: ElixirCluster) -> Environment:
    name = ["-name $(ERLANG_NODE)", "-setcookie $(ERLANG_COOKIE)"]
    return {
        "ERLANG_NODE": node_name(cluster),
        "ERLANG_COOKIE": COOKIE,
        "ERL_AFLAGS": _flags(name, vm.port_flags(cluster), vm.protocol_flags(cluster), vm.parameters(cluster)),
    }


def _erl_alone(cluster: ElixirCluster) -> Environment:
    return {"ERLANG_COOKIE": COOKIE, **_early_parameters(cluster)}


def _asks_by_node(cluster: ElixirCluster) -> bool:
    return vm.protocol(cluster) != "inet_tcp"


def _relx_files(cluster: ElixirCluster) -> Files:
    epmd = cluster.spec.distribution.epmd == "Enabled"
    lines = [
        "-name ${ERLANG_NODE}",
        "-setcookie ${RELX_COOKIE}",
        # The script gives its tools the line of -proto_dist and no other, so what belongs to it stands there too.
        _flags(vm.protocol_flags(cluster)),
        "-dist_listen true" if _asks_by_node(cluster) else "",
        _flags(vm.port_flags(cluster)) if epmd else "",
    ]
    return {"vm.args": "".join(f"{line}\n" for line in lines if line)}


def _remote_files(_: ElixirCluster) -> Files:
    # `bin/app rpc` and `remote` inherit the flags of the node, and would die of its port being in use.
    return {"remote.vm.args": "-dist_listen false\n"}


def _remote_shell(cluster: ElixirCluster) -> str:
    flags = _flags(["-hidden -dist_listen false"], vm.port_flags(cluster), vm.protocol_flags(cluster))
    return (
        "sh -c 'unset ERL_AFLAGS ERL_FLAGS; exec erl -name console-$$@${ERLANG_NODE#*@} "
        f'-setcookie "$ERLANG_COOKIE" {flags} -remsh "$ERLANG_NODE"\''
    )


RUNTIMES: Mapping[str, Runtime] = {
    "Mix": Runtime(_mix, _mix_alone, _remote_files, lambda cluster: f"bin/{cluster.base_name} remote"),
    "Relx": Runtime(_relx, _relx_alone, _relx_files, lambda cluster: f"bin/{cluster.base_name} remote_console"),
    "Gleam": Runtime(_erl, _erl_alone, lambda _: {}, _remote_shell),
    "Erl": Runtime(_erl, _erl_alone, lambda _: {}, _remote_shell),
}


def runtime(cluster: ElixirCluster) -> Runtime:
    """The row of the resource's runtime."""
    return RUNTIMES[cluster.spec.runtime]
