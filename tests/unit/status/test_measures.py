"""What is measured of nodes, and which alerts that raises."""

from __future__ import annotations

import operator
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY

from elixircluster.api.resource import Key
from elixircluster.mesh.failure import Failed, Failure, Step
from elixircluster.mesh.member import Answer
from elixircluster.mesh.view import view
from elixircluster.meshes import measures as of_meshes
from elixircluster.meshes.members import Membership
from elixircluster.status import measures
from tests.unit.factory import NOW, cluster, pod

KEY = Key("default", "measured")
RULES = yaml.safe_load((Path(__file__).parents[3] / "deploy" / "monitoring" / "alerts.yaml").read_text())["groups"]
ALERTS = {rule["alert"]: rule["expr"] for rule in RULES[0]["rules"]}
COMPARISONS = {"<": operator.lt, ">": operator.gt, "==": operator.eq}
NO_ANSWER = Failed(Failure.TIMEOUT, "no answer", Step.CONNECT)


def value(expression):
    """Of a selector, or a number."""
    if isinstance(expression, promql_parser.NumberLiteral):
        return expression.val
    return REGISTRY.get_sample_value(expression.name, {"namespace": KEY.namespace, "name": KEY.name})


def fires(expression):
    """Whether an alert that compares two gauges, or one with a number, does."""
    sides = value(expression.lhs), value(expression.rhs)
    return None not in sides and COMPARISONS[str(expression.op)](*sides)


@pytest.fixture
def alerts():
    """Those that fire for pods of which these are lost, and what the others answer."""

    def judge(lost, *, terminating=False, probed=True):
        resource = cluster(replicas=5)
        pods = [
            pod(
                number,
                machine=f"worker{number}",
                lost=NOW if number in lost else "",
                terminating=terminating and number in lost,
            )
            for number in range(5)
        ]
        measures.measure(KEY, 5, pods)
        members = Membership.of(resource, pods).members
        up = {member.node for member in members if not member.lost}
        said = {
            member.node: Answer(frozenset(up - {member.node}), uptime_seconds=3600.0)
            if member.node in up
            else NO_ANSWER
            for member in members
        }
        if probed:
            of_meshes.measure(KEY, view(members, said, 5))
        simple = {
            name: promql_parser.parse(text) for name, text in ALERTS.items() if text.count(" ") == 2 and "(" not in text
        }
        return {name for name, expression in simple.items() if fires(expression)}

    yield judge
    measures.forget(KEY)
    of_meshes.forget(KEY)


GONE = {"ElixirClusterMachineLost", "ElixirClusterNodesNotReady"}


def test_all_is_well(alerts):
    assert alerts(()) == set()


@pytest.mark.parametrize("terminating", [False, True])
def test_three_of_five_that_are_gone_raise_alerts(alerts, terminating):
    """Links were expected between those only that were left, so that no alert came."""
    assert alerts((2, 3, 4), terminating=terminating) == {*GONE, "ElixirClusterLinksMissing"}


def test_so_they_do_where_no_node_is_asked(alerts):
    assert alerts((2, 3, 4), probed=False) == GONE


def test_of_a_resource_that_is_gone_nothing_is_measured(alerts):
    alerts((2,))
    measures.forget(KEY)
    of_meshes.forget(KEY)
    assert REGISTRY.get_sample_value("elixircluster_nodes_lost", {"namespace": KEY.namespace, "name": KEY.name}) is None
