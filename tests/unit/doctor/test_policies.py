"""Which policies close a way: as Kubernetes' documentation says it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from elixircluster.doctor.policies import Pod, closed_by, matches

from .factory import PORT, broken, failures, healthy
from .faults import shut, unanswered

HERE = {"kubernetes.io/metadata.name": "default"}
ONE = Pod("one", "10.0.0.1", {"app": "one"}, HERE, {"dist": 6789})
TWO = Pod("two", "10.0.0.2", {"app": "two"}, HERE, {"dist": 6789})


def policy(name, selector, **spec):
    return {"metadata": {"name": name}, "spec": {"podSelector": selector, **spec}}


def test_what_no_policy_selects_is_open():
    assert closed_by([], ONE, TWO, 6789) == []
    other = policy("other", {"matchLabels": {"app": "three"}}, policyTypes=["Ingress", "Egress"])
    assert closed_by([other], ONE, TWO, 6789) == []


@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
def test_a_policy_that_lets_nothing_through_closes_its_direction(direction):
    assert closed_by([policy("none", {}, policyTypes=[direction])], ONE, TWO, 6789) == ["none"]


def test_without_types_a_policy_is_about_ingress_and_about_egress_where_it_has_rules_for_it():
    assert closed_by([policy("in", {"matchLabels": {"app": "two"}})], ONE, TWO, 6789) == ["in"]
    assert closed_by([policy("in", {"matchLabels": {"app": "one"}})], ONE, TWO, 6789) == []
    out = policy("out", {"matchLabels": {"app": "one"}}, egress=[{"ports": [{"port": 53}]}])
    assert closed_by([out], ONE, TWO, 6789) == ["out"]


def test_one_policy_that_lets_through_is_enough():
    closed, opened = policy("closed", {}), policy("opened", {}, ingress=[{"from": [{"podSelector": {}}]}])
    assert closed_by([closed, opened], ONE, TWO, 6789) == []


PEERS = [
    ({"podSelector": {"matchLabels": {"app": "one"}}}, True),
    ({"podSelector": {"matchLabels": {"app": "x"}}}, False),
    ({"namespaceSelector": {"matchLabels": HERE}}, True),
    ({"namespaceSelector": {"matchLabels": {"team": "x"}}, "podSelector": {}}, False),
    ({"ipBlock": {"cidr": "10.0.0.0/24"}}, True),
    ({"ipBlock": {"cidr": "10.0.0.0/24", "except": ["10.0.0.1/32"]}}, False),
]


@pytest.mark.parametrize(("peer", "is_open"), PEERS)
def test_a_peer_is_named_by_labels_namespace_or_address(peer, is_open):
    rule = policy("rule", {}, ingress=[{"from": [peer]}])
    assert (closed_by([rule], ONE, TWO, 6789) == []) is is_open


PORTS = [
    ({"port": 6789}, True),
    ({"port": 6000, "endPort": 7000}, True),
    ({"port": "dist"}, True),
    ({"port": "web"}, False),
    ({"port": 6789, "protocol": "UDP"}, False),
    ({"port": 53}, False),
    ({}, True),
]


@pytest.mark.parametrize(("port", "is_open"), PORTS)
def test_a_port_is_named_by_number_range_or_name(port, is_open):
    rule = policy("rule", {}, ingress=[{"ports": [port]}])
    assert (closed_by([rule], ONE, TWO, 6789) == []) is is_open


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ({"key": "app", "operator": "In", "values": ["one"]}, True),
        ({"key": "app", "operator": "NotIn", "values": ["one"]}, False),
        ({"key": "app", "operator": "Exists"}, True),
        ({"key": "app", "operator": "DoesNotExist"}, False),
    ],
)
def test_labels_are_matched_by_expressions_too(expression, selected):
    assert matches({"matchExpressions": [expression]}, {"app": "one"}) is selected


def lockdown(*ports: dict[str, object]) -> dict[str, object]:
    selected = {"matchLabels": {"elixircluster.dev/cluster": "chat"}}
    spec = {"podSelector": selected, "policyTypes": ["Egress"], "egress": [{"ports": list(ports)}] if ports else []}
    return {"metadata": {"name": "lockdown"}, "spec": spec}


def test_a_policy_that_closes_the_port_is_named_in_place_of_the_port():
    facts = replace(broken(shut), policies=[lockdown({"protocol": "UDP", "port": 53})])
    assert failures(facts) == ["policy"]


def test_a_policy_that_keeps_dns_out_is_named_in_place_of_dns():
    facts = replace(broken(unanswered), policies=[lockdown({"protocol": "TCP", "port": PORT})])
    assert failures(facts) == ["policy"]


def test_a_policy_that_nobody_enforces_is_no_cause():
    assert failures(replace(healthy(), policies=[lockdown()])) == []
