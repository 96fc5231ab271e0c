"""Known mistakes, by the last lines that a node logged."""

from __future__ import annotations

import pytest

from elixircluster.observed.diagnosis import diagnose, diagnose_address
from elixircluster.render.names import CONTAINER

LAST_WORDS = {
    "a name that erl refuses": ('Invalid -name given to erl, "chat-@"\n', "NodeNameOverridden"),
    "a short host": ("** Can't set long node name!\nPlease check your configuration **", "NodeNameOverridden"),
    # Seen with OTP 25: what says so is cut off, because the kubelet keeps the last 2 kB.
    "a host that is empty, cut off": (
        "{failed_to_start_child,net_sup,{shutdown,{failed_to_start_child,net_kernel,{'EXIT',nodistribution}}}}",
        "NodeNameOverridden",
    ),
    "no ssl in the release": (
        "Protocol 'inet_tls': not supported\n{\"Kernel pid terminated\"…",
        "TlsNotInRelease",
    ),
    "a short name": ("** Can't set short node name!\nPlease check your configuration **", "NodeNameOverridden"),
    "no IPv6 on the machine": ("Protocol 'inet6_tcp': register/listen error: eafnosupport", "WrongAddressFamily"),
    "an epmd that is not there": ("Protocol 'inet_tcp': register/listen error: econnrefused", "NotDistributed"),
    "a port in use": ("Protocol 'inet_tcp': register/listen error: eaddrinuse", "PortInUse"),
    # Seen with OTP 25, where the second node of a container died.
    "a port in use, the other way round": (
        "eaddrinuse\nProtocol 'inet_tcp': register/listen error: ",
        "PortInUse",
    ),
    "no IPv6, the other way round": (
        "eafnosupport\nProtocol 'inet6_tcp': register/listen error: ",
        "WrongAddressFamily",
    ),
    # Was taken for a release without ssl.
    "a port in use, with TLS": ("Protocol 'inet_tls': register/listen error: eaddrinuse", "PortInUse"),
    "two names": ("need to have exactly one of either -name or -sname parameters but none found", "NodeNameOverridden"),
    "another processor": ("exec /app/bin/chat: exec format error", "WrongArchitecture"),
    # Where the base image is right, and the release was copied from a wrong one.
    "another processor, told by bash": (
        "/app/erts-13.1.5/bin/erlexec: cannot execute binary file: Exec format error",
        "WrongArchitecture",
    ),
    "a write outside of /tmp": ("sh: can't create /app/tmp/x: Read-only file system", "ReadOnlyFileSystem"),
}


def died(message: str) -> dict[str, object]:
    return {"containerStatuses": [{"name": "app", "lastState": {"terminated": {"exitCode": 1, "message": message}}}]}


@pytest.mark.parametrize(("message", "reason"), LAST_WORDS.values(), ids=LAST_WORDS)
def test_a_known_mistake_is_named_with_its_remedy(message, reason):
    found = diagnose(died(message), CONTAINER)
    assert found is not None
    assert found.reason == reason
    assert len(found.advice) > 40


NAMED = {
    "Phoenix": (
        "** (RuntimeError) environment variable SECRET_KEY_BASE is missing.\n",
        "VariableMissing",
        "SECRET_KEY_BASE",
    ),
    "what Erlang has left of it": (
        'message=><<"environment variable DATABASE_URL is missing.\\nFor example: ecto://',
        "VariableMissing",
        "DATABASE_URL",
    ),
    "System.fetch_env!": (
        '** (System.EnvError) could not fetch environment variable "REGION" because it is not set',
        "VariableMissing",
        "REGION",
    ),
    "bash": ("/bin/bash: line 1: REGION: unbound variable", "VariableMissing", "REGION"),
    "dash": ("/bin/sh: 1: REGION: parameter not set", "VariableMissing", "REGION"),
    "a script that is not there, by dash": ("/bin/sh: 1: bin/shop: not found", "CommandNotFound", "bin/shop"),
    "a script that is not there, by exec": ("sh: 1: exec: bin/shop: not found", "CommandNotFound", "bin/shop"),
    "a script that nobody may run": ("/bin/sh: 1: /app/bin/shop: Permission denied", "NotExecutable", "/app/bin/shop"),
    "a script that is not there, by bash": (
        "/bin/bash: line 1: /app/bin/shop: No such file or directory",
        "CommandNotFound",
        "/app/bin/shop",
    ),
}


@pytest.mark.parametrize(("message", "reason", "name"), NAMED.values(), ids=NAMED)
def test_last_words_that_name_what_is_missing_are_told_with_it(message, reason, name):
    found = diagnose(died(message), CONTAINER)
    assert found is not None
    assert found.reason == reason
    assert name in found.advice
    assert "{" not in found.advice


