"""From three nodes to seven and back: who comes is found at once, and nobody else notices."""

from __future__ import annotations

import datetime as dt
import json
import time
from http.client import HTTPException

import pytest

from tests import cluster as clusters
from tests.cluster import KubectlError
from tests.e2e.user import Namespace, together

from .cells import elixircluster
from .conftest import CAMPAIGN, DNS_TTL
from .lab import Nodes

FEW, MANY = 3, 7
CASES = [("DNS", 5), ("Static", 5)]
if CAMPAIGN:
    CASES = [("DNS", 5), ("DNSSRV", 5), ("API", 5), ("Static", 5), ("DNS", 30), ("DNSSRV", 30)]
# On a machine that does something else as well; the times themselves are printed.
LONGEST_SECONDS = 60


@pytest.fixture
def dns_ttl(kubernetes, request):
    """CoreDNS with answers that are good for so long."""
    clusters.up(kubernetes.name, dns_ttl=request.param)
    yield request.param
    if request.param != DNS_TTL:
        clusters.up(kubernetes.name, dns_ttl=DNS_TTL)


@pytest.mark.parametrize(("strategy", "dns_ttl"), CASES, indirect=["dns_ttl"])
def test_newcomers_are_found_leavers_are_forgotten_and_nothing_else_happens(strategy, dns_ttl, namespace):
    nodes = Nodes(namespace, "scaled")
    discovery = {"strategy": strategy}
    tls = {"tls": {"mode": "SelfSigned"}}
    namespace.apply(elixircluster("scaled", "chat", replicas=FEW, discovery=discovery, distribution=tls))
    namespace.wait_until_ready("scaled", 300)
    assert nodes.connected(FEW)
    lives, certificate = namespace.lives("scaled"), certificate_of(namespace)

    namespace.patch("scaled", replicas=MANY)
    times = seconds_until_found(nodes, MANY)
    print(f"\n{strategy}, DNS TTL {dns_ttl}: newcomers saw all others {times} s after their start")
    assert len(times) == MANY - FEW
    assert max(times) < LONGEST_SECONDS
    assert {pod: life for pod, life in namespace.lives("scaled").items() if pod in lives} == lives

    namespace.patch("scaled", replicas=FEW)
    times = seconds_until_forgotten(nodes, FEW, MANY)
    print(f"{strategy}, DNS TTL {dns_ttl}: leavers were in nobody's list {times} s after they answered the last time")
    assert len(times) == MANY - FEW
    assert max(times) < LONGEST_SECONDS
    assert nodes.connected(FEW, 120), nodes.views()
    assert namespace.lives("scaled") == lives
    assert certificate_of(namespace) == certificate


def certificate_of(namespace: Namespace) -> str:
    return json.dumps([namespace.get("secret", f"scaled-{name}")["data"] for name in ("tls", "ca")])


def seconds_until_forgotten(nodes: Nodes, few: int, many: int) -> list[float]:
    """How long after its last answer each leaver was in no list of those that stay."""
    leavers = {node_in(nodes, ordinal): f"{nodes.name}-{ordinal}" for ordinal in range(few, many)}
    staying = [f"{nodes.name}-{ordinal}" for ordinal in range(few)]
    last_answer = dict.fromkeys(leavers, time.monotonic())
    forgotten: dict[str, float] = {}
    deadline = time.monotonic() + 2 * LONGEST_SECONDS
    while len(forgotten) < len(leavers) and time.monotonic() < deadline:
        views = together(*(lambda pod=pod: listed(nodes, pod) for pod in [*staying, *leavers.values()]))
        seen = set().union(*views[: len(staying)])
        for name, view in zip(leavers, views[len(staying) :], strict=True):
            if view:
                last_answer[name] = time.monotonic()
            elif name not in seen:
                forgotten.setdefault(name, time.monotonic())
        time.sleep(0.2)
    return sorted(round(max(0.0, at - last_answer[name]), 1) for name, at in forgotten.items())


def node_in(nodes: Nodes, ordinal: int) -> str:
    """The name of the node of that ordinal."""
    return str(json.loads(nodes.get(f"{nodes.name}-{ordinal}", "nodes"))[0])


def listed(nodes: Nodes, pod: str) -> set[str]:
    """Whom a node lists; nobody where it does not answer."""
    try:
        return set(json.loads(nodes.get(pod, "nodes", seconds=1)))
    except (OSError, HTTPException, json.JSONDecodeError):
        return set()


def seconds_until_found(nodes: Nodes, count: int) -> list[float]:
    """How long after its start each newcomer saw all others; the kubelet rounds starts down to seconds."""
    found: dict[str, float] = {}
    deadline = time.monotonic() + 2 * LONGEST_SECONDS
    newcomers = [f"{nodes.name}-{ordinal}" for ordinal in range(FEW, count)]
    while len(found) < len(newcomers) and time.monotonic() < deadline:
        waiting = [pod for pod in newcomers if pod not in found]
        views = together(*(lambda pod=pod: listed(nodes, pod) for pod in waiting))
        found |= {pod: time.time() for pod, view in zip(waiting, views, strict=True) if len(view) == count}
        time.sleep(0.2)
    times = []
    for pod, at in sorted(found.items()):
        try:
            state = nodes.namespace.get("pod", pod)["status"]["containerStatuses"][0]["state"]["running"]
        except KubectlError:
            continue
        times.append(round(at - dt.datetime.fromisoformat(state["startedAt"]).timestamp(), 1))
    return times
