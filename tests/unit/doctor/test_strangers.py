"""Strangers: who lets them in, and who is not to be blamed."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from elixircluster.doctor.stranger import AbsentError, Knocks, knock
from elixircluster.plugin.kubectl import Kubectl
from elixircluster.render.network_policy import gaps

from .factory import PORT, address, failures, finding, healthy, pod


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


def test_strangers_whom_the_resource_lets_in_by_their_address_are_not_blamed_on_anybody():
    facts = replace(guarded([{"ipBlock": {"cidr": "10.0.0.0/8"}}]), stranger="10.0.0.9")
    assert failures(facts) == []


def test_a_block_without_the_strangers_address_lets_nobody_in():
    facts = replace(guarded([{"ipBlock": {"cidr": "192.168.0.0/16"}}]), stranger="10.0.0.9")
    assert "network plugin" in finding(facts, "stranger").verdict.fix


def test_a_stranger_whose_address_is_not_known_is_judged_all_the_same():
    assert failures(guarded([{"ipBlock": {"cidr": "10.0.0.0/8"}}])) == ["stranger"]


def test_a_stranger_tells_from_where_it_knocked():
    told = {"wait": f"10.0.0.9\n{address(0)} open\n{address(1)} timeout\n"}
    found = knock(cast(Kubectl, Told(told)), pod(0), [address(0), address(1)], PORT)
    assert found == Knocks({address(0): "open", address(1): "timeout"}, "10.0.0.9")


def test_a_stranger_that_could_not_knock_says_why_and_not_where_it_was():
    with pytest.raises(AbsentError, match=r"^no Erlang is found in the image$"):
        knock(cast(Kubectl, Told({"wait": "10.0.0.9\nno Erlang is found in the image\n"})), pod(0), [address(0)], PORT)


class Told:
    """A kubectl that says this to its commands."""

    def __init__(self, answers):
        self.answers = answers

    def text(self, command, *_, **__):
        return self.answers.get(command, "")
