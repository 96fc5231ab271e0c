"""What Kubernetes says of a pod is what the doctor says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from elixircluster.doctor.checks import ALL
from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import examine
from elixircluster.doctor.report import exit_status

from .factory import Body, broken, failures, finding, healthy, pod
from .faults import refused

REFUSAL = 'create Pod chat-2 in StatefulSet chat failed error: pods "chat-2" is forbidden: exceeded quota: small'


def event(kind: str, uid: str, reason: str, message: str) -> Body:
    about = {"kind": kind, "name": "chat", "uid": uid}
    return {"metadata": {"name": "x"}, "involvedObject": about, "reason": reason, "message": message}


def test_missing_pods_are_told_with_what_kubernetes_says():
    """The operator's own refusal is told there, and not as one of the resource."""
    facts = refused("PodsRefused")
    said = [event("StatefulSet", "s", "FailedCreate", REFUSAL)]
    facts = replace(facts, members=facts.members[:2], events=said)
    assert failures(facts) == ["pods"]
    assert "pod chat-2 is refused: exceeded quota: small; raise ResourceQuota small" in str(
        finding(facts, "pods").verdict.evidence
    )


def ill(facts: Facts, said: Body, **status: Any) -> Facts:
    """The second pod is not ready, and an Event says why."""
    body = facts.members[1].pod
    body["status"] |= {
        "conditions": [{"type": "Ready", "status": "False", "message": "containers with unready status"}]
    }
    body["status"]["containerStatuses"][0] |= status
    return replace(facts, events=[said])


PROBE = "Readiness probe failed: HTTP probe failed with statuscode: 500"
ILL = {
    "a probe that fails": (
        ill(healthy(), event("Pod", "uid-1", "Unhealthy", PROBE), started=True),
        "ready",
        "chat-1: its readiness probe fails: HTTP probe failed with statuscode: 500",
    ),
    "the probe of another pod": (
        ill(healthy(), event("Pod", "uid-2", "Unhealthy", PROBE), started=True),
        "ready",
        "chat-1: containers with unready status",
    ),
    "a container that the kubelet has ended": (
        ill(
            healthy(),
            event("Pod", "uid-1", "Killing", "Container app failed liveness probe, will be restarted"),
            state={"waiting": {"reason": "CrashLoopBackOff"}},
            lastState={"terminated": {"reason": "Completed", "exitCode": 0}},
        ),
        "pods",
        "chat-1: CrashLoopBackOff, last ended with Completed (exit code 0); its liveness probe has failed",
    ),
    "a container that waits for its Secret": (
        ill(
            healthy(),
            event("Pod", "uid-1", "Failed", "Error"),
            state={"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "db" not found'}},
        ),
        "pods",
        'chat-1: CreateContainerConfigError: secret "db" not found',
    ),
}


@pytest.mark.parametrize(("facts", "check", "told"), ILL.values(), ids=ILL)
def test_a_pod_that_is_not_ready_fails_with_the_words_of_kubernetes(facts, check, told):
    assert failures(facts) == [check]
    assert finding(facts, check).verdict.evidence == [told]
    assert exit_status(facts, examine(facts, ALL)) == 1


def test_a_pod_that_waits_for_its_disk_is_told_with_it():
    facts = healthy()
    body = pod(1)
    body["status"] = {"phase": "Pending"}
    said = event("Pod", "uid-1", "FailedAttachVolume", "the disk is in another zone")
    members = [facts.members[0], Member(body, unseen="its container does not run"), facts.members[2]]
    facts = replace(facts, members=members, events=[said])
    assert finding(facts, "pods").verdict.evidence == ["chat-1: FailedAttachVolume: the disk is in another zone"]


def test_a_pod_without_a_machine_is_told_as_status_has_it():
    """The doctor said "0/3 nodes are available", and not what that means."""
    facts = healthy()
    body = pod(1)
    lacks = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"}
    body["status"] = {"phase": "Pending", "conditions": [lacks]}
    members = [facts.members[0], Member(body, unseen="its container does not run"), facts.members[2]]
    found = finding(replace(facts, members=members), "pods").verdict.evidence
    assert found == ["chat-1: Unschedulable: 0/3 nodes are available"]


def test_a_secret_that_is_not_there_to_be_mounted_is_named():
    facts = healthy()
    body = pod(1)
    body["status"] = {"phase": "Pending"}
    said = event("Pod", "uid-1", "FailedMount", 'MountVolume.SetUp failed for volume "keys" : secret "keys" not found')
    members = [facts.members[0], Member(body, unseen="its container does not run"), facts.members[2]]
    assert "Secret keys does not exist" in finding(replace(facts, members=members, events=[said]), "pods").verdict.fix


def test_a_release_of_another_name_is_told_with_the_field():
    facts = broken(lambda told: told["environment"].update(RELEASE_NAME="shop"), 1)
    assert failures(facts) == ["release"]
    verdict = finding(facts, "release").verdict
    assert verdict.evidence == ["chat-1 runs the release shop"]
    assert "spec.release.name" in verdict.fix
    # What tells no name, as relx, is not judged.
    assert failures(broken(lambda told: told["environment"].pop("RELEASE_NAME"))) == []
