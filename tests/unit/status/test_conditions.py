"""Conditions, situation by situation, as `kubectl wait` and other tools read them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elixircluster.errors import Retry, Stalled
from elixircluster.mesh.failure import Failed, Failure, Step
from elixircluster.mesh.member import Answer, Member
from elixircluster.mesh.view import MeshView, view
from elixircluster.rollout.change import Change, Plan
from elixircluster.rollout.plan import plan
from elixircluster.status.conditions import LONGEST_MESSAGE, conditions
from elixircluster.status.findings import Findings
from tests.unit.factory import LATER, NOW, observed, pod, workload
from tests.unit.status.kstatus import CURRENT, FAILED, IN_PROGRESS, kstatus

DONE = Plan("UpToDate", "all 3 nodes are ready and of the newest revision", 3, done=True)
AT_WORK = Plan("Rolling", "replacing pod chat-2, 3 to go", 3)
STALLED = Stalled("CookieSecretMissing", "Secret mine does not exist; create it")
RETRY = Retry("WaitingForDeletion", "Service chat belongs to an earlier ElixirCluster chat")
READY, NOT_READY = [pod(0), pod(1), pod(2)], [pod(0, ready=False)]

ONE_LOST = [pod(0), pod(1), pod(2, machine="worker2", lost=NOW)]


def seen(found: Plan | None = DONE, pods=READY, trouble=None, **more: Any) -> Findings:
    return Findings(found, pods, trouble=trouble, **more)


def planned(strategy: str, replicas: int, stateful_set: Any, pods: Any) -> Plan:
    return plan(Change(strategy, replicas), observed(pods, stateful_set))


def told(observation: Findings, **kwargs: Any) -> dict[str, dict[str, Any]]:
    arguments = {"generation": 1, "previous": [], "now": NOW, **kwargs}
    return {item["type"]: item for item in conditions(observation, **arguments)}


# observation → kstatus, conditions that are True, reason of Ready
SITUATIONS = {
    "all is well": (seen(), CURRENT, {"Ready", "Available"}, "UpToDate"),
    "no nodes are wanted": (
        seen(planned("Rolling", 0, workload(replicas=0), []), [], wanted=0),
        CURRENT,
        {"Ready", "Available"},
        "UpToDate",
    ),
    "nodes are replaced": (seen(AT_WORK), IN_PROGRESS, {"Reconciling", "Available", "Progressing"}, "Rolling"),
    "a machine is lost": (
        seen(planned("Rolling", 3, workload("old"), ONE_LOST), ONE_LOST),
        IN_PROGRESS,
        {"Reconciling", "Available", "Progressing"},
        "MachineLost",
    ),
    "a machine has been lost for long": (
        seen(planned("Rolling", 3, workload("old"), ONE_LOST), ONE_LOST, given_up="chat-2: the machine worker2"),
        FAILED,
        {"Stalled", "Available"},
        "MachineLost",
    ),
    "nothing is there yet": (
        seen(planned("Rolling", 3, None, []), []),
        IN_PROGRESS,
        {"Reconciling", "Progressing"},
        "Creating",
    ),
    "not looked at": (seen(None, []), IN_PROGRESS, {"Reconciling"}, "Creating"),
    "no node serves": (seen(AT_WORK, NOT_READY), IN_PROGRESS, {"Reconciling", "Progressing"}, "Rolling"),
    "a person must act": (seen(DONE, trouble=STALLED), FAILED, {"Stalled", "Available"}, "CookieSecretMissing"),
    "a person must act from the start": (seen(None, [], STALLED), FAILED, {"Stalled"}, "CookieSecretMissing"),
    "something is waited for": (
        seen(AT_WORK, trouble=RETRY),
        IN_PROGRESS,
        {"Reconciling", "Available"},
        "WaitingForDeletion",
    ),
    "paused, and well": (seen(paused=True), CURRENT, {"Ready", "Available", "Paused"}, "UpToDate"),
    "paused, and changed since": (
        seen(paused=True, applied=False),
        IN_PROGRESS,
        {"Available", "Paused"},
        "Paused",
    ),
    "nothing gets on": (seen(AT_WORK, overdue=600), FAILED, {"Stalled", "Available"}, "Rolling"),
    "nothing gets on, and nothing is meant to": (
        seen(AT_WORK, overdue=600, paused=True),
        IN_PROGRESS,
        {"Available", "Paused"},
        "Rolling",
    ),
    "paused at work": (seen(AT_WORK, paused=True), IN_PROGRESS, {"Available", "Paused"}, "Rolling"),
}


@pytest.mark.parametrize(("observation", "verdict", "true", "reason"), SITUATIONS.values(), ids=SITUATIONS)
def test_the_conditions_tell_the_situation(observation, verdict, true, reason):
    result = told(observation)
    assert {name for name, item in result.items() if item["status"] == "True"} == true
    assert result["Ready"]["reason"] == reason
    resource = {"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "conditions": [*result.values()]}}
    assert kstatus(resource) == verdict


def test_a_change_that_was_not_looked_at_is_in_progress():
    status = {"observedGeneration": 1, "conditions": [*told(seen()).values()]}
    assert kstatus({"metadata": {"generation": 2}, "status": status}) == IN_PROGRESS


PLANS = st.one_of(
    st.none(),
    st.builds(
        planned,
        st.sampled_from(["Rolling", "Recreate"]),
        st.integers(0, 4),
        st.one_of(st.none(), st.builds(workload, st.sampled_from(["new", ""]), observed=st.booleans())),
        st.lists(st.builds(pod, st.integers(0, 4), st.sampled_from(["old", "new"]), ready=st.booleans()), max_size=4),
    ),
)
OBSERVATIONS = st.builds(
    Findings,
    paused=st.booleans(),
    applied=st.booleans(),
    overdue=st.sampled_from([0, 600]),
    plan=PLANS,
    pods=st.lists(st.builds(pod, st.integers(0, 4), ready=st.booleans()), max_size=4),
    trouble=st.sampled_from([None, STALLED, RETRY]),
)


@given(OBSERVATIONS)
def test_every_condition_is_one_of_metav1(observation):
    result = conditions(observation, 7, [], NOW)
    assert [item["type"] for item in result] == [
        "Ready",
        "Reconciling",
        "Stalled",
        "Available",
        "Progressing",
        "Clustered",
        "Paused",
    ]
    for item in result:
        assert item["status"] in ({"True", "False", "Unknown"} if item["type"] == "Clustered" else {"True", "False"})
        assert re.fullmatch(r"[A-Z][A-Za-z]*", item["reason"])
        assert item["observedGeneration"] == 7
        assert item["lastTransitionTime"] == NOW
        assert isinstance(item["message"], str)


@given(OBSERVATIONS)
def test_ready_is_true_only_when_all_is_done_and_nothing_is_in_the_way(observation):
    ready = told(observation)["Ready"]["status"] == "True"
    assert ready is bool(observation.plan and observation.plan.done and observation.applied and not observation.trouble)


@given(OBSERVATIONS)
def test_stalled_and_reconciling_are_never_both_true(observation):
    result = told(observation)
    assert "False" in {result["Stalled"]["status"], result["Reconciling"]["status"]}
    if result["Ready"]["status"] == "True":
        assert result["Stalled"]["status"] == result["Reconciling"]["status"] == "False"


@given(OBSERVATIONS)
def test_whoever_is_not_ready_is_told_why(observation):
    ready = told(observation)["Ready"]
    assert ready["status"] == "True" or ready["message"]


@given(OBSERVATIONS, OBSERVATIONS)
def test_the_time_of_a_transition_moves_only_with_the_status(before, after):
    first = conditions(before, 1, [], NOW)
    known = {item["type"]: item for item in first}
    for item in conditions(after, 2, first, LATER):
        flipped = item["status"] != known[item["type"]]["status"]
        assert item["lastTransitionTime"] == (LATER if flipped else NOW)


@given(OBSERVATIONS)
def test_the_same_observation_gives_the_same_conditions(observation):
    first = conditions(observation, 1, [], NOW)
    assert conditions(observation, 1, first, LATER) == first


def test_a_long_message_is_cut():
    ready = told(seen(trouble=Stalled("ApplyRefused", "x" * 100_000)))["Ready"]
    assert len(ready["message"]) == LONGEST_MESSAGE


@pytest.mark.parametrize(("count", "said"), [(1, "1 node is ready"), (2, "2 nodes are ready")])
def test_available_counts_the_nodes_that_serve(count, said):
    assert told(seen(pods=[pod(ordinal) for ordinal in range(count)]))["Available"]["message"] == said


def test_a_resource_of_an_older_operator_keeps_its_times():
    old = [{"type": "Ready", "status": "True", "lastTransitionTime": NOW}, {"type": "Gone", "status": "True"}]
    result = told(seen(), previous=old, now=LATER)
    assert result["Ready"]["lastTransitionTime"] == NOW
    assert result["Paused"]["lastTransitionTime"] == LATER
    assert "Gone" not in result


MESH_A, MESH_B = (Member(f"chat-{ordinal}", f"chat@10.0.0.{ordinal}", f"10.0.0.{ordinal}") for ordinal in range(2))
OLD_ENOUGH = 3600.0


def mesh(*sees: set[str]) -> MeshView:
    members = (MESH_A, MESH_B)
    answers = {
        member.node: Answer(frozenset(seen), uptime_seconds=OLD_ENOUGH)
        for member, seen in zip(members, sees, strict=True)
    }
    return view(members, answers)


CLUSTERED = {
    "not asked for": (Findings(None, []), "Unknown", "ProbeDisabled"),
    "not asked yet": (Findings(None, [], probed=True), "Unknown", "Unknown"),
    "full": (Findings(None, [], probed=True, mesh=mesh({MESH_B.node}, {MESH_A.node})), "True", "FullMesh"),
    "split": (Findings(None, [], probed=True, mesh=mesh(set(), set())), "False", "Partitioned"),
}


@pytest.mark.parametrize(("observation", "status", "reason"), CLUSTERED.values(), ids=CLUSTERED)
def test_clustered_tells_what_the_nodes_say(observation, status, reason):
    result = told(observation)["Clustered"]
    assert (result["status"], result["reason"]) == (status, reason)


def test_links_that_are_not_dialled_any_more_stall_the_resource():
    result = told(Findings(None, [], probed=True, mesh=mesh(set(), set()), unhealed="open the way"))
    assert (result["Stalled"]["status"], result["Stalled"]["reason"]) == ("True", "MeshNotHealed")


MISNAMED = view(
    (MESH_A, MESH_B),
    {member.node: Failed(Failure.NOT_DISTRIBUTED, "connection refused") for member in (MESH_A, MESH_B)},
)


def test_a_node_that_names_itself_stalls_the_resource_with_the_way_out():
    pods = [pod(0, "new"), pod(1, "new")]
    result = told(Findings(None, pods, workload=workload("new"), probed=True, mesh=MISNAMED))
    assert (result["Stalled"]["status"], result["Stalled"]["reason"]) == ("True", "NotDistributed")
    assert "rel/env.sh" in result["Stalled"]["message"]


def test_a_node_that_has_lost_its_tls_stalls_the_resource():
    """It was Ready, and Clustered was Unknown."""
    plain = {member.node: Failed(Failure.PLAINTEXT, "in plaintext", Step.TLS) for member in (MESH_A, MESH_B)}
    seen = view((MESH_A, MESH_B), plain)
    result = told(Findings(None, [pod(0, "new"), pod(1, "new")], workload=workload("new"), probed=True, mesh=seen))
    assert (result["Stalled"]["status"], result["Stalled"]["reason"]) == ("True", "TlsNotSpoken")
    assert (result["Clustered"]["status"], result["Clustered"]["reason"]) == ("False", "TlsNotSpoken")


@pytest.mark.parametrize(
    "stateful_set", [workload("new"), workload("old", observed=False)], ids=["its fix is rolled out", "it was applied"]
)
def test_a_fix_that_is_under_way_is_not_stalled_by_the_pods_that_it_replaces(stateful_set):
    pods = [pod(0, "old"), pod(1, "old")]
    result = told(Findings(AT_WORK, pods, workload=stateful_set, probed=True, mesh=MISNAMED))
    assert (result["Stalled"]["status"], result["Reconciling"]["status"]) == ("False", "True")


def test_what_was_seen_of_the_mesh_outlives_the_operator():
    before = conditions(Findings(None, READY, probed=True, mesh=mesh({MESH_B.node}, {MESH_A.node})), 1, [], NOW)
    after = conditions(Findings(None, READY, probed=True), 1, before, LATER)
    of = {item["type"]: item for item in after}["Clustered"]
    assert of == {item["type"]: item for item in before}["Clustered"]


def test_without_nodes_nothing_is_known_of_the_mesh():
    before = conditions(Findings(None, READY, probed=True, mesh=mesh({MESH_B.node}, {MESH_A.node})), 1, [], NOW)
    after = conditions(Findings(None, [], probed=True), 1, before, LATER)
    assert {item["type"]: item["status"] for item in after}["Clustered"] == "Unknown"
