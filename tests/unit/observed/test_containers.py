"""Which container is in the way: init containers and native sidecars stand apart in a pod's status."""

from __future__ import annotations

import pytest

from elixircluster.observed.containers import trouble
from elixircluster.observed.diagnosis import diagnose
from elixircluster.render.names import CONTAINER

READ_ONLY = '** (File.Error) could not write to file "/app/lib/zone.tar.gz": read-only file system\n'
SAID = '** (File.Error) could not write to file "/app/lib/zone.tar.gz": read-only file system'
DIED = {"terminated": {"exitCode": 1, "reason": "Error", "message": READ_ONLY}}
KILLED = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
DONE = {"terminated": {"exitCode": 0, "reason": "Completed"}}
RUNS = {"running": {"startedAt": "x"}}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}}
INITIALIZING = {"waiting": {"reason": "PodInitializing"}}


def container(name, state, last=None, ready=False):
    return {"name": name, "state": state, "lastState": last or {}, "ready": ready}


APP = container("app", INITIALIZING)
DONE_BEFORE = container("migrate", DONE, ready=True)
PROXY = container("proxy", RUNS, ready=True)

SITUATIONS = {
    # Status said "its containers start" after five restarts: this is what the kubelet tells most of the time.
    "an init container has died": ([container("migrate", DIED, DIED)], [APP], f"migrate: Error (exit code 1): {SAID}"),
    "an init container waits for its next start": (
        [container("migrate", BACK_OFF, DIED)],
        [APP],
        f"migrate: CrashLoopBackOff (exit code 1): {SAID}",
    ),
    "an init container runs again": (
        [container("migrate", RUNS, DIED)],
        [APP],
        f"migrate: is not ready, and runs again after Error (exit code 1): {SAID}",
    ),
    "an init container runs": ([container("migrate", RUNS)], [APP], "migrate runs, and the others wait for it"),
    "an init container has no image": (
        [container("migrate", {"waiting": {"reason": "ErrImagePull", "message": "not found"}})],
        [APP],
        "migrate: ImagePullBackOff: not found",
    ),
    "a native sidecar dies before the release starts": (
        [DONE_BEFORE, container("proxy", BACK_OFF, KILLED)],
        [APP],
        "proxy: CrashLoopBackOff (exit code 137)",
    ),
    "a native sidecar ends, as none should": (
        [container("proxy", DONE)],
        [APP],
        "proxy: Completed (exit code 0)",
    ),
    "a native sidecar that died once and runs": (
        [container("proxy", RUNS, KILLED, ready=True)],
        [container("app", RUNS)],
        "",
    ),
    "the release has died": ([DONE_BEFORE], [container("app", DIED)], f"app: Error (exit code 1): {SAID}"),
    "the release runs again": (
        [],
        [container("app", RUNS, KILLED)],
        "app: is not ready, and runs again after OOMKilled (exit code 137)",
    ),
    "a sidecar dies beside the release": (
        [],
        [container("app", RUNS, ready=True), container("agent", BACK_OFF, DIED)],
        f"agent: CrashLoopBackOff (exit code 1): {SAID}",
    ),
    "one that is down counts more than one that came back": (
        [],
        [container("app", RUNS, DIED), container("agent", BACK_OFF, KILLED)],
        "agent: CrashLoopBackOff (exit code 137)",
    ),
    "all on their way": ([DONE_BEFORE, PROXY], [APP], ""),
    "runs, is not ready": ([PROXY], [container("app", RUNS)], ""),
    "nothing known": ([], [], ""),
}


@pytest.mark.parametrize(("init", "others", "said"), SITUATIONS.values(), ids=SITUATIONS)
def test_the_container_that_is_in_the_way_is_told_with_its_end(init, others, said):
    assert trouble({"initContainerStatuses": init, "containerStatuses": others}) == said


def test_a_pod_of_which_nothing_is_known_has_no_trouble():
    assert trouble({}) == ""
    assert trouble({"initContainerStatuses": None, "containerStatuses": None}) == ""


DIAGNOSED = {
    "an init container": ({"initContainerStatuses": [container("migrate", BACK_OFF, DIED)]}, "container migrate: "),
    "a sidecar": ({"containerStatuses": [container("agent", DIED)]}, "container agent: "),
    "the release": ({"containerStatuses": [container("app", BACK_OFF, DIED)]}, ""),
}


@pytest.mark.parametrize(("status", "named"), DIAGNOSED.values(), ids=DIAGNOSED)
def test_the_mistake_of_any_container_is_named_with_the_container(status, named):
    found = diagnose(status, CONTAINER)
    assert found is not None
    assert found.reason == "ReadOnlyFileSystem"
    assert found.advice.startswith(f"{named}it writes outside of /tmp")


def test_what_a_container_died_of_that_runs_well_now_explains_nothing():
    status = {"initContainerStatuses": [container("proxy", RUNS, DIED, ready=True)], "containerStatuses": [APP]}
    assert diagnose(status, CONTAINER) is None


def test_a_pod_that_the_kubelet_gave_up_tells_why_and_not_what_became_of_its_containers():
    killed = container("app", {"terminated": {"exitCode": 137, "reason": "Error"}})
    status = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}
    assert trouble(status) == "Evicted: The node was low on resource: memory."
    assert trouble({**status, "containerStatuses": [killed]}) == "Evicted: The node was low on resource: memory."
    assert trouble({"phase": "Failed", "containerStatuses": [killed]}) == "app: Error (exit code 137)"