RUNC = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
OBSTACLES = {
    "no Secret": ("CreateContainerConfigError", 'secret "db" not found', "SecretMissing", "Secret db does not exist"),
    "no ConfigMap": (
        "CreateContainerConfigError",
        'configmap "settings" not found',
        "ConfigMapMissing",
        "ConfigMap settings does not exist",
    ),
    "no key": (
        "CreateContainerConfigError",
        "couldn't find key url in Secret shop/db",
        "KeyMissing",
        "Secret db has no key url",
    ),
    "root": (
        "CreateContainerConfigError",
        'container has runAsNonRoot and image will run as root (pod: "chat-0_shop(123)", container: proxy)',
        "RunsAsRoot",
        "runAsUser",
    ),
    "no such script": (
        "RunContainerError",
        (
            f'{RUNC}unable to start container process: exec: "bin/shop": stat bin/shop: no '
            "such file or directory: unknown"
        ),
        "CommandNotFound",
        "the image has no bin/shop",
    ),
    "no such program": (
        "RunContainerError",
        f'{RUNC}exec: "shop": executable file not found in $PATH: unknown',
        "CommandNotFound",
        "the image has no shop",
    ),
    "a script that nobody may run": (
        "RunContainerError",
        f'{RUNC}exec: "/app/bin/chat": permission denied: unknown',
        "NotExecutable",
        "may not run /app/bin/chat",
    ),
    "a program for another processor": (
        "CreateContainerError",
        f"{RUNC}exec /app/bin/chat: exec format error",
        "WrongArchitecture",
        "built for another processor",
    ),
}


@pytest.mark.parametrize(("reason", "message", "named", "told"), OBSTACLES.values(), ids=OBSTACLES)
def test_what_kept_a_container_from_starting_is_named_with_its_remedy(reason, message, named, told):
    waits = {"name": "app", "state": {"waiting": {"reason": reason, "message": message}}}
    ended = {"terminated": {"reason": "StartError", "exitCode": 128, "message": message}}
    backs_off = {"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended}
    for container in (waits, backs_off, {"name": "app", "state": ended}):
        found = diagnose({"containerStatuses": [container]}, CONTAINER)
        assert found is not None
        assert found.reason == named
        assert told in found.advice
        assert "_shop(123)" not in found.advice


def test_what_a_program_says_of_its_own_secrets_is_not_taken_for_kubernetes():
    assert diagnose(died('vault: secret "db" not found'), CONTAINER) is None


def test_what_a_pattern_names_cannot_fill_in_more():
    found = diagnose(died("/bin/sh: 1: {0.__class__}/bin/x: not found"), CONTAINER)
    assert found is None or "class" not in found.advice


CAUSES = {
    "Can't set long node name!": ("RELEASE_NODE", "RELEASE_DISTRIBUTION"),
    "Can't set short node name!": ("RELEASE_DISTRIBUTION", "RELEASE_NODE"),
    "Protocol 'inet6_tcp': register/listen error: eafnosupport": ("ERL_AFLAGS", "RELEASE_NODE"),
}


# One text for all told of lines of fly.io's template that the image did not have.
@pytest.mark.parametrize(("message", "variables"), CAUSES.items(), ids=CAUSES)
def test_the_variable_that_is_the_cause_is_named_and_no_other(message, variables):
    found = diagnose(died(message), CONTAINER)
    assert found is not None
    cause, other = variables
    assert cause in found.advice
    assert other not in found.advice
    assert "rel/env.sh.eex" in found.advice


TZDATA = {
    "a poll": '** (File.Error) could not write to file "/app/lib/tzdata-1.1.2/priv/latest_remote_poll.txt": '
    "read-only file system\n    (elixir 1.17.2) lib/file.ex:1104: File.write!/3",
    "a report": "{'Elixir.File':'write!'/3,#{reason => erofs,\n path => <<\"/app/lib/tzdata-0.5.14/priv/x.txt\">>}}",
}


# An emptyDir over its priv folder hides its time zones, and then it does not even start.
@pytest.mark.parametrize("message", TZDATA.values(), ids=TZDATA)
def test_tzdata_is_told_not_to_update_itself_and_not_to_hide_its_files(message):
    found = diagnose(died(message), CONTAINER)
    assert found is not None
    assert "autoupdate" in found.advice
    assert "mount" not in found.advice


def test_an_empty_dir_is_advised_only_over_what_is_empty():
    found = diagnose(died("sh: can't create /app/tmp/x: Read-only file system"), CONTAINER)
    assert found is not None
    assert "empty in the image" in found.advice


def test_other_last_words_are_not_guessed_at():
    assert diagnose(died("** (RuntimeError) could not connect to the database"), CONTAINER) is None
    assert diagnose({}, CONTAINER) is None


@pytest.mark.parametrize(
    ("address", "family", "to_set"),
    [
        ("10.0.0.7", "IPv4", None),
        ("fd00::7", "IPv6", None),
        ("fd00::7", "IPv4", "set it to IPv6"),
        ("10.0.0.7", "IPv6", "set it to IPv4"),
        ("", "IPv6", None),
    ],
)
def test_pods_whose_addresses_are_of_another_family_are_named_with_the_field(address, family, to_set):
    found = diagnose_address(address, family)
    assert (found.advice.endswith(to_set) if found else None) == (True if to_set else None)
