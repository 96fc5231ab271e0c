"""Waiting for a definition of the API server's."""

from __future__ import annotations

import json

import pytest

from tests.cluster.served import wait_until_served

NEW = {"metadata": {"name": "a"}}
SERVED = {**NEW, "status": {"conditions": [{"type": "Established", "status": "True"}]}}
PENDING = {**NEW, "status": {"conditions": [{"type": "Established", "status": "False"}]}}


def answering(*bodies):
    answers = list(bodies)
    return lambda *_: json.dumps(answers.pop(0) if len(answers) > 1 else answers[0])


def test_a_definition_that_has_no_status_yet_is_waited_for():
    """`kubectl wait` and a jsonpath end with an error there, and with them a whole suite did."""
    wait_until_served(answering(NEW, {**NEW, "status": {"conditions": None}}, PENDING, SERVED), "a")


def test_one_that_never_comes_is_told():
    with pytest.raises(TimeoutError, match="not established"):
        wait_until_served(answering(NEW), "a", seconds=0.0)
