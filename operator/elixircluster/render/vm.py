"""The virtual machine's flags, each where the resource wins over the release.

ERL_AFLAGS come before the release's vm.args, ERL_FLAGS after them. Of an emulator flag (`+S`) the last one wins. Of an
application's parameter (`-mnesia dir ...`) the first one does, and of kernel's one or the other, by the names of those
given beside it: so parameters are in both. `tests/integration/mesh/test_flags.py` tries it (OTP 25, 27, 29).
A distribution flag given twice disables itself, so each of those is in one place that depends on the runtime (see
`render/runtimes.py`), and `vm.args` of the resource may not repeat it.
https://www.erlang.org/doc/apps/erts/erl_cmd.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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

OF_THE_RUNTIME = frozenset(
    f"-{name}"
    for name in (
        *("boot", "boot_var", "code_path_cache", "code_path_choice", "compile", "config", "configfd", "connect_all"),
        *(
            "cookie",
            "demon",
            "detached",
            "emu_args",
            "emu_flavor",
            "emu_type",
            "env",
            "eval",
            "extra",
            "heart",
            "hidden",
        ),
        *("hosts", "id", "init_debug", "loader", "make", "man", "mode", "noinput", "noshell", "nostick", "oldshell"),
        *("pa", "path", "profile_boot", "pz", "remsh", "root", "rsh", "run", "s", "shutdown_time", "user", "version"),
    )
)
"""The flags of erl and init that take values and are no application's."""

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


def parameters(cluster: ElixirCluster) -> list[str]:
    """Parameters of applications, one a flag, for ERL_AFLAGS and ERL_FLAGS."""
    return list(_parameters(cluster))


def _parameters(cluster: ElixirCluster) -> Iterator[str]:
    if tick := cluster.spec.distribution.net_tick_time_seconds:
        yield f"-kernel net_ticktime {tick}"
    for flag, *values in flags(cluster.spec.vm.args):
        if is_parameter(flag, values):
            for key, value in zip(values[::2], values[1::2], strict=True):
                yield f"{quote(flag)} {quote(key)} {quote(value)}"


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
    # The flag leaves out the ending .config.
    yield f"-config {CONFIG_FOLDER}/{CLUSTER_CONFIG.removesuffix('.config')}"
    if spec.distribution.epmd == "Enabled":
        yield from port_flags(cluster)
    yield from _parameters(cluster)
    for flag, *values in flags(spec.vm.args):
        if not is_parameter(flag, values):
            yield from map(quote, (flag, *values))


def flags(arguments: Sequence[str]) -> Iterator[list[str]]:
    """Each flag with what follows it. After -extra everything is the program's."""
    group: list[str] = []
    for argument in arguments:
        if group and argument[:1] in {"-", "+"} and group[0] != "-extra":
            yield group
            group = []
        group.append(argument)
    if group:
        yield group


def is_parameter(flag: str, values: Sequence[str]) -> bool:
    """Whether it is `-application key value`, and no flag that the runtime itself knows."""
    return flag.startswith("-") and flag not in OF_THE_RUNTIME and len(values) > 0 and len(values) % 2 == 0


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
