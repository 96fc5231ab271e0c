"""DNS and topologies: whether nodes can find each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from .factory import NOW, broken, failures, finding, healthy, node, pod, topology
from .faults import started, unanswered


def test_without_dns_nodes_that_are_named_by_host_are_told_so_at_once():
    def unanswered_hosts(told):
        unanswered(told)
        told["dns"]["hosts"] = {"chat-0.chat-nodes.default.svc.cluster.local": {"error": "late"}}

    facts = healthy()
    facts = replace(facts, resource={**facts.resource, "spec": {"discovery": {"strategy": "Static"}}})
    assert failures(broken(unanswered_hosts, facts=facts)) == ["dns"]


@pytest.mark.parametrize(("age", "causes"), [(5, []), (600, ["dns"])])
def test_a_pod_that_dns_does_not_list_is_missed_once_no_old_answer_can_be_the_reason(age, causes):
    def unlisted(told):
        told["dns"]["service"]["answers"] = ["10.0.0.1", "10.0.0.2"]

    facts = broken(unlisted)
    started = datetime.fromtimestamp(NOW - age, UTC).isoformat()
    facts.members[2].container_status["state"]["running"]["startedAt"] = started
    assert failures(facts) == causes


@pytest.mark.parametrize(
    "service", ["chat-nodes", "chat-nodes.default", "chat-nodes.default.svc.cluster.local", "chat-nodes.default.svc."]
)
def test_any_name_that_leads_to_the_service_will_do(service):
    def asks(told):
        told["node"]["said"]["topologies"] = [topology(service=service)]

    assert failures(broken(asks)) == []


@pytest.mark.parametrize(
    ("strategy", "config", "words"),
    [
        ("Kubernetes.DNS", {"application_name": "other"}, "names the nodes other@…, and they are chat@…"),
        ("DNSPoll", {"query": "x", "node_basename": "chat"}, "asks for x"),
        (
            "Kubernetes.DNSSRV",
            {"service": "chat-nodes", "application_name": "chat", "namespace": "prod"},
            "asks in namespace prod, not default",
        ),
        (
            "Kubernetes",
            {"kubernetes_selector": "app=x", "kubernetes_node_basename": "chat", "kubernetes_namespace": "default"},
            "selects app=x, which the pods are not labelled",
        ),
        ("Epmd", {"hosts": [node(0), node(1)]}, f"does not name {node(2)}"),
    ],
)
def test_a_topology_that_cannot_find_the_peers_is_told(strategy, config, words):
    def asks(told):
        options = {**topology()["config"], **config} if strategy == "Kubernetes.DNS" else config
        said = {"name": "mine", "strategy": f"Elixir.Cluster.Strategy.{strategy}", "config": options}
        told["node"]["said"]["topologies"] = [said]

    facts = broken(asks, 1)
    assert failures(facts) == ["discovery"]
    assert any(words in line for line in finding(facts, "discovery").verdict.evidence)


def test_a_query_of_dns_cluster_that_leads_elsewhere_is_told():
    def asks(told):
        told["environment"]["DNS_CLUSTER_QUERY"] = "other.default.svc.cluster.local"

    assert failures(broken(asks, 1)) == ["discovery"]


def test_without_dns_a_node_that_is_named_by_its_host_is_not_said_to_have_another_cookie():
    def unresolved(told):
        told["dns"]["service"] = {"error": "timeout"}
        told["dns"]["hosts"] = {"chat-0.chat-nodes": {"error": "timeout"}}
        told["node"] = {"error": "refused"}

    for strategy in ("DNS", "None"):
        facts = broken(unresolved)
        members = [replace(item, pod=by_host(n)) for n, item in enumerate(facts.members)]
        spec = {"discovery": {"strategy": strategy}}
        facts = replace(facts, members=members, resource={**facts.resource, "spec": spec})
        for ordinal, member in enumerate(facts.members):
            member.probe.told["flags"]["name"] = [f"chat@chat-{ordinal}.chat-nodes"]
        assert failures(facts) == ["dns"], strategy


def by_host(ordinal):
    made = pod(ordinal, "inet_tcp/6789/no-epmd/host")
    made["spec"]["containers"][0]["env"][0]["value"] = "chat@$(POD_NAME).chat-nodes"
    return made


def test_a_young_cluster_is_not_said_to_be_listed_before_it_is():
    def unlisted(told):
        told["dns"]["service"] = {"error": "nxdomain"}

    facts = started(broken(unlisted), 5)
    verdict = finding(facts, "dns").verdict
    assert verdict.state == "skipped"
    assert "less than a minute" in verdict.said
    assert finding(started(healthy(), 5), "dns").verdict.said.endswith("lists all 3 pods")


def test_pods_in_the_hosts_network_have_the_dns_policy_that_they_need():
    def late(told):
        told["dns"]["service"] = {"error": "timeout"}

    facts = broken(late)
    for member in facts.members:
        member.pod["spec"]["dnsPolicy"] = "ClusterFirstWithHostNet"
    assert "spec.podTemplate" not in finding(facts, "dns").verdict.fix
    facts.members[1].pod["spec"]["dnsPolicy"] = "Default"
    assert "spec.podTemplate" in finding(facts, "dns").verdict.fix
