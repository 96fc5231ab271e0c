"""A runtime is a row: where name, cookie and distribution flags go."""

from __future__ import annotations

import pytest

from elixircluster.render.config import config_files
from elixircluster.render.vm import TLS_OPTIONS
from tests.unit.factory import cluster, variables

TLS = {"tls": {"mode": "SelfSigned"}}
OPTIONS = f"/etc/elixircluster/{TLS_OPTIONS}"
NAMED = "-name ${ERLANG_NODE}\n-setcookie ${RELX_COOKIE}\n"
LISTENS = "-kernel inet_dist_listen_min 6789 inet_dist_listen_max 6789\n"

RELX_FILES = {
    "plain": ({}, NAMED),
    "epmd": ({"epmd": "Enabled"}, NAMED + LISTENS),
    "TLS": (TLS, f"{NAMED}-proto_dist inet_tls -ssl_dist_optfile {OPTIONS}\n-dist_listen true\n"),
    "TLS, epmd": (
        {**TLS, "epmd": "Enabled"},
        f"{NAMED}-proto_dist inet_tls -ssl_dist_optfile {OPTIONS}\n-dist_listen true\n{LISTENS}",
    ),
    "IPv6": ({"ipFamily": "IPv6"}, f"{NAMED}-proto_dist inet6_tcp\n-dist_listen true\n"),
}


@pytest.mark.parametrize(("distribution", "text"), RELX_FILES.values(), ids=RELX_FILES)
def test_relx_reads_its_flags_from_vm_args_and_hands_its_tools_the_line_of_the_protocol(distribution, text):
    assert config_files(cluster(runtime="Relx", distribution=distribution))["vm.args"] == text


# Over TLS and IPv6 `rpc` said "Node is not running!": erl_call speaks neither, and nodetool took the node's own port.
@pytest.mark.parametrize("distribution", [TLS, {"ipFamily": "IPv6"}, {**TLS, "epmd": "Enabled"}])
def test_relxs_tools_ask_by_a_node_that_does_not_listen_where_erl_call_cannot(distribution):
    found = variables(cluster(runtime="Relx", distribution=distribution))
    assert (found["USE_NODETOOL"], found["ERL_ZFLAGS"]) == ("true", "-dist_listen false")


def test_relxs_tools_are_left_alone_over_plain_tcp():
    assert not {"USE_NODETOOL", "ERL_ZFLAGS"} & set(variables(cluster(runtime="Relx")))
