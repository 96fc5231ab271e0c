"""A pod and a StatefulSet, read as the API server tells them."""

from __future__ import annotations

import pytest

from elixircluster.observed.pod import Pod, why_not_ready
from elixircluster.observed.workload import Workload


def running(ready="True", **metadata):
    """A pod as a kubelet reports it."""
    return {
        "metadata": {
            "name": "chat-2",
            "uid": "u",
            "resourceVersion": "7",
            "labels": {"controller-revision-hash": "chat-6b7d8"},
            **metadata,
        },
        "spec": {"containers": [{"name": "app", "image": "chat:1"}, {"name": "proxy", "image": "proxy:1"}]},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.2",
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "ContainersReady", "status": ready},
                {"type": "Ready", "status": ready},
            ],
        },
    }


def test_a_ready_pod():
    assert Pod.parse(running()) == Pod(
        name="chat-2",
        ordinal=2,
        uid="u",
        resource_version="7",
        revision="chat-6b7d8",
        image="chat:1",
        address="10.0.0.2",
        ready=True,
        terminating=False,
        message="",
    )


def test_a_pod_that_terminates_is_not_ready_whatever_it_says():
    pod = Pod.parse(running(deletionTimestamp="2026-01-01T00:00:00Z"))
    assert (pod.ready, pod.terminating, pod.message) == (False, True, "is terminating")


def test_a_pod_that_has_no_status_yet():
    body = running()
    del body["status"], body["metadata"]["labels"]
    pod = Pod.parse(body)
    assert (pod.ready, pod.address, pod.revision) == (False, "", "")
    assert pod.message


def test_the_image_is_the_release_and_not_that_of_a_proxy_put_before_it():
    body = running()
    body["spec"]["containers"].reverse()
    assert Pod.parse(body).image == "chat:1"


@pytest.mark.parametrize(
    ("name", "ordinal"), [("chat-0", 0), ("chat-eu-12", 12), ("chat", -1), ("chat-x", -1), ("7", 7)]
)
def test_the_ordinal_is_the_end_of_the_name(name, ordinal):
    assert Pod.parse(running(name=name)).ordinal == ordinal


def waiting(reason, message="", last=None, name="app"):
    return {
        "name": name,
        "state": {"waiting": {"reason": reason, "message": message}},
        "lastState": {"terminated": last} if last else {},
    }


def status(phase="Pending", *containers, init=(), conditions=()):
    return {
        "phase": phase,
        "containerStatuses": list(containers),
        "initContainerStatuses": list(init),
        "conditions": list(conditions),
    }


UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available: 3 Insufficient cpu.",
}
RUNNING = {"name": "app", "ready": False, "started": True, "state": {"running": {"startedAt": "x"}}, "lastState": {}}

SITUATIONS = {
    "nothing known": ({}, "its readiness probe has not succeeded yet"),
    "just made": ({"phase": "Pending"}, "its containers start"),
    "containers are made": (status("Pending", waiting("ContainerCreating")), "its containers start"),
    "init containers run": (status("Pending", waiting("PodInitializing")), "its containers start"),
    "no image": (
        status("Pending", waiting("ImagePullBackOff", 'Back-off pulling image "chat:2"')),
        'app: ImagePullBackOff: Back-off pulling image "chat:2"',
    ),
    "no cookie": (
        status("Pending", waiting("CreateContainerConfigError", 'secret "mine" not found')),
        'app: CreateContainerConfigError: secret "mine" not found',
    ),
    "crashes": (
        status(
            "Running",
            waiting(
                "CrashLoopBackOff",
                "back-off 5m0s restarting failed container=app pod=chat-0_x(uid)",
                {"exitCode": 137, "reason": "OOMKilled"},
            ),
        ),
        "app: CrashLoopBackOff (exit code 137)",
    ),
    "an init container crashes": (
        status(
            "Pending",
            waiting("PodInitializing"),
            init=[waiting("CrashLoopBackOff", "x", {"exitCode": 1}, name="wait")],
        ),
        "wait: CrashLoopBackOff (exit code 1)",
    ),
    "cannot be scheduled": (
        status(conditions=[UNSCHEDULABLE]),
        "Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.",
    ),
    "runs, is not ready": (status("Running", RUNNING), "its readiness probe has not succeeded yet"),
    "runs again after a crash": (
        status("Running", {**RUNNING, "lastState": {"terminated": {"exitCode": 1}}}),
        "app: is not ready, and runs again after Error (exit code 1)",
    ),
}


@pytest.mark.parametrize(("given", "said"), SITUATIONS.values(), ids=SITUATIONS)
def test_the_most_telling_thing_is_told(given, said):
    assert why_not_ready(given, terminating=False) == said


def stateful_set(generation=2, observed=2, **parts):
    return {
        "metadata": {"generation": generation},
        "spec": {"replicas": 3},
        "status": {"observedGeneration": observed, "updateRevision": "chat-2"},
        **parts,
    }


WORKLOADS = {
    "observed": (stateful_set(), Workload(observed=True, replicas=3, revision="chat-2")),
    "changed since": (stateful_set(generation=3), Workload(observed=False, replicas=3, revision="chat-2")),
    "new": (stateful_set(status={}), Workload(observed=False, replicas=3, revision="")),
    "no status": (stateful_set(status=None), Workload(observed=False, replicas=3, revision="")),
    "zero": (stateful_set(spec={"replicas": 0}), Workload(observed=True, replicas=0, revision="chat-2")),
}


@pytest.mark.parametrize(("given", "read"), WORKLOADS.values(), ids=WORKLOADS)
def test_a_stateful_set_is_believed_when_its_controller_has_seen_it(given, read):
    assert Workload.parse(given) == read


def died(seconds, restarts=1):
    """A container that died after so many seconds, and runs again."""
    ended = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": f"2026-01-01T00:{seconds // 60:02}:{seconds % 60:02}Z"}
    return {"name": "app", "restartCount": restarts, "state": {"running": {}}, "lastState": {"terminated": ended}}


@pytest.mark.parametrize(("container", "young"), [({"name": "app"}, False), (died(8), True), (died(90), False)])
def test_a_container_that_died_soon_after_its_start_has_died_young(container, young):
    body = running()
    body["status"]["containerStatuses"] = [container]
    assert Pod.parse(body).died_young is young


def test_each_run_of_a_container_is_a_life_of_its_own():
    body = running()
    lives = []
    for status in ([], [died(8)], [died(8, restarts=2)]):
        body["status"]["containerStatuses"] = status
        lives.append(Pod.parse(body).life)
    assert lives == ["u/0", "u/1", "u/2"]


def test_since_when_a_pod_is_ready():
    body = running()
    body["status"]["conditions"][2]["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    pod = Pod.parse(body)
    assert (pod.ready_since, pod.ready_seconds("2026-01-01T00:00:30Z")) == ("2026-01-01T00:00:00Z", 30)
    assert Pod.parse(running(ready="False")).ready_since == ""
