"""Facts as they are of a healthy cluster, and how to change them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from elixircluster.doctor.checks import ALL
from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import Finding, examine
from elixircluster.doctor.probe import Probe

NOW = 1_800_000_000.0
PORT = 6789

Body = dict[str, Any]


def told(ordinal: int, count: int = 3) -> Body:
    """What a healthy node's pod tells."""
    peers = [number for number in range(count) if number != ordinal]
    return {
        "time": NOW * 1000,
        "state": ["S"],
        "flags": {"name": [node(ordinal)], "erl_epmd_port": ["6789"], "start_epmd": ["false"]},
        "repeated": [],
        "environment": {
            "RELEASE_NODE": node(ordinal),
            "RELEASE_NAME": "chat",
            "DNS_CLUSTER_QUERY": "chat-nodes.default.svc.cluster.local.",
        },
        "cookie": {"digest": "aa", "empty": False, "newline": False, "blanks": False, "mounted": "aa"},
        "listens": [4000, PORT],
        "libraries": ["libcluster-3.5.0"],
        "limits": {"memory": "1000", "most_memory": "100000", "cpu_stat": "nr_periods 0\nnr_throttled 0"},
        "dns": {
            "service": {"answers": [address(number) for number in range(count)]},
            "srv": {"answers": []},
            "hosts": {},
        },
        "peers": {f"chat-{number}": {"port": "open", "epmd": {"error": "econnrefused"}} for number in peers},
        "epmd": {"error": "econnrefused"},
        "tls": None,
        "node": {
            "cookie": "aa",
            "dials": {f"chat-{number}": True for number in peers},
            "said": {
                "name": node(ordinal),
                "boot": ["started", "started"],
                "starting": [],
                "visible": [node(number) for number in peers],
                "otp": "25",
                "schedulers": 1,
                "ports": 9,
                "most_ports": 65536,
                "started": ["libcluster"],
                "topologies": [topology()],
            },
        },
    }


def topology(**config: Any) -> Body:
    options = {"service": "chat-nodes.default.svc.cluster.local.", "application_name": "chat", **config}
    return {"name": "elixircluster", "strategy": "Elixir.Cluster.Strategy.Kubernetes.DNS", "config": options}


def certificate(**changes: Any) -> Body:
    return {
        "from": int(NOW) - 1000,
        "until": int(NOW) + 1000,
        "names": [],
        "subject": "BEAM node",
        "issuer": "chat BEAM cluster",
        "signed": True,
        "fits_key": True,
        "authorities": ["ca"],
        "signers": ["ca"],
        **changes,
    }


def address(ordinal: int) -> str:
    return f"10.0.0.{ordinal + 1}"


def node(ordinal: int) -> str:
    return f"chat@{address(ordinal)}"


def pod(ordinal: int, distribution: str = "inet_tcp/6789/no-epmd/address") -> Body:
    return {
        "metadata": {
            "name": f"chat-{ordinal}",
            "namespace": "default",
            "uid": f"uid-{ordinal}",
            "labels": {"elixircluster.dev/cluster": "chat", "app.kubernetes.io/component": "node"},
            "annotations": {"elixircluster.dev/distribution": distribution},
        },
        "spec": {
            "containers": [
                {
                    "name": "app",
                    "image": "chat",
                    "env": [{"name": "RELEASE_NODE", "value": "chat@$(POD_IP)"}],
                    "ports": [{"name": "dist", "containerPort": PORT}],
                }
            ]
        },
        "status": {
            "podIP": address(ordinal),
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "app", "state": {"running": {}}, "restartCount": 0}],
        },
    }


def condition(kind: str, status: str, reason: str, message: str = "") -> Body:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def healthy(count: int = 3) -> Facts:
    """Three nodes, and nothing wrong."""
    resource = {
        "metadata": {"name": "chat", "namespace": "default", "generation": 1},
        "spec": {"replicas": count},
        "status": {
            "observedGeneration": 1,
            "conditions": [condition("Stalled", "False", "NothingStalled"), condition("Clustered", "True", "FullMesh")],
        },
    }
    members = [Member(pod(number), Probe(told(number, count))) for number in range(count)]
    knocks = {address(number): "timeout" for number in range(count)}
    return Facts("chat", resource, members, slices=[{}], knocks=knocks, now=NOW)


def broken(change: Callable[[Body], object], *ordinals: int, facts: Facts | None = None) -> Facts:
    """What some nodes' pods tell is changed; of all where none is named."""
    facts = facts or healthy()
    members = []
    for number, member in enumerate(facts.members):
        probe = copy.deepcopy(member.probe)
        if probe and (number in ordinals or not ordinals):
            change(probe.told)
        members.append(replace(member, probe=probe))
    return replace(facts, members=members)


def failures(facts: Facts) -> list[str]:
    """The checks that fail."""
    return [finding.check for finding in examine(facts, ALL) if finding.verdict.state == "failed"]


def finding(facts: Facts, check: str) -> Finding:
    return next(item for item in examine(facts, ALL) if item.check == check)
