"""What is to be done about a migration, and what is told of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from elixircluster.errors import Retry, Stalled
from elixircluster.migration.decision import step, told
from elixircluster.observed.diagnosis import Diagnosis
from elixircluster.observed.job import Job
from elixircluster.render.migration import attempt
from tests.unit.factory import cluster, pod

MIGRATION = {"command": ["/app/bin/migrate"]}
OTHER = "another"


def resource(image="chat:2", images=(), **more):
    found = cluster(image=image, migration=MIGRATION, **more)
    return replace(found, status={"migration": {"images": list(images)}} if images else {})


def job(name, image="chat:2", made_for=OTHER, result="", **pod_said):
    pods = (pod(0, **pod_said),) if pod_said else ()
    return Job(
        name, f"uid-{name}", "1", image, made_for, result, "BackoffLimitExceeded: no" if result else "", pods=pods
    )


WANTED = resource()
OWN = attempt(WANTED)
STEPS = {
    "none was made": (WANTED, [], (Retry, True, [])),
    "it runs": (WANTED, [job("a", made_for=OWN)], (Retry, False, [])),
    "it has run": (WANTED, [job("a", made_for=OWN, result="Complete")], (None, False, [])),
    "it has run for another spec": (WANTED, [job("a", result="Complete")], (None, False, [])),
    "it had run before": (resource(images=["chat:2"]), [], (None, False, [])),
    "it has failed": (WANTED, [job("a", made_for=OWN, result="Failed")], (Stalled, False, [])),
    "another attempt has failed": (WANTED, [job("a", result="Failed")], (Retry, True, ["a"])),
    "one of another image runs": (WANTED, [job("a", "chat:1", ready=False)], (Retry, False, [])),
    "one of another image has not begun": (
        WANTED,
        [job("a", "chat:1", ready=False, begun=False)],
        (Retry, False, ["a"]),
    ),
    "of one nothing is seen yet": (WANTED, [job("a", "chat:1")], (Retry, False, [])),
    "an earlier image's is remembered": (
        resource(images=["chat:1"]),
        [job("a", "chat:1", result="Complete")],
        (Retry, True, ["a"]),
    ),
    "an earlier image's is not remembered yet": (WANTED, [job("a", "chat:1", result="Complete")], (Retry, True, [])),
    "none is wanted": (cluster(), [job("a", result="Failed"), job("b")], (None, False, ["a"])),
}


@pytest.mark.parametrize(("wanted", "jobs", "expected"), STEPS.values(), ids=STEPS)
def test_the_next_step(wanted, jobs, expected):
    found = step(wanted, jobs)
    trouble, create, removed = expected
    assert (type(found.trouble) if found.trouble else None) == trouble
    assert (found.create, [each.name for each in found.remove]) == (create, removed)


def test_who_has_to_act_is_told_why_where_the_log_is_and_the_way_out():
    said = job(
        "chat-migration-1", made_for=OWN, result="Failed", ready=False, message="app: Error (exit code 1): no db"
    )
    assert step(WANTED, [said]).trouble.message == (
        "Job chat-migration-1: app: Error (exit code 1): no db; its log: kubectl logs -n default job/chat-migration-1. "
        "The nodes are as they were; change the spec, or try again: kubectl elixir retry chat"
    )


def test_an_image_that_cannot_be_pulled_is_told_before_kubernetes_gives_up():
    ill = pod(0, ready=False, begun=False, diagnosis=Diagnosis("ImagePull", "no such image"))
    found = step(WANTED, [replace(job("a", made_for=OWN), pods=(ill,))])
    assert isinstance(found.trouble, Stalled)
    assert found.trouble.reason == "ImagePull"


@pytest.mark.parametrize(
    "changed",
    [{"env": [{"name": "A", "value": "1"}]}, {"image": "chat:3"}, {"migration": {"command": ["/app/bin/other"]}}],
    ids=str,
)
def test_another_spec_is_another_attempt(changed):
    assert attempt(cluster(**{"image": "chat:2", "migration": MIGRATION, **changed})) != OWN


@pytest.mark.parametrize("changed", [{"replicas": 5}, {"paused": True}, {"update": {"strategy": "Recreate"}}], ids=str)
def test_a_change_that_it_does_not_depend_on_is_none(changed):
    assert attempt(resource(**changed)) == OWN


def test_another_attempt_is_asked_for_by_the_annotation():
    assert attempt(replace(WANTED, retry="now")) != OWN


RESULTS = {
    "not begun": ([], {"image": "chat:2", "result": "Pending"}),
    "running": ([job("a", made_for=OWN)], {"image": "chat:2", "job": "a", "result": "Running"}),
    "run": (
        [job("a", made_for=OWN, result="Complete")],
        {"image": "chat:2", "job": "a", "result": "Complete", "images": ["chat:2"]},
    ),
    "failed": (
        [job("a", made_for=OWN, result="Failed")],
        {"image": "chat:2", "job": "a", "result": "Failed", "message": "BackoffLimitExceeded: no"},
    ),
}


@pytest.mark.parametrize(("jobs", "expected"), RESULTS.values(), ids=RESULTS)
def test_status_tells_how_it_stands(jobs, expected):
    assert told(WANTED, jobs) == expected


def test_that_an_image_was_migrated_is_told_whatever_became_of_its_job():
    before = {"image": "chat:2", "job": "a", "result": "Complete", "endedAt": "then", "images": ["chat:2", "chat:1"]}
    assert told(replace(WANTED, status={"migration": before}), []) == before


def test_what_was_migrated_is_remembered_while_no_migration_is_wanted():
    before = {"image": "chat:2", "result": "Complete", "images": ["chat:2"]}
    assert told(replace(cluster(), status={"migration": before}), []) == {"images": ["chat:2"]}
