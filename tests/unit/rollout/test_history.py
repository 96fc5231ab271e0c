"""What is remembered of revisions, and what is gone back to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from elixircluster.api.resource import KIND, parse
from elixircluster.api.status import LONGEST_SPEC, MOST_REVISIONS
from elixircluster.rollout.history import Standing, in_force, is_promoted, recorded, spec_of
from tests.unit.factory import LATER, NOW, TEMPLATES, cluster
from tests.unit.factory import render as rendered

EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "examples").rglob("*.yaml"))
FAILED = Standing(failure="no progress", overdue=True)
COMPLETE = Standing(complete=True)
ROLLBACK = {"onFailure": "Rollback"}


def after(*steps, **beside):
    """A resource and its history, newest first, after these: the image, and how its revision stands then."""
    before = []
    for image, standing in steps:
        wanted = replace(cluster(image=image, update=ROLLBACK, **beside), status={"history": before})
        resource = in_force(wanted)
        before = recorded(resource, resource.spec.image, standing, NOW)
    return replace(resource, status={"history": before})


def results(resource):
    return [(entry["revision"], entry["result"]) for entry in resource.status["history"]]


def entry(revision, result):
    return {"revision": revision, "image": revision, "startedAt": NOW, "result": result, "spec": "{}"}


STORIES = {
    "begins": ([("a", Standing())], [("a", "Progressing")]),
    "ends well": ([("a", Standing()), ("a", COMPLETE)], [("a", "Complete")]),
    "gets on after all": ([("a", FAILED), ("a", COMPLETE)], [("a", "Complete")]),
    "was good once": ([("a", COMPLETE), ("a", FAILED)], [("a", "Complete")]),
    "has failed, before a machine was lost": ([("a", FAILED), ("a", Standing(unsure=True))], [("a", "Failed")]),
    "is overtaken": ([("a", Standing()), ("b", COMPLETE)], [("b", "Complete"), ("a", "Superseded")]),
    "has nothing to go back to": ([("a", FAILED)], [("a", "Failed")]),
    "fails and may yet get on": (
        [("a", COMPLETE), ("b", Standing(failure="bad image"))],
        [("b", "Failed"), ("a", "Complete")],
    ),
    "is taken back": (
        [("a", COMPLETE), ("b", FAILED), ("b", Standing())],
        [("a", "Progressing"), ("b", "RolledBack"), ("a", "Complete")],
    ),
    "fails, and so does what is in its place": (
        [("z", COMPLETE), ("a", COMPLETE), ("b", FAILED), ("b", FAILED), ("b", FAILED)],
        [("a", "Failed"), ("b", "RolledBack"), ("a", "Complete"), ("z", "Complete")],
    ),
    "is not wanted any more": (
        [("a", COMPLETE), ("b", FAILED), ("b", COMPLETE), ("c", COMPLETE)],
        [("c", "Complete"), ("a", "Complete"), ("b", "Failed"), ("a", "Complete")],
    ),
}


@pytest.mark.parametrize(("steps", "wanted"), STORIES.values(), ids=STORIES)
def test_a_revision(steps, wanted):
    assert results(after(*steps)) == wanted


def test_what_stands_back_says_which_revision_why_and_what_to_do():
    resource = in_force(replace(after(("a", COMPLETE), ("b", FAILED)), spec=cluster(image="b").spec))
    assert resource.failed == (
        "revision b (b) has failed, revision a (a) is in its place; change the spec, or take the change back. "
        "no progress"
    )


def test_size_pause_and_the_way_of_updating_are_never_gone_back_to():
    stands = replace(after(("a", COMPLETE), ("b", FAILED)), spec=cluster(image="b", replicas=7, paused=True).spec)
    spec = in_force(stands).spec
    assert (spec.image, spec.replicas, spec.paused, spec.update.on_failure) == ("a", 7, True, "Pause")


@pytest.mark.parametrize("count", [MOST_REVISIONS - 1, MOST_REVISIONS, 3 * MOST_REVISIONS])
def test_the_last_good_one_is_remembered_however_many_have_failed_since(count):
    """With it would go what is gone back to, and the failed one would be tried again and again."""
    attempts = [(f"v{number}", Standing(failure="bad")) for number in range(count)]
    resource = after(("good", COMPLETE), *attempts, ("last", FAILED), ("last", COMPLETE))
    assert len(results(resource)) == MOST_REVISIONS
    assert results(resource)[0] == ("good", "Complete")
    assert results(resource)[1] == ("last", "RolledBack")
    assert in_force(replace(resource, spec=cluster(image="last").spec)).spec.image == "good"


def test_the_same_again_is_the_same():
    resource = after(("a", COMPLETE))
    assert recorded(resource, "a", COMPLETE, LATER) == resource.status["history"]


def test_a_spec_that_is_too_long_is_not_kept_and_not_gone_back_to():
    long = {"files": {"a.txt": "x" * LONGEST_SPEC}}
    resource = after(("a", COMPLETE), ("b", FAILED), **long)
    assert results(resource) == [("b", "Failed"), ("a", "Complete")]
    assert "spec" not in resource.status["history"][0]


def test_a_spec_that_has_grown_too_long_is_not_kept_as_it_was():
    resource = after(("a", COMPLETE))
    longer = replace(resource, spec=cluster(image="a", files={"a.txt": "x" * LONGEST_SPEC}).spec)
    assert "spec" not in recorded(longer, "a", COMPLETE, NOW)[0]


def test_what_an_operator_cannot_read_it_does_not_go_back_to():
    history = [{**entry("b", "RolledBack"), "spec": spec_of(cluster(image="b"))}, entry("a", "Complete")]
    resource = replace(cluster(image="b"), status={"history": history})
    assert in_force(resource) == resource


def examples():
    bodies = (body for path in EXAMPLES for body in yaml.safe_load_all(path.read_text()))
    return [body for body in bodies if (body or {}).get("kind") == KIND]


@pytest.mark.parametrize("body", examples(), ids=lambda body: body["metadata"]["name"])
def test_what_is_gone_back_to_makes_the_very_nodes_of_then(body):
    then = parse({**body, "metadata": {**body["metadata"], "uid": "1"}})
    history = [
        {**entry("new", "RolledBack"), "spec": spec_of(replace(then, spec=cluster(image="new").spec))},
        {**entry("old", "Complete"), "spec": spec_of(then)},
    ]
    wants = replace(then, spec=cluster(image="new", replicas=then.spec.replicas).spec, status={"history": history})
    assert rendered(in_force(wants), TEMPLATES, "cookie") == rendered(then, TEMPLATES, "cookie")


PROMOTED = {"nobody has said so": ("", False), "somebody has": ("b", True), "of another one": ("c", False)}


@pytest.mark.parametrize(("said", "promoted"), PROMOTED.values(), ids=PROMOTED)
def test_a_revision_is_promoted_by_its_name(said, promoted):
    resource = replace(after(("a", COMPLETE), ("b", Standing())), promoted=said)
    assert is_promoted(resource, "b") is promoted


def test_the_way_back_needs_no_promotion():
    assert is_promoted(after(("a", COMPLETE), ("b", Standing())), "a")


def test_the_same_spec_is_no_way_back():
    """What nodes read of a Secret may be another thing, and bad. It was taken back to itself, and told as mended."""
    wanted = replace(cluster(image="a", update=ROLLBACK), status={})
    good = recorded(wanted, "a", COMPLETE, NOW)
    bad = recorded(replace(wanted, status={"history": good}), "a-with-another-secret", FAILED, NOW)
    assert [entry["result"] for entry in bad] == ["Failed", "Complete"]
