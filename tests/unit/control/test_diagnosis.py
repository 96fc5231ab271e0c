"""Known mistakes, by the last lines that a node logged."""

from __future__ import annotations

import pytest

from elixircluster.control.diagnosis import diagnose, diagnose_address
from elixircluster.control.rollout import next_step, strangers
from tests.unit.factory import pod, workload

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
    "two names": ("need to have exactly one of either -name or -sname parameters but none found", "NodeNameOverridden"),
    "another processor": ("exec /app/bin/chat: exec format error", "WrongArchitecture"),
    "a write outside of /tmp": ("sh: can't create /app/tmp/x: Read-only file system", "ReadOnlyFileSystem"),
}


def died(message: str) -> dict[str, object]:
    return {"containerStatuses": [{"name": "app", "lastState": {"terminated": {"exitCode": 1, "message": message}}}]}


@pytest.mark.parametrize(("message", "reason"), LAST_WORDS.values(), ids=LAST_WORDS)
def test_a_known_mistake_is_named_with_its_remedy(message, reason):
    found = diagnose(died(message))
    assert found is not None
    assert found.reason == reason
    assert len(found.advice) > 40


def test_other_last_words_are_not_guessed_at():
    assert diagnose(died("** (RuntimeError) could not connect to the database")) is None
    assert diagnose({}) is None


def test_nodes_that_new_ones_cannot_talk_to_all_go_first():
    old = [pod(ordinal) for ordinal in range(3)]
    step = next_step("Rolling", 3, workload(), old, unlike=old)
    assert step.reason == "Recreating"
    assert step.replicas == 0
    assert step.replace == ()


def test_a_pod_that_does_not_say_how_it_is_reached_is_no_stranger():
    assert strangers([pod(0)], "inet_tcp/6789/no-epmd/address") == []


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
