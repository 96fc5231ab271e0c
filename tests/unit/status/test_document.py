"""`status`, from what was observed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elixircluster.api.resource import parse
from elixircluster.api.schema import unknown_fields
from elixircluster.api.status import MOST_MISSING, ElixirClusterStatus
from elixircluster.errors import Stalled
from elixircluster.mesh.boot import Boot
from elixircluster.mesh.member import Answer, Member
from elixircluster.mesh.view import view
from elixircluster.rollout.change import Change
from elixircluster.rollout.plan import plan
from elixircluster.status.document import status, unreadable_status
from elixircluster.status.findings import Findings
from tests.unit.factory import LATER, NOW, body, cluster, observed, pod, workload

NEW = "chat-new"


def findings(pods, replicas=3, stateful_set=None, **more):
    stateful_set = stateful_set or workload(NEW, replicas=replicas)
    found = plan(Change("Rolling", replicas), observed(pods, stateful_set))
    return Findings(found, pods, replicas, stateful_set, **more)


def told_of(pods, replicas=3, now=NOW, **spec):
    return status(cluster(replicas=replicas, **spec), findings(pods, replicas), now)


def test_the_nodes_are_counted():
    result = told_of([pod(0, NEW), pod(1, NEW, ready=False), pod(2, "chat-old")])
    assert (result["replicas"], result["readyReplicas"], result["updatedReplicas"]) == (3, 2, 2)
    assert (result["wantedReplicas"], result["readyNodes"]) == (3, "2/3")
    assert result["observedGeneration"] == 1


def test_the_selector_finds_the_members():
    assert told_of([])["selector"] == "elixircluster.dev/cluster=chat,app.kubernetes.io/component=node"


def test_the_update_is_told_in_words():
    result = told_of([pod(0, "chat-old")], replicas=1)
    assert result["update"] == {
        "revision": "new",
        "strategy": "Rolling",
        "step": "Rolling",
        "message": "replacing pod chat-0, 1 to go",
        "progressedAt": NOW,
    }


def test_a_revision_that_was_not_observed_is_none():
    seen = findings([pod(0, NEW)], stateful_set=workload(NEW, observed=False))
    assert status(cluster(), seen, NOW)["updatedReplicas"] == 0


def test_what_was_written_of_a_resource_is_told_by_its_generation():
    assert told_of([])["appliedGeneration"] == 1
    resource = parse({**body(), "status": {"appliedGeneration": 7}})
    assert status(resource, findings([], applied=False), NOW)["appliedGeneration"] == 7


def after(seconds, before, pods, **update):
    """The status `seconds` after one that told of the same pods, or of others."""
    resource = parse({**body(update=update), "status": before})
    return status(resource, findings(pods), f"2026-01-01T00:{seconds // 60:02}:{seconds % 60:02}Z")


STUCK = [pod(0, NEW, ready=False), pod(1, NEW), pod(2, NEW)]


def verdict(told, name):
    return next((item["status"], item["reason"]) for item in told["conditions"] if item["type"] == name)


def test_a_change_that_gets_no_further_is_stuck_after_its_time_and_says_so():
    first = after(0, {}, STUCK)
    assert first["update"]["progressedAt"] == NOW
    assert verdict(after(599, first, STUCK), "Stalled") == ("False", "NothingStalled")
    late = after(600, first, STUCK)
    assert verdict(late, "Stalled") == ("True", "ProgressDeadlineExceeded")
    assert verdict(late, "Progressing") == ("False", "ProgressDeadlineExceeded")
    assert verdict(after(30, first, STUCK, timeoutSeconds=30), "Stalled")[0] == "True"


def test_a_change_that_gets_on_has_its_time_again():
    first = after(0, {}, [pod(0, NEW, ready=False), pod(1, NEW, ready=False), pod(2, NEW)])
    second = after(500, first, STUCK)
    assert verdict(after(900, second, STUCK), "Stalled")[0] == "False"


def test_what_is_done_has_no_time_to_keep():
    assert "progressedAt" not in told_of([pod(ordinal, NEW) for ordinal in range(3)])["update"]


NODES = {
    "ready": (
        pod(0),
        {},
        {"pod": "chat-0", "node": "chat@10.0.0.0", "ready": True, "image": "chat:1", "revision": "old"},
    ),
    "not ready": (
        pod(1, ready=False, message="app: CrashLoopBackOff"),
        {},
        {
            "pod": "chat-1",
            "node": "chat@10.0.0.1",
            "ready": False,
            "image": "chat:1",
            "revision": "old",
            "message": "app: CrashLoopBackOff",
        },
    ),
    "no address yet": (
        pod(1, ready=False, address="", message="its containers start"),
        {},
        {"pod": "chat-1", "ready": False, "image": "chat:1", "revision": "old", "message": "its containers start"},
    ),
    "named by host": (
        pod(1, address=""),
        {"discovery": {"strategy": "DNSSRV"}},
        {
            "pod": "chat-1",
            "node": "chat@chat-1.chat-nodes.default.svc.cluster.local",
            "ready": True,
            "image": "chat:1",
            "revision": "old",
        },
    ),
}


@pytest.mark.parametrize(("member", "spec", "entry"), NODES.values(), ids=NODES)
def test_every_node_is_told(member, spec, entry):
    assert told_of([member], **spec)["nodes"] == [entry]


@pytest.mark.parametrize(
    ("pods", "named"), [([], "chat-0"), ([pod(0, ready=False), pod(1), pod(2)], "chat-1"), ([pod(0)], "chat-0")]
)
def test_the_console_is_a_command_to_copy_and_opens_on_a_node_that_is_ready(pods, named):
    result = told_of(pods, release={"name": "talk"})
    assert result["console"] == f"kubectl exec -it -n default {named} -c app -- bin/talk remote"


CONSOLES = {
    "of a frozen one another": ([pod(0), pod(1), pod(2)], {1, 2}, "chat-1"),
    "of a lost machine's another": ([pod(0), pod(1, ready=False), pod(2)], {1, 2}, "chat-2"),
    "one that answers though it is not ready": ([pod(0), pod(1, ready=False)], {1}, "chat-1"),
    "where nobody answers one that is ready": ([pod(0, ready=False), pod(1)], set(), "chat-1"),
}


@pytest.mark.parametrize(("pods", "answering", "named"), CONSOLES.values(), ids=CONSOLES)
def test_the_console_opens_on_a_node_that_answers(pods, answering, named):
    """Kubernetes calls a node ready for a while that is frozen, or whose machine is lost."""
    members = [Member(item.name, f"chat@{item.address}", item.address) for item in pods]
    answers = {members[ordinal].node: Answer(frozenset(), uptime_seconds=60.0) for ordinal in answering}
    seen = findings(pods, len(pods), probed=True, mesh=view(members, answers))
    assert f" {named} -c app" in status(cluster(replicas=len(pods)), seen, NOW)["console"]


def test_a_pod_that_took_the_place_of_one_that_answered_is_not_the_one_that_answers():
    members = [Member("chat-0", "chat@10.0.0.9", "10.0.0.9"), Member("chat-1", "chat@10.0.0.1", "10.0.0.1")]
    seen = view(members, {member.node: Answer(frozenset(), uptime_seconds=60.0) for member in members})
    told = status(cluster(replicas=2), findings([pod(0), pod(1)], 2, probed=True, mesh=seen), NOW)
    assert " chat-1 -c app" in told["console"]


PODS = st.lists(
    st.builds(
        pod,
        st.integers(0, 5),
        st.sampled_from(["chat-old", NEW]),
        ready=st.booleans(),
        terminating=st.booleans(),
        message=st.sampled_from(["", "x"]),
    ),
    max_size=5,
)


@given(PODS, st.integers(0, 5))
def test_looking_again_changes_nothing(pods, replicas):
    first = told_of(pods, replicas)
    resource = parse({**body(replicas=replicas), "status": json.loads(json.dumps(first))})
    assert status(resource, findings(pods, replicas), LATER) == first


@given(PODS, st.integers(0, 5))
def test_every_field_is_one_that_the_schema_knows(pods, replicas):
    result = ElixirClusterStatus.model_validate(told_of(pods, replicas))
    assert list(unknown_fields(result)) == []


def test_what_was_known_of_a_resource_stays_when_it_cannot_be_read_any_more():
    before = told_of([pod(0, NEW)], replicas=1)
    trouble = Stalled("InvalidSpec", "spec.image: field required")
    after = unreadable_status(before, 2, Findings(None, [pod(0, NEW)], trouble=trouble), LATER)
    assert after["nodes"] == before["nodes"]
    assert after["observedGeneration"] == 2
    told = {item["type"]: item for item in after["conditions"]}
    assert (told["Ready"]["status"], told["Stalled"]["status"]) == ("False", "True")
    assert told["Available"]["lastTransitionTime"] == NOW


def test_the_mesh_is_told_by_pods():
    pods = [pod(ordinal, NEW) for ordinal in range(3)]
    resource = cluster(replicas=3)
    names = [f"chat@{item.address}" for item in pods]
    members = [Member(item.name, name, item.address) for item, name in zip(pods, names, strict=True)]
    sees = ({names[1]}, {names[0]}, set())
    answers = {
        name: Answer(frozenset(seen), otp_release="25", elixir_version="1.14.0", uptime_seconds=3600.0)
        for name, seen in zip(names, sees, strict=True)
    }
    seen = Findings(None, pods, probed=True, mesh=view(members, answers))
    told = status(resource, seen, NOW)
    assert told["clustered"] == "2/3"
    assert told["mesh"] == {
        "links": 1,
        "expectedLinks": 3,
        "largestIsland": 2,
        "islands": [["chat-0", "chat-1"], ["chat-2"]],
    }
    assert [node["connected"] for node in told["nodes"]] == [1, 1, 0]
    assert [node["missing"] for node in told["nodes"]] == [["chat-2"], ["chat-2"], ["chat-0", "chat-1"]]
    assert told["nodes"][0]["otpRelease"] == "25"
    assert told["nodes"][0]["elixirVersion"] == "1.14.0"


def test_a_node_that_misses_many_names_the_first():
    pods = [pod(ordinal, NEW) for ordinal in range(MOST_MISSING + 9)]
    names = [f"chat@{item.address}" for item in pods]
    members = [Member(item.name, name, item.address) for item, name in zip(pods, names, strict=True)]
    seen = view(members, {names[0]: Answer(frozenset(), otp_release="25", elixir_version=None, uptime_seconds=3600.0)})
    told = status(cluster(replicas=41), Findings(None, pods, probed=True, mesh=seen), NOW)
    assert len(told["nodes"][0]["missing"]) == MOST_MISSING
    assert list(unknown_fields(ElixirClusterStatus.model_validate(told))) == []


def test_nodes_that_are_no_pods_of_the_cluster_are_told():
    """Two clusters that one cookie had merged were told as a full mesh."""
    pods = [pod(0, NEW)]
    name = f"chat@{pods[0].address}"
    answer = Answer(frozenset({"spy@10.9.9.9"}), uptime_seconds=3600.0)
    seen = view([Member("chat-0", name, pods[0].address)], {name: answer})
    assert status(cluster(replicas=1), Findings(None, pods, probed=True, mesh=seen), NOW)["strangers"] == [
        "spy@10.9.9.9"
    ]


def test_a_full_mesh_misses_nobody():
    pods = [pod(ordinal, NEW) for ordinal in range(2)]
    names = [f"chat@{item.address}" for item in pods]
    members = [Member(item.name, name, item.address) for item, name in zip(pods, names, strict=True)]
    answers = {
        name: Answer(frozenset(names), otp_release="25", elixir_version=None, uptime_seconds=3600.0) for name in names
    }
    seen = Findings(None, pods, probed=True, mesh=view(members, answers))
    told = status(cluster(replicas=2), seen, NOW)
    assert not any("missing" in node for node in told["nodes"])


BOOTS = {
    "it has booted": ({}, True),
    "it boots": ({"boot": Boot.BOOTING, "starting": ("chat",)}, False),
    "it cannot tell": ({"boot": Boot.UNTOLD}, None),
}


@pytest.mark.parametrize(("said", "booted"), BOOTS.values(), ids=BOOTS)
def test_a_node_is_told_with_how_far_it_is(said, booted):
    name = "chat@10.0.0.0"
    mesh = view([Member("chat-0", name)], {name: Answer(frozenset(), **said)})
    resource, pods = cluster(replicas=1), [pod(0, NEW, booted=booted)]
    told = status(resource, findings(pods, 1, mesh=mesh, probed=True), NOW)
    [node] = told["nodes"]
    assert (node.get("booted"), node["ready"]) == (booted, booted is True)
    assert told["readyNodes"] == f"{int(booted is True)}/1"
    assert verdict(told, "Ready")[0] == str(booted is True)
    assert verdict(told, "Available")[0] == str(booted is True)
    later = status(parse({**body(replicas=1), "status": told}), findings(pods, 1, probed=True), LATER)
    assert later["nodes"][0].get("booted") == booted, "it stands until somebody looks again"
