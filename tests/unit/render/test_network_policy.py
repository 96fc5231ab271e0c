"""Who may reach the distribution port, and that no other port is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from elixircluster.render.network_policy import LAST_PORT, OPERATOR, gaps
from elixircluster.render.objects import render
from elixircluster.render.templates import Templates
from tests.unit.factory import children, cluster

GAPS = {
    "one port": ([6789], [(1, 6788), (6790, LAST_PORT)]),
    "epmd's too": ([4369, 6789], [(1, 4368), (4370, 6788), (6790, LAST_PORT)]),
    "neighbours": ([4369, 4370], [(1, 4368), (4371, LAST_PORT)]),
    "the first": ([1], [(2, LAST_PORT)]),
    "the last": ([LAST_PORT], [(1, LAST_PORT - 1)]),
}


@pytest.mark.parametrize(("ports", "ranges"), GAPS.values(), ids=GAPS)
def test_every_other_port_stays_open(ports, ranges):
    assert [(gap["port"], gap["endPort"]) for gap in gaps(ports)] == ranges


def test_members_and_whom_the_user_names_reach_the_distribution():
    peer = {"podSelector": {"matchLabels": {"app": "observer"}}}
    policy = children(cluster(networkPolicy={"distributionFrom": [peer]}))["NetworkPolicy"]["spec"]
    guarded = policy["ingress"][0]
    assert {"podSelector": policy["podSelector"]} in guarded["from"]
    assert peer in guarded["from"]
    assert guarded["ports"] == [{"protocol": "TCP", "port": 6789}]


# `lease.namespace` and `nameOverride` of the chart locked the operator out.
def test_the_operator_is_let_in_from_where_it_runs_by_a_label_that_no_release_changes():
    objects = render(cluster(), Templates(operator_namespace="beams"), "u")
    (policy,) = (item["spec"] for item in objects if item["kind"] == "NetworkPolicy")
    assert {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "beams"}},
        "podSelector": {"matchLabels": {"elixircluster.dev/operator": "true"}},
    } in policy["ingress"][0]["from"]


def test_the_chart_gives_the_operators_pods_that_label():
    manifest = Path(__file__).parents[3] / "deploy/elixircluster.yaml"
    (operator,) = (item for item in yaml.safe_load_all(manifest.read_text()) if item["kind"] == "Deployment")
    assert operator["spec"]["template"]["metadata"]["labels"].items() >= OPERATOR.items()


def test_with_epmd_its_port_is_guarded_too():
    policy = children(cluster(distribution={"epmd": "Enabled"}))["NetworkPolicy"]["spec"]
    assert [port["port"] for port in policy["ingress"][0]["ports"]] == [4369, 6789]


def test_there_is_no_policy_where_the_user_wants_none():
    assert "NetworkPolicy" not in children(cluster(networkPolicy={"mode": "Disabled"}))
