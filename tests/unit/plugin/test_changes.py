"""How far a change has come, and what is told of events."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from elixircluster.api import resource as api
from elixircluster.plugin.changes import RESTARTED_AT, retried, rollout, rotation
from elixircluster.plugin.events import about, line
from elixircluster.plugin.target import Duration
from tests.unit.plugin.resources import resource

ROLLING = {"Ready": ("False", "Rolling", "replacing pod chat-0, 1 to go")}


def test_a_rollout_is_done_when_the_resource_is_ready():
    assert rollout(resource()).done


def test_a_rollout_tells_its_step():
    body = resource(**ROLLING)
    body["status"]["updatedReplicas"] = 2
    assert rollout(body).words == "2 of 3 new: replacing pod chat-0, 1 to go"
    assert not rollout(body).done


def test_what_was_ready_before_the_change_is_not_taken_for_its_end():
    body = resource()
    body["metadata"]["generation"] = 2
    assert not rollout(body).done


@pytest.mark.parametrize("judge", [rollout, lambda body: rotation(body, "now")])
def test_nobody_waits_for_what_does_not_go_on(judge):
    stalled = judge(resource(**ROLLING, Stalled=("True", "NameTaken", "Service chat is yours")))
    assert (stalled.failed, stalled.words) == (True, "NameTaken: Service chat is yours")
    paused = resource(**ROLLING)
    paused["spec"]["paused"] = True
    assert judge(paused).failed


@pytest.mark.parametrize("judge", [rollout, lambda body: rotation(body, "now")])
@pytest.mark.parametrize("reason", ["MeshNotHealed", "NotDistributed", "NodeNameOverridden", "TlsNotSpoken"])
def test_a_mesh_that_is_not_healed_ends_no_waiting_while_the_work_goes_on(judge, reason):
    """rotate-cookie failed at its first event, and did not have the pods' files follow, though the rotation went on."""
    seen = judge(resource(**ROLLING, Stalled=("True", reason, "links do not come back")))
    assert not seen.failed
    seen = judge(resource(Ready=("False", reason, "x"), Stalled=("True", reason, "no pod starts")))
    assert seen.failed


@pytest.mark.parametrize(
    ("given", "seconds"), [("90s", 90), ("1h30m", 5400), ("0", 0), ("2.5m", 150), ("250ms", 0.25), ("7", 7)]
)
def test_a_time_is_given_as_to_kubectl(given, seconds):
    assert Duration().convert(given, None, None) == seconds


def test_a_rotation_is_done_when_its_own_value_is_told():
    body = resource(Reconciling=("True", "RotatingCookie", "2 of 3 nodes have it"))
    body["status"]["cookieRotation"] = "yesterday"
    assert rotation(body, "now").words == "2 of 3 nodes have it"
    body["status"]["cookieRotation"] = "now"
    assert rotation(body, "now").done


def test_a_lost_machine_ends_the_waiting_for_a_rollout_and_not_for_a_rotation():
    lost = ("False", "MachineLost", "chat-2: the machine worker2 does not answer")
    body = resource(Ready=lost, Stalled=("True", *lost[1:]))
    assert (rollout(body).failed, rotation(body, "now").failed) == (True, False)


def test_the_annotation_of_a_restart_is_in_our_own_group():
    assert RESTARTED_AT.partition("/")[0] == api.GROUP


def event(kind, name, time, **fields):
    said = {"kind": kind, "name": name}
    return {"metadata": {"creationTimestamp": time}, "involvedObject": said, "reason": "R", "message": "m\nn", **fields}


def test_events_are_those_of_the_resource_and_its_pods_in_order():
    given = [
        event("Pod", "chat-10", "2026-01-01T00:00:03Z"),
        event("Pod", "chat-web-0", "2026-01-01T00:00:02Z"),
        event("Pod", "chatter-0", "2026-01-01T00:00:02Z"),
        event("ElixirCluster", "chat", "2026-01-01T00:00:09Z", lastTimestamp="2026-01-01T00:00:01Z"),
        event("StatefulSet", "chat", "2026-01-01T00:00:00Z", series={"lastObservedTime": "2026-01-01T00:00:02Z"}),
        event("ElixirCluster", "web", "2026-01-01T00:00:02Z"),
    ]
    assert [item["involvedObject"]["name"] for item in about("chat", given)] == ["chat", "chat", "chat-10"]


def test_an_event_is_one_line():
    cells = line(
        event("Pod", "chat-0", "2026-01-01T00:00:00Z", count=3, type="Warning"), datetime(2026, 1, 2, tzinfo=UTC)
    )
    assert [str(cell) for cell in cells] == ["1d", "Warning", "Pod/chat-0", "R", "3", "m n"]


def test_what_failed_before_a_retry_is_not_taken_for_its_end():
    failed = resource(Ready=("False", "MigrationFailed", "no db"), Stalled=("True", "MigrationFailed", "no db"))
    failed["status"]["migration"] = {"job": "one", "result": "Failed"}
    assert not retried(failed, "one").failed
    failed["status"]["migration"] = {"job": "two", "result": "Failed"}
    assert retried(failed, "one").failed
    assert retried(resource(), "one").done
