"""Why a node did not start, from the last lines of its log: one row a mistake that Kubernetes cannot name.

The kubelet puts those lines into the pod's status, because the template asks for it (terminationMessagePolicy). They
are the user's own text: matched, and never shown.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, NamedTuple

Body = dict[str, Any]


class Diagnosis(NamedTuple):
    """A cause that a person must remove. `advice` says how."""

    reason: str
    advice: str


MISTAKES: tuple[tuple[re.Pattern[str], Diagnosis], ...] = (
    (
        re.compile(r"[Ii]nvalid -s?name given to erl|Can't set (long|short) node name|Hostname .+ is illegal"),
        Diagnosis(
            "NodeNameOverridden",
            "the image gives the node another name than the operator. Its rel/env.sh sets RELEASE_NODE or "
            "RELEASE_DISTRIBUTION, as fly.io's template does: remove those lines from rel/env.sh.eex",
        ),
    ),
    (
        re.compile(r"Protocol '?inet6?_tls'?: (not supported|register/listen error)"),
        Diagnosis(
            "TlsNotInRelease",
            "the release cannot speak TLS: add :ssl to extra_applications in mix.exs, or ssl to the release's "
            "applications, or set spec.distribution.tls.mode to Disabled",
        ),
    ),
    (
        re.compile(r"need to have exactly one of either -name or -sname|parameter found in .* already specified"),
        Diagnosis("NodeNameOverridden", "the release's vm.args name the node too; remove -name and -sname from it"),
    ),
    (
        re.compile(r"Protocol '?inet6?_(tcp|tls)'?: the name .* seems to be in use"),
        Diagnosis("NodeNameInUse", "another node of this name runs at the same address; is hostNetwork on?"),
    ),
    (
        re.compile(r"could not read .*libcluster\.config|error in config file .*libcluster"),
        Diagnosis("ConfigUnreadable", "a template of yours makes a libcluster.config that is no Erlang term"),
    ),
    (
        re.compile(r"exec format error"),
        Diagnosis("WrongArchitecture", "the image is built for another processor than the Kubernetes node's"),
    ),
    (
        # All that is left of "Can't set long node name!" at the end of a log: three reports of 2 kB follow it, and
        # the kubelet keeps 2 kB. A port in use ends like this too, where nothing above says so.
        re.compile(r"failed_to_start_child,net_kernel,\{'EXIT',nodistribution\}"),
        Diagnosis(
            "NodeNameOverridden",
            "the node could not take its name. Where the image's rel/env.sh sets RELEASE_NODE or RELEASE_DISTRIBUTION, "
            "as fly.io's template does, remove those lines from rel/env.sh.eex",
        ),
    ),
    (
        re.compile(r"[Rr]ead-only file system|:erofs|\berofs\b"),
        Diagnosis(
            "ReadOnlyFileSystem",
            "the release writes outside of /tmp; mount an emptyDir there with spec.volumes and spec.volumeMounts",
        ),
    ),
)


def diagnose_address(address: str, family: str) -> Diagnosis | None:
    """A pod whose address is not of the family that its node speaks: it would start, and connect with nobody."""
    if not address or f"IPv{ipaddress.ip_address(address).version}" == family:
        return None
    other = "IPv6" if family == "IPv4" else "IPv4"
    return Diagnosis(
        "WrongAddressFamily",
        f"pods have {other} addresses here (the first one counts), and spec.distribution.ipFamily is {family}; set it "
        f"to {other}",
    )


def diagnose(status: Body) -> Diagnosis | None:
    """The cause why a pod's containers died the last time, where it is a known one."""
    for container in status.get("containerStatuses") or []:
        for state in (container.get("state") or {}, container.get("lastState") or {}):
            message = (
                (state.get("terminated") or {}).get("message") or (state.get("waiting") or {}).get("message") or ""
            )
            for pattern, diagnosis in MISTAKES:
                if pattern.search(message):
                    return diagnosis
    return None
