"""Facts that are spoiled: what a node tells where something is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from elixircluster.doctor.facts import Facts

from .factory import NOW, broken, certificate, condition, healthy, pod, topology


def alone(told):
    """Not connected, and not let in: what most causes look like from within."""
    told["node"]["said"]["visible"] = []
    told["node"]["dials"] = dict.fromkeys(told["node"]["dials"], False)


def another_cookie(told):
    alone(told)
    told["cookie"]["digest"] = told["node"]["cookie"] = "bb"


def unanswered(told):
    told["dns"]["service"] = {"error": "timeout"}


def shut(told):
    alone(told)
    for peer in told["peers"].values():
        peer["port"] = "etimedout"


def elsewhere(told):
    told["node"]["said"]["topologies"] = [topology(service="other-nodes")]


def refused(reason: str, message: str = "the message") -> Facts:
    facts = healthy()
    status = {"observedGeneration": 1, "conditions": [condition("Stalled", "True", reason, message)]}
    return replace(facts, resource={**facts.resource, "status": status})


def encrypted(change=lambda _told: None, *ordinals: int) -> Facts:
    def sealed(told):
        told["flags"] |= {"proto_dist": ["inet_tls"], "ssl_dist_optfile": ["/etc/elixircluster/inet_tls.config"]}
        told["tls"] = {
            "client": certificate(),
            "server": certificate(),
            "handshakes": dict.fromkeys(told["peers"], "ok"),
        }

    facts = healthy()
    facts = replace(
        facts,
        members=[
            replace(item, pod=pod(n, "inet_tls:chat-tls/6789/no-epmd/address")) for n, item in enumerate(facts.members)
        ],
        resource={**facts.resource, "spec": {"replicas": 3, "distribution": {"tls": {"mode": "SelfSigned"}}}},
    )
    return broken(change, *ordinals, facts=broken(sealed, facts=facts))


def started(facts, ago):
    for member in facts.members:
        since = datetime.fromtimestamp(NOW - ago, UTC).isoformat()
        member.container_status["state"]["running"]["startedAt"] = since
    return facts
