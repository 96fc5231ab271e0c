"""The virtual machine's flags: each is rendered once, in the one place where it belongs.

ERL_AFLAGS come before the release's vm.args, ERL_FLAGS after them. Of an emulator flag (`+S`) and of `-kernel` the
last one wins, so what the resource says goes into ERL_FLAGS. A distribution flag given twice disables itself, so
each of those is in one place that depends on the runtime (`render/runtimes.py`), and `vm.args` of the resource may not
repeat it. https://www.erlang.org/doc/apps/erts/erl_cmd.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any

from elixircluster.api.resource import ElixirCluster

CONFIG_FOLDER = "/etc/elixircluster"
TLS_FOLDER = f"{CONFIG_FOLDER}-tls"
COOKIE_FOLDER = f"{CONFIG_FOLDER}-cookie"
COOKIE_FILE = f"{COOKIE_FOLDER}/cookie"
"""Where a container finds the cookie of now; its environment has the one that it was started with."""
CLUSTER_CONFIG = "libcluster.config"
TLS_OPTIONS = "inet_tls.config"

PROTOCOLS = {
    ("IPv4", False): "inet_tcp",
    ("IPv4", True): "inet_tls",
    ("IPv6", False): "inet6_tcp",
    ("IPv6", True): "inet6_tls",
}


def encrypted(cluster: ElixirCluster) -> bool:
    """Whether the nodes speak TLS."""
    return cluster.spec.distribution.tls.mode != "Disabled"


def protocol(cluster: ElixirCluster) -> str:
    """The distribution protocol."""
    return PROTOCOLS[cluster.spec.distribution.ip_family, encrypted(cluster)]


def protocol_flags(cluster: ElixirCluster) -> list[str]:
    """What carries the distribution."""
    flags = [] if protocol(cluster) == "inet_tcp" else [f"-proto_dist {protocol(cluster)}"]
    if encrypted(cluster):
        flags.append(f"-ssl_dist_optfile {CONFIG_FOLDER}/{TLS_OPTIONS}")
    return flags


def port_flags(cluster: ElixirCluster) -> list[str]:
    """Where a node listens and is looked for: one port that everybody knows, or one that epmd tells."""
    port = cluster.spec.distribution.port
    if cluster.spec.distribution.epmd == "Enabled":
        return [f"-kernel inet_dist_listen_min {port} inet_dist_listen_max {port}"]
    return ["-start_epmd false", f"-erl_epmd_port {port}"]


def machine_flags(cluster: ElixirCluster) -> str:
    """ERL_FLAGS: the resource's settings, over those of the release."""
    return " ".join(_machine_flags(cluster))


def _machine_flags(cluster: ElixirCluster) -> Iterator[str]:
    spec = cluster.spec
    if spec.vm.busy_wait == "None":
        yield "+sbwt none +sbwtdcpu none +sbwtdio none"
    if schedulers := spec.vm.schedulers or schedulers_of(spec.resources):
        yield f"+S {schedulers}:{schedulers}"
    yield f"+Q {spec.vm.max_ports}"
    if spec.distribution.net_tick_time_seconds:
        yield f"-kernel net_ticktime {spec.distribution.net_tick_time_seconds}"
    # The flag leaves out the ending .config.
    yield f"-config {CONFIG_FOLDER}/{CLUSTER_CONFIG.removesuffix('.config')}"
    for argument in spec.vm.args:
        yield quote(argument)


def schedulers_of(resources: dict[str, Any] | None) -> int | None:
    """Schedulers for a CPU request without a limit; a limit the runtime sees by itself (OTP 23 and later)."""
    limits, requests = ((resources or {}).get(part) for part in ("limits", "requests"))
    # What is no mapping is left to the API server, which will say so.
    if not isinstance(requests, dict) or (isinstance(limits, dict) and "cpu" in limits):
        return None
    cpu = cores(requests.get("cpu"))
    return int(cpu.to_integral_value(ROUND_CEILING)) if cpu else None


def cores(quantity: Any) -> Decimal | None:
    """A CPU quantity (`2`, `0.5`, `1500m`) in cores; None where it is none, which the API server will say."""
    text = str(quantity)
    try:
        value = Decimal(text[:-1]) / 1000 if text.endswith("m") else Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 < value <= 1024 else None


def quote(argument: str) -> str:
    r"""One argument for ERL_FLAGS, in which whitespace separates and `\`, `'`, `"` quote."""
    return re.sub(r"([\s\\'\"])", r"\\\1", argument) or '""'
