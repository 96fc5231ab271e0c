"""Containers: which of them are a cause, and which hide none."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from .factory import NOW, broken, failures, finding, healthy


def with_status(ordinal=1, init=(), **status):
    facts = healthy()
    members = list(facts.members)
    body = copy.deepcopy(members[ordinal].pod)
    body["status"]["containerStatuses"][0] |= status
    body["status"]["initContainerStatuses"] = list(init)
    members[ordinal] = replace(members[ordinal], pod=body)
    return replace(facts, members=members)


def ended(ago, reason="Error", code=1):
    at = datetime.fromtimestamp(NOW - ago, UTC).isoformat()
    return {"lastState": {"terminated": {"reason": reason, "exitCode": code, "finishedAt": at}}}


def running(ago):
    return {"state": {"running": {"startedAt": datetime.fromtimestamp(NOW - ago, UTC).isoformat()}}}


def test_a_container_that_was_started_again_and_runs_is_no_cause_and_hides_none():
    facts = with_status(restartCount=1, **running(200), **ended(205, "OOMKilled", 137))
    assert failures(facts) == []
    assert "OOMKilled (exit code 137)" in finding(facts, "restarts").verdict.said
    assert finding(facts, "mesh").verdict.state == "passed"


def test_a_container_that_dies_again_and_again_is_told_and_hides_no_missing_link():
    facts = with_status(restartCount=4, **running(200), **ended(205))
    assert failures(facts) == ["restarts"]

    def alone(told):
        told["node"]["said"]["visible"] = []

    assert failures(broken(alone, 0, facts=facts)) == ["restarts", "mesh"]


def test_a_container_that_has_just_been_started_again_is_not_trusted_to_run():
    facts = with_status(restartCount=3, **running(5), **ended(20))
    assert failures(facts) == ["pods"]
    assert "started again 5 s ago, last ended with Error (exit code 1)" in finding(facts, "pods").verdict.evidence[0]


def test_an_init_container_that_dies_is_named_with_its_own_log():
    init = {
        "name": "migrate",
        "restartCount": 5,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": "Error", "exitCode": 1}},
    }
    facts = with_status(init=[init], state={"waiting": {"reason": "PodInitializing"}}, restartCount=0)
    verdict = finding(facts, "pods").verdict
    assert verdict.evidence == ["chat-1: container migrate: CrashLoopBackOff, last ended with Error (exit code 1)"]
    assert "kubectl -n default logs chat-1 -c migrate --previous" in verdict.fix


OF_ANOTHER_IMAGE = {
    "ImagePullBackOff": "look at container migrate's image and spec.imagePullSecrets",
    "InvalidImageName": "container migrate's image is no name of an image",
}


@pytest.mark.parametrize(("reason", "fix"), OF_ANOTHER_IMAGE.items())
def test_the_image_of_an_init_container_is_not_taken_for_the_releases(reason, fix):
    init = {"name": "migrate", "restartCount": 0, "state": {"waiting": {"reason": reason}}}
    assert (
        fix in finding(with_status(init=[init], state={"waiting": {"reason": "PodInitializing"}}), "pods").verdict.fix
    )


def test_an_init_container_that_ran_out_of_memory_needs_more_of_its_own():
    dead = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    init = {
        "name": "migrate",
        "restartCount": 2,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": dead,
    }
    facts = with_status(init=[init], state={"waiting": {"reason": "PodInitializing"}})
    assert finding(facts, "pods").verdict.fix.startswith("raise container migrate's resources.limits.memory; ")


def test_init_containers_that_have_done_their_work_are_well():
    done = {"name": "migrate", "restartCount": 0, "state": {"terminated": {"reason": "Completed", "exitCode": 0}}}
    beside = {"name": "proxy", "restartCount": 0, "state": {"running": {}}}
    assert failures(with_status(init=[done, beside])) == []


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("ImagePullBackOff", "spec.imagePullSecrets"),
        ("CreateContainerConfigError", "spec.envFrom"),
        ("InvalidImageName", "spec.image"),
    ],
)
def test_a_container_that_never_ran_has_no_log_to_look_at(reason, words):
    verdict = finding(with_status(state={"waiting": {"reason": reason}}, restartCount=0), "pods").verdict
    assert words in verdict.fix
    assert "logs" not in verdict.fix


def test_a_container_that_ran_out_of_memory_needs_more():
    facts = with_status(state={"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=2, **ended(9, "OOMKilled", 137))
    assert "spec.resources.limits.memory" in finding(facts, "pods").verdict.fix


def unready(**status):
    facts = with_status(**status)
    facts.members[1].pod["status"]["conditions"] = [
        {"type": "Ready", "status": "False", "message": "containers with unready status: [app]"}
    ]
    return facts


def beside(state, **status):
    """A pod that is not ready for a container beside the release, which runs and is."""
    facts = unready(started=True, ready=True)
    container = {"name": "proxy", "ready": False, "restartCount": 2, "state": state, **status}
    facts.members[1].pod["status"]["containerStatuses"].append(container)
    return finding(facts, "ready").verdict


def test_a_sidecar_that_dies_is_not_taken_for_a_check_of_the_releases():
    last = {"terminated": {"exitCode": 2, "reason": "Error", "message": "no such upstream"}}
    verdict = beside({"waiting": {"reason": "CrashLoopBackOff"}}, lastState=last)
    assert verdict.evidence == ["chat-1: proxy: CrashLoopBackOff (exit code 2): no such upstream"]
    assert verdict.fix.startswith("kubectl -n default logs chat-1 -c proxy --previous")


def test_a_sidecar_that_cannot_start_has_the_remedy_that_a_release_has():
    message = 'exec: "/bin/proxy": stat /bin/proxy: no such file or directory'
    assert "the image has no /bin/proxy" in beside({"waiting": {"reason": "RunContainerError", "message": message}}).fix


def test_a_sidecar_that_runs_and_is_not_ready_has_its_own_log():
    assert beside({"running": {}}).fix.startswith("kubectl -n default logs chat-1 -c proxy")


def given_up(**status):
    """A pod that the kubelet ended as a whole, and that nobody can look into."""
    facts = healthy()
    body = {**facts.members[1].pod, "status": {"phase": "Failed", **status}}
    members = [facts.members[0], replace(facts.members[1], pod=body, probe=None), facts.members[2]]
    return finding(replace(facts, members=members), "pods").verdict


EVICTED = {"reason": "Evicted", "message": 'Usage of EmptyDir volume "tmp" exceeds the limit "1Gi".'}


@pytest.mark.parametrize("containers", [[], [{"name": "app", "state": {"terminated": {"exitCode": 137}}}]])
def test_a_pod_that_was_evicted_did_not_die_of_itself(containers):
    verdict = given_up(**EVICTED, containerStatuses=containers)
    assert verdict.evidence == ['chat-1: Evicted: Usage of EmptyDir volume "tmp" exceeds the limit "1Gi".']
    assert "spec.tmp.sizeLimit" in verdict.fix


def test_a_pod_that_its_machine_did_not_take_says_why():
    verdict = given_up(reason="OutOfcpu", message="Node didn't have enough cpu")
    assert verdict.evidence == ["chat-1: OutOfcpu: Node didn't have enough cpu"]
    assert verdict.fix == "kubectl -n default describe pod chat-1"


def test_a_pod_that_is_not_ready_is_not_well():
    facts = unready(started=True)
    assert failures(facts) == ["ready"]
    verdict = finding(facts, "ready").verdict
    assert verdict.evidence == ["chat-1: containers with unready status: [app]"]
    assert "spec.health.readiness" in verdict.fix
    assert "spec.health.startup" in finding(unready(started=False), "ready").verdict.fix


def test_what_keeps_a_pod_from_being_ready_is_named_in_place_of_that():
    def unanswered(told):
        told["dns"]["service"] = {"error": "timeout"}

    assert failures(broken(unanswered, facts=unready(started=True))) == ["dns"]
