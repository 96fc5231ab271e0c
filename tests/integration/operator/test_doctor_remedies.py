"""What the doctor advises is done to nodes that have the fault, and then it finds nothing."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.integration.operator.client import Body, eventually
from tests.integration.operator.user import NO_DRAIN, START, User, shell

ON_THE_SECOND = "case $HOSTNAME in *-1) {};; esac; " + START
MEND = shell(START)


class Row(NamedTuple):
    """What keeps nodes apart, what the doctor says to do about it, and how that is done."""

    mistake: dict[str, Any]
    words: str
    remedy: dict[str, Any]


def env(**variables: str) -> Body:
    return {"env": [*NO_DRAIN, *({"name": name, "value": value} for name, value in variables.items())]}


ROWS = {
    "cookie": Row(
        shell(ON_THE_SECOND.format("export RELEASE_COOKIE=Another_cookie_of_the_second_node")), "RELEASE_COOKIE", MEND
    ),
    "flags": Row(
        {"envFrom": [{"configMapRef": {"name": "flags"}}]}, "remove it from spec.env, spec.envFrom", {"envFrom": None}
    ),
    "epmd": Row(shell(ON_THE_SECOND.format("unset ERL_AFLAGS")), "drops ERL_AFLAGS (spec.release.command", MEND),
    "name": Row(
        shell(ON_THE_SECOND.format('export RELEASE_NODE="other@$POD_IP"')), "let the operator name the node", MEND
    ),
    "hidden": Row(env(ERL_ZFLAGS="-hidden"), "remove it from spec.env, spec.vm.args", env()),
    "query": Row(env(DNS_CLUSTER_QUERY="other-nodes"), "DNS_CLUSTER_QUERY comes from spec.env", env()),
}


@pytest.fixture(scope="module")
def user(cluster, shared, images, operator):
    """Whose clusters are apart, each for a reason of its own."""
    found = User(cluster, shared, images["chat"])
    shared.create("ConfigMap", "flags", {"data": {"ERL_ZFLAGS": "-erl_epmd_port 6789"}})
    return found


@pytest.mark.parametrize(("name", "row"), ROWS.items(), ids=ROWS)
def test_who_does_as_the_doctor_says_has_a_mesh(user, name, row):
    # From OTP 27 on a node with two ports for distribution does not even start, and Kubernetes waits longer each time:
    # what is looked into later is mostly not there.
    user.apply(user.manifest(name, replicas=2, **row.mistake))
    eventually(lambda: row.words in user.doctor(name).stdout, 240, every=2)
    assert user.doctor(name).returncode == 1
    user.namespace.change(name, **row.remedy)
    user.namespace.until(name, seconds=180)
    user.namespace.until(name, "Clustered", seconds=60, reason="FullMesh")
    eventually(lambda: user.doctor(name).returncode == 0, 60, every=2)
    # Room for the others.
    user.namespace.change(name, replicas=0)
