"""Whatever the operator says of the mesh is explained: nothing is well while it says otherwise."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace

import pytest

from elixircluster.doctor.checks import ALL
from elixircluster.doctor.checks.mesh import REASONS
from elixircluster.doctor.facts import Facts
from elixircluster.doctor.finding import examine
from elixircluster.doctor.report import exit_status
from elixircluster.mesh import verdict
from elixircluster.mesh.failure import Failure

from .factory import broken, condition, failures, finding, healthy


def reasons() -> set[str]:
    """The reasons of every verdict that says no, read from where they are made."""
    tree = ast.parse(inspect.getsource(verdict))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    said = [
        call.args[1]
        for call in calls
        if call.func.id == "Verdict" and isinstance(call.args[0], ast.Constant) and call.args[0].value is False
    ]
    return {item.value for item in said if isinstance(item, ast.Constant)} | set(verdict.NOT_AS_TOLD.values())


def told(status: str, reason: str, message: str, facts: Facts | None = None) -> Facts:
    facts = facts or healthy()
    conditions = [condition("Stalled", "False", "NothingStalled"), condition("Clustered", status, reason, message)]
    status_of = {"observedGeneration": 1, "conditions": conditions}
    return replace(facts, resource={**facts.resource, "status": status_of})


def test_the_reasons_are_found():
    assert {"Partitioned", "PartialMesh", "NodeFrozen", "Unreachable", "Forming"} <= reasons()


@pytest.mark.parametrize("looked_into", [True, False], ids=["looked into", "forbidden"])
@pytest.mark.parametrize("reason", sorted(reasons()))
def test_every_reason_for_which_the_mesh_is_not_whole_is_a_cause_with_a_remedy(reason, looked_into):
    facts = told("False", reason, "chat-1: Timeout: no answer")
    if not looked_into:
        members = [replace(member, probe=None, unseen="pods/exec is forbidden") for member in facts.members]
        facts = replace(facts, members=members)
    findings = examine(facts, ALL)
    named = [item for item in findings if item.verdict.state == "failed"]
    assert len(named) == 1
    assert named[0].verdict.fix
    assert named[0].verdict.evidence
    assert exit_status(facts, findings) == 1


def test_every_reason_has_words_of_its_own():
    assert reasons() <= REASONS.keys()


def test_a_reason_that_is_not_known_here_yet_is_told_all_the_same():
    assert failures(told("False", "Quarrelling", "chat-0 and chat-1")) == ["mesh"]


@pytest.mark.parametrize("failure", list(Failure))
def test_a_node_that_the_operator_does_not_reach_has_a_remedy_by_how_it_failed(failure):
    verdict = finding(told("False", "Unreachable", f"chat-1: {failure}: the words"), "mesh").verdict
    assert verdict.state == "failed"
    assert "chat-1" in verdict.fix or "6789" in verdict.fix or "spec.distribution.tls" in verdict.fix


def test_an_operator_that_can_ask_nobody_is_told_though_the_nodes_see_each_other():
    assert failures(told("Unknown", "Unknown", "no node can be asked; chat-0: Timeout: no answer")) == ["mesh"]


@pytest.mark.parametrize("reason", ["ProbeDisabled", "Unknown"])
def test_an_operator_that_does_not_look_is_no_cause(reason):
    assert failures(told("Unknown", reason, "no node was asked yet")) == []


def test_a_node_whose_schedulers_are_blocked_is_frozen_though_its_threads_run():
    def blocked(seen):
        seen["state"] = ["R", "S"]
        seen["node"] = {"error": "late"}

    facts = told("False", "NodeFrozen", "chat-1: takes connections, and no answer to a call", broken(blocked, 1))
    assert failures(facts) == ["frozen"]
    verdict = finding(facts, "frozen").verdict
    assert "chat-1" in verdict.evidence[0]
    assert "kubectl -n default delete pod chat-1" in verdict.fix


def test_links_over_which_nobody_hears_the_other_are_no_matter_of_a_library():
    verdict = finding(
        told("False", "PartialMesh", "connected, but do not hear each other: chat-0 and chat-1"), "mesh"
    ).verdict
    assert "firewall" in verdict.fix
    assert "libcluster" not in verdict.fix


def test_nodes_that_have_just_started_are_not_well_yet():
    verdict = finding(told("False", "Forming", "waiting for chat-2"), "mesh").verdict
    assert "wait" in verdict.fix


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda seen: seen.update(hidden=True), "chat-1 is started with -hidden"),
        (lambda seen: seen["node"]["said"].update(kernel={"connect_all": "false"}), "chat-1 has connect_all false"),
        (
            lambda seen: seen["node"]["said"].update(kernel={"dist_auto_connect": "once"}),
            "chat-1 has dist_auto_connect once",
        ),
    ],
)
def test_a_node_that_is_told_to_keep_away_is_named_where_links_are_missing(change, words):
    def away(seen):
        seen["node"]["said"]["visible"] = []
        change(seen)

    assert failures(broken(change, 1)) == []
    facts = broken(away, 1)
    assert failures(facts) == ["apart"]
    assert words in finding(facts, "apart").verdict.evidence
    spec = {**facts.spec, "mesh": {"topology": "Partial"}}
    assert failures(replace(facts, resource={**facts.resource, "spec": spec})) == []


def test_a_node_that_its_processor_limit_holds_back_hides_no_missing_link():
    def slow(seen):
        seen["node"]["said"]["visible"] = []
        seen["limits"]["cpu_stat"] = "nr_periods 1000\nnr_throttled 900"

    facts = broken(slow, 1)
    assert failures(facts) == ["resources", "mesh"]
    assert "spec.resources.limits.cpu" in finding(facts, "resources").verdict.fix
