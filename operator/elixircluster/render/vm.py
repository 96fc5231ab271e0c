"""The virtual machine's flags: each is rendered once, in the one variable where it belongs.

ERL_AFLAGS come before the release's vm.args, ERL_FLAGS after them. Of an emulator flag (`+S`) and of `-kernel` the
last one wins, so what the resource says goes into ERL_FLAGS. A distribution flag given twice disables itself, so
those are in ERL_AFLAGS alone, and `vm.args` of the resource may not repeat them.
https://www.erlang.org/doc/apps/erts/erl_cmd.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any

from elixircluster.api.resource import ElixirCluster

CONFIG_FOLDER = "/etc/elixircluster"
REMOTE_VM_ARGS = "remote.vm.args"
LIBCLUSTER_CONFIG = "libcluster.config"


def distribution_flags(cluster: ElixirCluster) -> str:
    """ERL_AFLAGS: no epmd, and one port on which every node listens and is looked for."""
    return f"-start_epmd false -erl_epmd_port {cluster.spec.distribution.port}"


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
    yield f"-config {CONFIG_FOLDER}/{LIBCLUSTER_CONFIG.removesuffix('.config')}"
    for argument in spec.vm.args:
        yield quote(argument)


def remote_vm_args() -> str:
    """`bin/app rpc` and `remote` inherit the flags above, and must not listen on the same port."""
    return "-dist_listen false\n"


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
