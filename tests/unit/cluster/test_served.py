"""Waiting for a definition of the API server's."""

from __future__ import annotations

import json

import pytest

from tests.cluster import Cluster, KubectlError

NEW = {"metadata": {"name": "a"}}
SERVED = {**NEW, "status": {"conditions": [{"type": "Established", "status": "True"}]}}
PENDING = {**NEW, "status": {"conditions": [{"type": "Established", "status": "False"}]}}


def answering(monkeypatch, *bodies):
    answers = list(bodies)
    monkeypatch.setattr(Cluster, "kubectl", lambda *_: json.dumps(answers.pop(0) if len(answers) > 1 else answers[0]))
    return Cluster(None)


def test_a_definition_that_has_no_status_yet_is_waited_for(monkeypatch):
    """`kubectl wait` and a jsonpath end with an error there, and with them a whole suite did."""
    answering(monkeypatch, NEW, {**NEW, "status": {"conditions": None}}, PENDING, SERVED).wait_until_served("a")


def test_one_that_never_comes_is_told(monkeypatch):
    with pytest.raises(KubectlError, match="not established"):
        answering(monkeypatch, NEW).wait_until_served("a", seconds=0.0)
