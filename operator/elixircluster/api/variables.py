"""Environment variables of a node: which are the operator's, and in which the virtual machine looks for flags.

`tests/unit/render/test_environment.py` renders every runtime with every setting and holds this table to it.
"""

from __future__ import annotations

from collections.abc import Mapping

EVERYWHERE = ("POD_NAME", "POD_NAMESPACE", "POD_IP", "ERL_AFLAGS", "ERL_FLAGS")

OWNED: Mapping[str, list[str]] = {
    "Mix": [
        *EVERYWHERE,
        "RELEASE_DISTRIBUTION",
        "RELEASE_NODE",
        "RELEASE_COOKIE",
        "RELEASE_REMOTE_VM_ARGS",
    ],
    "Relx": [
        *EVERYWHERE,
        "ERLANG_NODE",
        "RELX_COOKIE",
        "RELX_REPLACE_OS_VARS",
        "VMARGS_PATH",
        "ERL_DIST_PORT",
        "USE_NODETOOL",
        "ERL_ZFLAGS",
    ],
    "Gleam": [*EVERYWHERE, "ERLANG_NODE", "ERLANG_COOKIE"],
    "Erl": [*EVERYWHERE, "ERLANG_NODE", "ERLANG_COOKIE"],
}
"""By runtime, what the operator sets and nobody else: a second value would break names, cookie or distribution."""

REPLACEABLE = (
    "HOME",
    "ERL_CRASH_DUMP",
    "ERL_CRASH_DUMP_BYTES",
    "PORT",
    "PHX_SERVER",
    "ECTO_IPV6",
    "RELEASE_TMP",
    "RELEASE_MODE",
    "RELX_OUT_FILE_PATH",
    "CODE_LOADING_MODE",
    "DNS_CLUSTER_QUERY",
    "CLUSTER_DOMAIN",
    "LIBCLUSTER_STRATEGY",
    "LIBCLUSTER_SERVICE",
    "LIBCLUSTER_NAMESPACE",
    "LIBCLUSTER_NODE_BASENAME",
    "LIBCLUSTER_POLLING_INTERVAL",
    "LIBCLUSTER_KUBERNETES_SELECTOR",
    "LIBCLUSTER_KUBERNETES_NODE_BASENAME",
)
"""What the operator sets unless `env` does."""

FLAG_VARIABLES = "^(ELIXIR|ERL|EXTRA|RELEASE|RELX)_([A-Z0-9_]*_)?[AZ]?(ARGS|FLAGS|OPTIONS|OPTS)$"
"""Where the virtual machine or a start script looks for flags: ERL_ZFLAGS, ERL_OTP27_FLAGS, ELIXIR_ERL_OPTIONS, ...
(`erts/etc/common/erlexec.c`, Elixir's and relx's scripts)."""

OWNED_FLAGS = (
    "-name",
    "-sname",
    "-setcookie",
    "-start_epmd",
    "-erl_epmd_port",
    "-epmd_module",
    "-proto_dist",
    "-ssl_dist_optfile",
    "-ssl_dist_opt",
    "-dist_listen",
    "-args_file",
    "inet_dist_listen_min",
    "inet_dist_listen_max",
    "erl_epmd_node_listen_port",
)
"""Flags, and parameters of kernel, that the operator renders. Repeated, several of them silently disable themselves
(`-proto_dist` twice is plaintext, `-erl_epmd_port` twice is a random port), so nobody else may give them."""

FLAGS_IN_TEXT = (
    "-name ",
    "-sname ",
    "setcookie",
    "epmd",
    "proto_dist",
    "ssl_dist_opt",
    "dist_listen",
    "args_file",
)
"""By what one of them is known in a longer text. The API server counts what a rule may cost at most, and forbids a
pattern for each."""


def without_flags(text: str) -> str:
    """In CEL: that none of them is in a text."""
    return " && ".join(f"!{text}.contains('{flag}')" for flag in FLAGS_IN_TEXT)
