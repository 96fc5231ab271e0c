"""What an answer of the API server means for a resource."""

from __future__ import annotations

import pytest

from elixircluster.control.apply import digest, owned, refusal
from elixircluster.control.ownership import refuse_foreign
from elixircluster.errors import Retry, Stalled
from elixircluster.kube import ApiError
from tests.unit.factory import UID, cluster


def answer(code, message="nonsense is not allowed"):
    return refusal("StatefulSet", "chat", ApiError(code, {"reason": "R", "message": message}, 7.0))


@pytest.mark.parametrize("code", [400, 413, 422])
def test_what_the_user_gave_wrong_stalls_and_is_told(code):
    outcome = answer(code)
    assert isinstance(outcome, Stalled)
    assert (outcome.reason, outcome.message) == ("ApplyRefused", "StatefulSet chat: nonsense is not allowed")


@pytest.mark.parametrize(
    "message",
    [
        "failed to create typed patch object (a/chat; apps/v1, Kind=StatefulSet): .spec.x: field not declared",
        "failed to convert new object (a/chat; apps/v1, Kind=StatefulSet) to proper version: quantities must match",
    ],
)
def test_what_does_not_fit_the_schema_stalls_though_the_answer_is_500(message):
    outcome = answer(500, message)
    assert isinstance(outcome, Stalled)
    assert message in outcome.message


def test_another_500_is_tried_again():
    assert isinstance(answer(500, "etcdserver: leader changed"), Retry)


def test_what_may_not_be_done_is_told_and_tried_again():
    outcome = answer(403)
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.message) == ("Forbidden", "StatefulSet chat: nonsense is not allowed")
    assert outcome.after > 0


@pytest.mark.parametrize("code", [404, 409])
def test_a_world_that_changed_is_looked_at_again_at_once(code):
    outcome = answer(code)
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.message) == ("Conflict", "")
    assert outcome.after < 1


@pytest.mark.parametrize("code", [429, 503, 504])
def test_an_api_server_that_is_busy_is_asked_when_it_says(code):
    outcome = answer(code)
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.message, outcome.after) == ("ApiServer", "", 7.0)


def test_digests_tell_objects_apart_and_not_their_order():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1})


@pytest.mark.parametrize(
    "item",
    [
        {"apiVersion": "v1", "kind": "Pod"},
        {"apiVersion": "apps/v2", "kind": "StatefulSet"},
        {"kind": "StatefulSet"},
    ],
)
def test_a_template_that_makes_a_kind_which_the_operator_may_not_make_stalls(item):
    with pytest.raises(Stalled) as stalled:
        owned(item)
    assert stalled.value.reason == "UnknownKind"
    assert "the operator may make Secret, ConfigMap" in stalled.value.message


def test_an_object_of_somebody_else_is_not_taken():
    with pytest.raises(Stalled) as stalled:
        refuse_foreign(cluster(), "Service", "chat", "")
    assert stalled.value.reason == "NameTaken"
    assert "Service chat exists" in stalled.value.message


def test_an_object_of_another_resource_is_not_taken():
    with pytest.raises(Stalled, match="NameTaken"):
        refuse_foreign(cluster("chat-nodes"), "Service", "chat-nodes", "another uid", "chat")


def test_an_object_of_an_earlier_resource_of_this_name_is_waited_for():
    with pytest.raises(Retry, match="WaitingForDeletion"):
        refuse_foreign(cluster(), "Service", "chat", "another uid", "chat")


def test_an_object_of_the_resource_is_its_own():
    assert refuse_foreign(cluster(), "Service", "chat", UID) is None
