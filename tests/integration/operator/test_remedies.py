"""What a pod's diagnosis advises is done to a pod that has the fault, and the resource becomes ready."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.integration.operator.user import START, User, shell

ARGUMENTS = "{{ cat releases/*/vm.args; echo '{}'; }} > /tmp/vm.args; RELEASE_VM_ARGS=/tmp/vm.args exec bin/chat start"
UNTIL_IT_SERVES = "until grep -q ':0FA0 .* 0A ' /proc/net/tcp; do sleep 1; done"
WITHOUT_SSL = (
    "cp -r /app /tmp/app; rm /tmp/app/lib/ssl-*/ebin/inet_tls_dist.beam; cd /tmp/app; RELEASE_MODE=interactive "
)
# The head of a program for ARM.
ELF = r"\177ELF\002\001\001" + r"\000" * 9 + r"\002\000\267\000" + r"\000" * 44
FOREIGN = f"printf '{ELF}' > /tmp/erlexec; chmod +x /tmp/erlexec; exec /bin/bash -c /tmp/erlexec"
# As tzdata does that finds a newer release of the time zones.
UPDATES = (
    'bin/chat eval \'unless match?({:ok, [[~c"autoupdate", ~c"disabled"] | _]}, :init.get_argument(:tzdata)), '
    'do: File.write!("/app/lib/tzdata-1.1.2/priv/latest_remote_poll.txt", "x")\' && exec bin/chat start'
)


TZDATA = {
    "volumes": [{"name": "tzdata", "configMap": {"name": "tzdata-config"}}],
    "volumeMounts": [{"name": "tzdata", "mountPath": "/app/lib/tzdata-1.1.2/priv", "readOnly": True}],
}


class Row(NamedTuple):
    """A mistake, what is said of it, and what a person does who does as the message says."""

    mistake: dict[str, Any]
    reason: str
    words: str
    remedy: dict[str, Any]


MEND = shell(START)
SRV = {"volumes": [{"name": "srv", "emptyDir": {}}], "volumeMounts": [{"name": "srv", "mountPath": "/srv"}]}
TLS = {"distribution": {"tls": {"mode": "SelfSigned"}}}
ROWS = {
    "short": Row(shell(f"export RELEASE_DISTRIBUTION=sname; {START}"), "NodeNameOverridden", "DISTRIBUTION", MEND),
    "named": Row(shell(f"export RELEASE_NODE=chat@nodots; {START}"), "NodeNameOverridden", "RELEASE_NODE", MEND),
    "half-named": Row(shell(f"export RELEASE_NODE=chat@; {START}"), "NodeNameOverridden", "RELEASE_NODE", MEND),
    "two-names": Row(shell(ARGUMENTS.format("-sname me")), "NodeNameOverridden", "vm.args", MEND),
    "two-nodes": Row(shell(f"bin/chat start & {UNTIL_IT_SERVES}; {START}"), "PortInUse", "same container", MEND),
    "two-in-epmd": Row(
        {
            **shell(f"(unset ERL_AFLAGS ERL_FLAGS; bin/chat start) & {UNTIL_IT_SERVES}; {START}"),
            "distribution": {"epmd": "Enabled"},
        },
        "NodeNameInUse",
        "start one only",
        MEND,
    ),
    "no-ssl": Row(
        {**shell(f"{WITHOUT_SSL} {START}"), **TLS},
        "TlsNotInRelease",
        "spec.distribution.tls.mode to Disabled",
        {"distribution": {"tls": {"mode": "Disabled"}}},
    ),
    "no-ssl-mended": Row({**shell(f"{WITHOUT_SSL} {START}"), **TLS}, "TlsNotInRelease", ":ssl", MEND),
    "family": Row(
        {"distribution": {"ipFamily": "IPv6"}},
        "WrongAddressFamily",
        "set it to IPv4",
        {"distribution": {"ipFamily": "IPv4"}},
    ),
    "tzdata": Row(
        {**shell(UPDATES), **TZDATA},
        "ReadOnlyFileSystem",
        "Add -tzdata, autoupdate and disabled to spec.vm.args",
        {"vm": {"args": ["-tzdata", "autoupdate", "disabled"]}},
    ),
    "processor": Row(shell(FOREIGN), "WrongArchitecture", "build it for that one", MEND),
    "writes": Row(
        shell(f'bin/chat eval \'File.write!("/srv/x", "x")\' && {START}'), "ReadOnlyFileSystem", "An emptyDir", SRV
    ),
}


@pytest.fixture(scope="module")
def user(cluster, shared, images, operator):
    """Who has made every mistake, each in a resource of its own."""
    found = User(cluster, shared, images["chat"])
    found.apply(*(found.manifest(name, **row.mistake) for name, row in ROWS.items()))
    return found


@pytest.mark.parametrize(("name", "row"), ROWS.items(), ids=ROWS)
def test_who_does_as_the_message_says_is_ready(user, name, row):
    told = user.namespace.until(name, "Stalled", seconds=180, reason=row.reason)
    assert row.words in told["message"]
    user.namespace.change(name, **row.remedy)
    user.namespace.until(name, seconds=180)
    user.namespace.until(name, "Stalled", "False")
    # Room for the others.
    user.namespace.change(name, replicas=0)
