"""A machine that does not answer is the cause of all that is seen of its nodes; of what is on it nothing is said."""

from __future__ import annotations

import copy
from dataclasses import replace

from elixircluster.doctor.checks import ALL
from elixircluster.doctor.finding import examine

from .factory import address, condition, failures, finding, healthy, node

SINCE = "2026-01-01T12:03:07Z"
SENTENCE = "the machine worker2 does not answer (since 2026-01-01 12:03 UTC)"
CUT_OFF = "error: Internal error occurred: error sending request: dial tcp 10.9.0.3:10250: i/o timeout"


def placed(facts, **machines):
    """On which machine each pod is: by pod, or worker1."""
    members = []
    for member in facts.members:
        pod = copy.deepcopy(member.pod)
        pod["spec"]["nodeName"] = machines.get(member.name.replace("-", "_"), "worker1")
        members.append(replace(member, pod=pod))
    return replace(facts, members=members)


def five(*, told_by_kubernetes, terminating=False):
    """Five nodes, of which the last three are on a machine that is gone; what the operator says of it too."""
    facts = placed(healthy(5), chat_2="worker2", chat_3="worker2", chat_4="worker2")
    members = []
    for member in facts.members[:2]:
        told = copy.deepcopy(member.probe.told)
        told["node"]["said"]["visible"] = [node(1 - int(member.name[-1]))]
        gone = {"chat-2", "chat-3", "chat-4"}
        told["peers"] = {pod: {"port": "timeout" if pod in gone else "open"} for pod in told["peers"]}
        told["node"]["dials"] = {pod: pod not in gone for pod in told["node"]["dials"]}
        told["dns"]["service"] = {"answers": [address(0), address(1)]}
        if told_by_kubernetes:
            for pod in gone:
                del told["peers"][pod]
        members.append(replace(member, probe=replace(member.probe, told=told)))
    for member in facts.members[2:]:
        pod = copy.deepcopy(member.pod)
        if told_by_kubernetes:
            ready = {"type": "Ready", "status": "False", "lastTransitionTime": SINCE}
            pod["status"]["conditions"] = [{"type": "ContainersReady", "status": "True"}, ready]
        if terminating:
            pod["metadata"]["deletionTimestamp"] = SINCE
        members.append(replace(member, probe=None, pod=pod, unseen=SENTENCE if told_by_kubernetes else CUT_OFF))
    resource = copy.deepcopy(facts.resource)
    reason = "MachineLost" if told_by_kubernetes else "Unreachable"
    resource["status"]["conditions"] = [
        condition("Stalled", "True", "MachineLost", SENTENCE)
        if terminating
        else condition("Stalled", "False", "NothingStalled"),
        condition("Clustered", "False", reason, "chat-2, chat-3, chat-4: Timeout: no answer"),
    ]
    return replace(facts, members=members, resource=resource)


def test_a_lost_machine_is_the_one_cause():
    """Cilium was blamed, or a library that the release lacks."""
    for terminating in (False, True):
        facts = five(told_by_kubernetes=True, terminating=terminating)
        assert failures(facts) == ["machines"]
        verdict = finding(facts, "machines").verdict
        assert verdict.evidence == [f"chat-2, chat-3, chat-4: {SENTENCE}"]
        assert "kubectl taint node worker2 node.kubernetes.io/out-of-service=" in verdict.fix


def test_a_machine_that_nobody_reaches_is_named_before_kubernetes_knows():
    facts = five(told_by_kubernetes=False)
    assert failures(facts)[0] == "machines"
    verdict = finding(facts, "machines").verdict
    assert "chat-2, chat-3, chat-4, on the machine worker2: no other node reaches them" in verdict.evidence[0]
    assert CUT_OFF in verdict.evidence[0]
    assert verdict.fix.startswith(
        "Kubernetes notices within a minute whether it is the machine: kubectl get node worker2"
    )
    assert {"port", "mesh"}.isdisjoint(failures(facts))


def test_a_port_that_is_refused_shows_that_its_machine_lives():
    facts = five(told_by_kubernetes=False)
    for member in facts.members[:2]:
        member.probe.told["peers"]["chat-3"]["port"] = "econnrefused"
    assert "machines" not in failures(facts)


def test_a_pod_that_kubectl_looks_into_shows_that_its_machine_lives():
    """Then something between the machines is in the way."""
    facts = five(told_by_kubernetes=False)
    facts = replace(facts, members=[*facts.members[:4], replace(healthy(5).members[4], pod=facts.members[4].pod)])
    assert "machines" not in failures(facts)
    assert "port" in failures(facts)


def test_what_was_not_looked_into_is_not_ticked():
    """Restarts and ports of nodes on a dead machine were ticked, by what its kubelet had said last."""
    facts = five(told_by_kubernetes=True)
    for item in examine(facts, ALL):
        if item.verdict.state == "passed" and item.check not in {"resource", "policy"}:
            assert "(seen in 2 of 5 pods)" in item.verdict.said, item


def test_a_port_that_is_closed_because_the_machine_is_dead_keeps_no_stranger_out():
    facts = five(told_by_kubernetes=True)
    dead = {address(number): "timeout" for number in (2, 3, 4)}
    assert finding(replace(facts, knocks=dead), "stranger").verdict.state == "skipped"
    alone = replace(facts, members=facts.members[2:])
    assert finding(replace(alone, knocks=dead), "policy").verdict.state == "passed"
    assert finding(replace(facts, members=facts.members[:1]), "policy").verdict.state == "skipped"


def test_ways_that_were_not_tried_in_time_are_counted():
    facts = healthy()
    for member in facts.members[:2]:
        member.probe.told["peers"]["chat-2"] = {"error": "late"}
    assert finding(facts, "port").verdict.said == (
        "6789 is open between all pods that were looked into (4 of 6 ways were tried in time)"
    )


def test_nothing_is_said_of_pods_that_there_are_not():
    nobody = replace(healthy(), members=[], knocks={})
    for check in ("restarts", "policy", "machines", "ready"):
        assert finding(nobody, check).verdict.state == "skipped"
