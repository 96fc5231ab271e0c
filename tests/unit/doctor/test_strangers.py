"""Strangers: who lets them in, and who is not to be blamed."""

from __future__ import annotations

from dataclasses import replace

from elixircluster.render.network_policy import gaps

from .factory import PORT, address, failures, finding, healthy


def guarded(distribution_from=(), *, policies=(), owned=True):
    """A cluster into which the doctor's own pod got, and the operator's policy."""
    peers = [{"podSelector": {"matchLabels": {"elixircluster.dev/cluster": "chat"}}}, *distribution_from]
    metadata = {"name": "chat", "ownerReferences": [{"kind": "ElixirCluster", "name": "chat"}]}
    spec = {
        "podSelector": {"matchLabels": {"elixircluster.dev/cluster": "chat"}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": peers, "ports": [{"protocol": "TCP", "port": PORT}]}, {"ports": list(gaps([PORT]))}],
    }
    facts = healthy()
    settings = {"replicas": 3, "networkPolicy": {"distributionFrom": list(distribution_from)}}
    return replace(
        facts,
        knocks={address(0): "open"},
        policies=[*([{"metadata": metadata, "spec": spec}] if owned else []), *policies],
        resource={**facts.resource, "spec": settings},
    )


def test_strangers_whom_the_resource_itself_lets_in_are_not_blamed_on_the_network_plugin():
    facts = guarded([{"podSelector": {}}])
    assert failures(facts) == []
    assert "spec.networkPolicy.distributionFrom" in finding(facts, "stranger").verdict.said


def test_a_policy_that_lets_strangers_in_is_named():
    wide = {"metadata": {"name": "allow-all"}, "spec": {"podSelector": {}, "ingress": [{}], "policyTypes": ["Ingress"]}}
    verdict = finding(guarded(policies=[wide]), "stranger").verdict
    assert verdict.state == "failed"
    assert "let in by allow-all" in verdict.evidence
    assert "network plugin" not in verdict.fix


def test_without_the_operators_policy_the_network_plugin_is_not_blamed():
    assert "no NetworkPolicy selects it" in finding(guarded(owned=False), "stranger").verdict.evidence


def test_a_network_plugin_that_does_not_enforce_is_blamed_where_every_policy_closes():
    assert "network plugin" in finding(guarded(), "stranger").verdict.fix


def test_where_policies_cannot_be_listed_nobody_is_blamed_for_sure():
    facts = replace(guarded(owned=False), unseen={"policies": "forbidden"})
    assert "network plugin" not in finding(facts, "stranger").verdict.fix
