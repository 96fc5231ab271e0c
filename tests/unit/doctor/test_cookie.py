"""Cookies: whose is another, and whose file is merely behind. The kubelet writes it within a minute or two."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from .factory import NOW, broken, condition, failures, finding
from .faults import another_cookie, started


def test_without_the_secret_in_the_pods_the_minority_has_the_wrong_cookie():
    def unmounted(told):
        told["cookie"]["mounted"] = None

    facts = broken(unmounted, facts=broken(another_cookie, 1))
    assert "chat-1 has another cookie than most of the others" in finding(facts, "cookie").verdict.evidence


def test_a_cookie_that_was_rotated_while_the_nodes_ran_is_no_fault():
    def rotated(told):
        told["cookie"]["mounted"] = told["node"]["cookie"] = "cc"

    assert failures(broken(rotated)) == []


def not_let_in(told):
    """The node has a newer cookie than its pod."""
    told["node"] = {"error": "refused"}


def rotated(facts, ago, *, clustered="True", value=None):
    at = datetime.fromtimestamp(NOW - ago, UTC).isoformat()
    conditions = [
        condition("Stalled", "False", ""),
        condition("Clustered", clustered, "FullMesh"),
    ]
    status = {"observedGeneration": 1, "conditions": conditions, "cookieRotation": value or at}
    return replace(facts, resource={**facts.resource, "status": status})


@pytest.mark.parametrize("value", [None, "7"])
@pytest.mark.parametrize("ordinals", [(), (1,)], ids=["nobody's file is new", "one file is behind"])
def test_after_a_rotation_nobody_is_advised_to_delete_pods_whose_file_is_behind(ordinals, value):
    facts = started(rotated(broken(not_let_in, *ordinals), 30, value=value), 3600)
    assert failures(facts) == []
    assert finding(facts, "oneself").verdict.state == "skipped"
    assert "two minutes" in finding(facts, "oneself").verdict.said


def test_files_that_are_new_on_some_pods_make_no_difference_of_cookies():
    def followed(told):
        told["cookie"]["mounted"] = told["node"]["cookie"] = "cc"

    facts = started(rotated(broken(not_let_in, 1, facts=broken(followed, 0, 2)), 30), 3600)
    assert failures(facts) == []
    assert finding(facts, "cookie").verdict.state == "passed"


def test_a_secret_of_the_users_with_a_new_value_is_followed_in_the_same_way():
    facts = broken(not_let_in)
    assert failures(facts) == []


def test_a_node_that_was_given_another_cookie_by_hand_is_named_still():
    assert failures(broken(not_let_in, 1)) == ["oneself"]
    long_ago = rotated(broken(not_let_in, 1), 86400)
    assert failures(started(long_ago, 3600)) == ["oneself"]


def test_while_the_operator_rotates_nobody_is_blamed():
    facts = broken(not_let_in, 1)
    conditions = [condition("Reconciling", "True", "RotatingCookie"), condition("Clustered", "True", "FullMesh", "")]
    status = {"observedGeneration": 1, "conditions": conditions}
    assert failures(replace(facts, resource={**facts.resource, "status": status})) == []
