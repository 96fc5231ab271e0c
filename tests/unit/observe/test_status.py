"""`status`, from what was observed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elixircluster.api.resource import parse
from elixircluster.api.schema import unknown_fields
from elixircluster.api.status import MOST_MISSING, ElixirClusterStatus
from elixircluster.control.rollout import next_step
from elixircluster.errors import Stalled
from elixircluster.mesh.member import Answer, Member
from elixircluster.mesh.view import view
from elixircluster.observe.conditions import Observation
from elixircluster.observe.status import status, unreadable_status
from tests.unit.factory import LATER, NOW, body, cluster, pod, workload

NEW = "chat-new"


def observed(pods, replicas=3, trouble=None, revision=NEW, now=NOW, **spec):
    resource = cluster(replicas=replicas, **spec)
    step = next_step("Rolling", replicas, workload(revision), pods)
    return status(resource, Observation(False, step, pods, trouble), workload(revision), now)


def test_the_nodes_are_counted():
    result = observed([pod(0, NEW), pod(1, NEW, ready=False), pod(2, "chat-old")])
    assert (result["replicas"], result["readyReplicas"], result["updatedReplicas"]) == (3, 2, 2)
    assert result["readyNodes"] == "2/3"
    assert result["observedGeneration"] == 1


def test_the_selector_finds_the_members():
    assert observed([])["selector"] == "elixircluster.dev/cluster=chat,app.kubernetes.io/component=node"


def test_the_update_is_told_in_words():
    result = observed([pod(0, "chat-old")], replicas=1)
    assert result["update"] == {
        "revision": "new",
        "strategy": "Rolling",
        "step": "Rolling",
        "message": "replacing pod chat-0, 1 to go",
    }


def test_a_revision_that_was_not_observed_is_none():
    resource = cluster()
    stateful_set = workload(NEW, observed=False)
    step = next_step("Rolling", 3, stateful_set, [])
    assert status(resource, Observation(False, step, [pod(0, NEW)]), stateful_set, NOW)["updatedReplicas"] == 0


NODES = {
    "ready": (pod(0), {}, {"pod": "chat-0", "node": "chat@10.0.0.0", "ready": True, "image": "chat:1"}),
    "not ready": (
        pod(1, ready=False, message="app: CrashLoopBackOff"),
        {},
        {
            "pod": "chat-1",
            "node": "chat@10.0.0.1",
            "ready": False,
            "image": "chat:1",
            "message": "app: CrashLoopBackOff",
        },
    ),
    "no address yet": (
        pod(1, ready=False, address="", message="its containers start"),
        {},
        {"pod": "chat-1", "ready": False, "image": "chat:1", "message": "its containers start"},
    ),
    "named by host": (
        pod(1, address=""),
        {"discovery": {"strategy": "DNSSRV"}},
        {
            "pod": "chat-1",
            "node": "chat@chat-1.chat-nodes.default.svc.cluster.local",
            "ready": True,
            "image": "chat:1",
        },
    ),
}


@pytest.mark.parametrize(("member", "spec", "entry"), NODES.values(), ids=NODES)
def test_every_node_is_told(member, spec, entry):
    assert observed([member], **spec)["nodes"] == [entry]


def test_the_console_is_a_command_to_copy():
    result = observed([], release={"name": "talk"})
    assert result["console"] == "kubectl exec -it -n default chat-0 -c app -- bin/talk remote"


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
    first = observed(pods, replicas)
    resource = parse({**body(replicas=replicas), "status": json.loads(json.dumps(first))})
    step = next_step("Rolling", replicas, workload(NEW), pods)
    assert status(resource, Observation(False, step, pods), workload(NEW), LATER) == first


@given(PODS, st.integers(0, 5))
def test_every_field_is_one_that_the_schema_knows(pods, replicas):
    result = ElixirClusterStatus.model_validate(observed(pods, replicas))
    assert list(unknown_fields(result)) == []


def test_what_was_known_of_a_resource_stays_when_it_cannot_be_read_any_more():
    before = observed([pod(0, NEW)], replicas=1)
    trouble = Stalled("InvalidSpec", "spec.image: field required")
    after = unreadable_status(before, 2, Observation(False, None, [pod(0, NEW)], trouble), LATER)
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
    observation = Observation(False, None, pods, probed=True, mesh=view(members, answers))
    told = status(resource, observation, workload(NEW), NOW)
    assert told["clustered"] == "2/3"
    assert told["mesh"] == {"links": 1, "expectedLinks": 3, "islands": [["chat-0", "chat-1"], ["chat-2"]]}
    assert [node["connected"] for node in told["nodes"]] == [1, 1, 0]
    assert [node["missing"] for node in told["nodes"]] == [["chat-2"], ["chat-2"], ["chat-0", "chat-1"]]
    assert told["nodes"][0]["otpRelease"] == "25"
    assert told["nodes"][0]["elixirVersion"] == "1.14.0"


def test_a_node_that_misses_many_names_the_first():
    pods = [pod(ordinal, NEW) for ordinal in range(MOST_MISSING + 9)]
    names = [f"chat@{item.address}" for item in pods]
    members = [Member(item.name, name, item.address) for item, name in zip(pods, names, strict=True)]
    seen = view(members, {names[0]: Answer(frozenset(), otp_release="25", elixir_version=None, uptime_seconds=3600.0)})
    told = status(cluster(replicas=41), Observation(False, None, pods, probed=True, mesh=seen), workload(NEW), NOW)
    assert len(told["nodes"][0]["missing"]) == MOST_MISSING
    assert list(unknown_fields(ElixirClusterStatus.model_validate(told))) == []


def test_a_full_mesh_misses_nobody():
    pods = [pod(ordinal, NEW) for ordinal in range(2)]
    names = [f"chat@{item.address}" for item in pods]
    members = [Member(item.name, name, item.address) for item, name in zip(pods, names, strict=True)]
    answers = {
        name: Answer(frozenset(names), otp_release="25", elixir_version=None, uptime_seconds=3600.0) for name in names
    }
    observation = Observation(False, None, pods, probed=True, mesh=view(members, answers))
    told = status(cluster(replicas=2), observation, workload(NEW), NOW)
    assert not any("missing" in node for node in told["nodes"])
