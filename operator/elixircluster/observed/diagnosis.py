"""Why a node did not start: one row a mistake with a remedy, by the last lines of a log or by what Kubernetes says.

The kubelet puts those lines into the pod's status, because the template asks for it (terminationMessagePolicy). What
is not in these tables is quoted as it is (`observed/words.py`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from elixircluster.observed.containers import last_words, obstacles, unready
from elixircluster.observed.words import LONGEST_LOG

Body = dict[str, Any]


class Diagnosis(NamedTuple):
    """A cause that a person must remove. `advice` says how; in a row it has places for what the pattern names."""

    reason: str
    advice: str


def listen_error(protocol: str, error: str) -> re.Pattern[str]:
    """How the kernel says why it cannot listen: by two writes, of which either may come first."""
    said = f"Protocol '?{protocol}'?: register/listen error: "
    return re.compile(rf"{said}{error}|\b{error}\s+{said}")


READ_ONLY = r"[Rr]ead-only file system|\berofs\b"

# Where a release is started: what stands there is run after the container's environment was set.
SET_ANEW = "where the release is started (rel/env.sh.eex, or spec.release.command)"

Row = tuple[re.Pattern[str], Diagnosis]

SHELL = r"^\S*+(?<=sh:) (?:line )?(?:\d++: )?"
"""How one begins what it says."""
SCRIPT = r"(?:exec: )?(?P<command>[\w./-]{0,200}\bbin/[\w.-]{1,99})"
VARIABLE = r"(?P<variable>[A-Za-z_]\w{0,63})"
UNSET = Diagnosis(
    "VariableMissing",
    "the release needs the variable {variable}: set it in spec.env or by spec.envFrom, from a Secret "
    "(valueFrom.secretKeyRef) where it is secret",
)
ABSENT = Diagnosis(
    "CommandNotFound",
    "the image has no {command}: a release's script is called as the release in mix.exs or rebar.config, and "
    "spec.release.command names it; without that field it is what the image starts by itself",
)

CLOSED = Diagnosis(
    "NotExecutable",
    "the pod's user may not run {command}: have the Dockerfile let everybody read the release (chmod -R a+rX), "
    "or name the user that may as spec.podSecurityContext.runAsUser",
)

MISTAKES: tuple[Row, ...] = (
    (re.compile(rf"environment variable {VARIABLE} is missing"), UNSET),
    (re.compile(rf'could not fetch environment variable \\*"{VARIABLE}\\*" because it is not set'), UNSET),
    (re.compile(rf"(?m){SHELL}{VARIABLE}: (?:unbound variable|parameter not set)"), UNSET),
    (
        re.compile(r"[Ii]nvalid -sname given to erl|Can't set short node name"),
        Diagnosis(
            "NodeNameOverridden",
            f"the node asks for a short name: RELEASE_DISTRIBUTION is set anew {SET_ANEW}; remove that line, or -sname "
            "from the release's vm.args",
        ),
    ),
    (
        re.compile(r"[Ii]nvalid -name given to erl|Can't set long node name|Hostname .+ is illegal"),
        Diagnosis(
            "NodeNameOverridden",
            "the image gives the node another name than the operator, and one that cannot be: RELEASE_NODE is set anew "
            f"{SET_ANEW}; remove that line, or -name from the release's vm.args",
        ),
    ),
    (
        re.compile(r"Protocol '?inet6?_tls'?: not supported"),
        Diagnosis(
            "TlsNotInRelease",
            "the release cannot speak TLS: add :ssl to extra_applications in mix.exs, or ssl to the release's "
            "applications, or set spec.distribution.tls.mode to Disabled",
        ),
    ),
    (
        listen_error("inet6_(?:tcp|tls)", "ea(?:fnosupport|ddrnotavail)"),
        Diagnosis(
            "WrongAddressFamily",
            "the node speaks IPv6, and its machine does not: set spec.distribution.ipFamily to IPv4. Where it is IPv4, "
            f"ERL_AFLAGS is set anew {SET_ANEW} and has -proto_dist inet6_tcp; remove that line",
        ),
    ),
    (
        listen_error("inet6?_(?:tcp|tls)", "econnrefused"),
        Diagnosis(
            "NotDistributed",
            "the node asks for an epmd that is not there: -erl_epmd_port of ERL_AFLAGS is lost or given twice, by "
            "spec.envFrom, the image or spec.release.command; remove that, kubectl elixir doctor says where it is",
        ),
    ),
    (
        listen_error("inet6?_(?:tcp|tls)", "eaddrinuse"),
        Diagnosis(
            "PortInUse",
            "something else listens on spec.distribution.port: another node that is started in the same container "
            "(start one only), or with hostNetwork anything on the machine (choose another port)",
        ),
    ),
    (
        re.compile(r"need to have exactly one of either -name or -sname|parameter found in .* already specified"),
        Diagnosis("NodeNameOverridden", "the release's vm.args name the node too; remove -name and -sname from it"),
    ),
    (
        re.compile(r"Protocol '?inet6?_(tcp|tls)'?: the name .* seems to be in use"),
        Diagnosis(
            "NodeNameInUse",
            "another node of this name runs at the same address: start one only in the container, or remove "
            "hostNetwork from spec.podTemplate",
        ),
    ),
    (
        re.compile(r"could not read .*libcluster\.config|error in config file .*libcluster"),
        Diagnosis(
            "ConfigUnreadable",
            "a template of yours makes a libcluster.config that is no Erlang term; elixircluster render --templates "
            "shows what it makes",
        ),
    ),
    (
        re.compile(r"[Ee]xec format error"),
        Diagnosis(
            "WrongArchitecture",
            "the image, or the release in it, is built for another processor than the Kubernetes node's: build it for "
            "that one, or choose nodes by spec.scheduling.nodeSelector (kubernetes.io/arch)",
        ),
    ),
    (
        # All that is left of "Can't set long node name!" at the end of a log: three reports of 2 kB follow it, and
        # the kubelet keeps 2 kB. A port in use ends like this too, where nothing above says so.
        re.compile(r"failed_to_start_child,net_kernel,\{'EXIT',nodistribution\}"),
        Diagnosis(
            "NodeNameOverridden",
            "the node could not take its name, or its port is in use; its log says which before the long reports. "
            f"Mostly RELEASE_NODE or RELEASE_DISTRIBUTION is set anew {SET_ANEW}: remove that line",
        ),
    ),
    (
        re.compile(rf"(?s)lib/tzdata-[^/]*/priv.*({READ_ONLY})|({READ_ONLY}).*lib/tzdata-[^/]*/priv"),
        Diagnosis(
            "ReadOnlyFileSystem",
            "tzdata updates itself inside the release. Add -tzdata, autoupdate and disabled to spec.vm.args, or have "
            'config :tzdata, :data_dir, "/tmp/tzdata" in the release; an emptyDir there would hide its time zones, and '
            "it would not start",
        ),
    ),
    (
        re.compile(READ_ONLY),
        Diagnosis(
            "ReadOnlyFileSystem",
            "it writes outside of /tmp: let it write there. An emptyDir (spec.volumes, spec.volumeMounts) helps over a "
            "folder that is empty in the image; over another one it hides what the image has there",
        ),
    ),
    (re.compile(rf"(?m){SHELL}{SCRIPT}: (?:not found|No such file)"), ABSENT),
    (re.compile(rf"(?m){SHELL}{SCRIPT}: Permission denied"), CLOSED),
)

OBSTACLES: tuple[Row, ...] = (
    (
        re.compile(r"references non-existent (?P<kind>secret|config) key: (?P<key>\S{1,253})"),
        Diagnosis(
            "KeyMissing",
            "a volume of spec.volumes names the key {key}, which its Secret or ConfigMap does not have: add it there",
        ),
    ),
    (
        re.compile(r"couldn't find key (?P<key>\S{1,253}) in (?P<kind>Secret|ConfigMap) \S+?/(?P<name>[\w.-]{1,253})"),
        Diagnosis("KeyMissing", "{kind} {name} has no key {key}, which spec.env names: add it there"),
    ),
    (
        re.compile(r'\bsecret "(?:[\w.-]+/)?(?P<name>[\w.-]{1,253})" not found'),
        Diagnosis(
            "SecretMissing",
            "Secret {name} does not exist: create it, or take it out of spec.env, spec.envFrom or spec.volumes",
        ),
    ),
    (
        re.compile(r'\bconfigmap "(?:[\w.-]+/)?(?P<name>[\w.-]{1,253})" not found'),
        Diagnosis(
            "ConfigMapMissing",
            "ConfigMap {name} does not exist: create it, or take it out of spec.env, spec.envFrom or spec.volumes",
        ),
    ),
    (
        re.compile(r"image will run as root|has non-numeric user|breaks non-root policy"),
        Diagnosis(
            "RunsAsRoot",
            "its image or its securityContext wants root, and the pod may not run as root: give a number that is not "
            "0 as runAsUser, in spec.podSecurityContext or in the container's own securityContext",
        ),
    ),
    (
        re.compile(r'exec: \\*"(?P<command>[^"\\\s]{1,253})\\*": .*(?:no such file or directory|not found in \$PATH)'),
        ABSENT,
    ),
    (
        re.compile(r'exec: \\*"(?P<command>[^"\\\s]{1,253})\\*": .*permission denied'),
        CLOSED,
    ),
    *(row for row in MISTAKES if row[1].reason == "WrongArchitecture"),
)
"""What the kubelet and the container runtime say where a container could not even be started."""


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


def diagnose(status: Body, release: str) -> Diagnosis | None:
    """The cause why one of a pod's containers did not start or died the last time, where it is a known one.

    One that is not the `release`'s is named in the advice.
    """
    for container in unready(status):
        if found := _of_container(container):
            named = "" if container["name"] == release else f"container {container['name']}: "
            return found._replace(advice=f"{named}{found.advice}")
    return None


def _of_container(container: Body) -> Diagnosis | None:
    told = [(OBSTACLES, words) for words in obstacles(container)] + [
        (MISTAKES, words) for words in last_words(container)
    ]
    return next((found for table, words in told if (found := known(words, table))), None)


def known(words: str, table: Sequence[Row] = OBSTACLES) -> Diagnosis | None:
    """The row whose pattern is in the words, with what they name."""
    for pattern, found in table:
        if match := pattern.search(words[-LONGEST_LOG:]):
            return found._replace(advice=found.advice.format(**match.groupdict()))
    return None
