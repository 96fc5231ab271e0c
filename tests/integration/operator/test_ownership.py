"""What belongs to somebody else is never touched, and what is missing is waited for."""

from __future__ import annotations

import pytest

from tests.integration.operator.client import eventually, steadily

FOREIGN = {
    "Service": ("chat-nodes", {"spec": {"ports": [{"port": 80}], "selector": {"app": "mine"}}}),
    "ConfigMap": ("chat-config", {"data": {"mine": "kept"}}),
    "ServiceAccount": ("chat", {"automountServiceAccountToken": True}),
    "Secret": ("chat-cookie", {"stringData": {"mine": "kept"}}),
    "PodDisruptionBudget": ("chat", {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "mine"}}}}),
}


@pytest.mark.parametrize(("kind", "name", "body"), [(kind, *row) for kind, row in FOREIGN.items()], ids=FOREIGN)
def test_an_object_of_somebody_else_is_not_touched(namespace, kind, name, body):
    foreign = namespace.create(kind, name, body)
    namespace.cluster("chat")
    stalled = namespace.until("chat", "Stalled", reason="NameTaken")
    assert f"{kind} {name}" in stalled["message"]
    namespace.change("chat", files={"a": "b"})
    namespace.until("chat", "Stalled", reason="NameTaken")
    found = namespace.get(kind, name)
    assert found["metadata"]["uid"] == foreign["metadata"]["uid"]
    assert "ownerReferences" not in found["metadata"]
    assert {part: found[part] for part in body if part != "stringData"} == {
        part: foreign[part] for part in body if part != "stringData"
    }
    namespace.delete(kind, name)
    namespace.until("chat", seconds=20)
    assert namespace.get(kind, name)["metadata"]["ownerReferences"]


def test_an_object_with_our_labels_and_no_owner_is_not_ours(namespace):
    labels = {"app.kubernetes.io/managed-by": "elixircluster", "elixircluster.dev/cluster": "chat"}
    namespace.create("ConfigMap", "chat-config", {"metadata": {"labels": labels}, "data": {"mine": "kept"}})
    namespace.create("ConfigMap", "another", {"metadata": {"labels": labels}, "data": {"mine": "kept"}})
    namespace.cluster("chat")
    namespace.until("chat", "Stalled", reason="NameTaken")
    assert namespace.get("ConfigMap", "chat-config")["data"] == {"mine": "kept"}
    namespace.delete("ConfigMap", "chat-config")
    namespace.until("chat")
    assert namespace.get("ConfigMap", "another")["data"] == {"mine": "kept"}


def test_two_resources_whose_names_collide_are_told_so(namespace):
    namespace.cluster("chat")
    namespace.until("chat")
    namespace.cluster("chat-nodes", web={})
    stalled = namespace.until("chat-nodes", "Stalled", reason="NameTaken")
    assert "Service chat-nodes" in stalled["message"]
    assert namespace.condition("chat", "Ready")["status"] == "True"
    namespace.change("chat-nodes", web=None)
    namespace.until("chat-nodes")


GOOD = "hunter2_hunter2_hunter2"
COOKIE = {"cookie": {"secretKeyRef": {"name": "mine", "key": "cookie"}}}


def test_a_secret_that_comes_later_is_seen(namespace):
    namespace.cluster("chat", distribution=COOKIE)
    stalled = namespace.until("chat", "Stalled", reason="CookieSecretMissing")
    assert "spec.distribution.cookie.secretKeyRef" in stalled["message"]
    namespace.create("Secret", "mine", {"stringData": {"other": "x"}})
    namespace.until("chat", "Stalled", reason="CookieKeyMissing")
    namespace.patch("Secret", "mine", {"stringData": {"cookie": GOOD + "\n"}})
    stalled = namespace.until("chat", "Stalled", reason="CookieInvalid")
    assert "newline" in stalled["message"]
    assert "hunter2" not in str(namespace.get("ElixirCluster", "chat"))
    namespace.patch("Secret", "mine", {"stringData": {"cookie": GOOD}})
    namespace.until("chat")
    assert namespace.get("Secret", "chat-cookie") is None
    events = {event["reason"]: event for event in namespace.list("Event")}
    assert {"CookieSecretMissing", "Recovered"} <= set(events)
    assert "hunter2" not in str(events)


def test_a_secret_that_goes_away_stalls_a_resource_that_was_well(namespace):
    namespace.create("Secret", "mine", {"stringData": {"cookie": GOOD}})
    namespace.cluster("chat", distribution=COOKIE)
    namespace.until("chat")
    namespace.delete("Secret", "mine")
    namespace.until("chat", "Stalled", reason="CookieSecretMissing")
    namespace.create("Secret", "mine", {"stringData": {"cookie": GOOD}})
    namespace.until("chat")


def test_a_paused_resource_is_reported_and_not_changed(namespace):
    namespace.cluster("chat", web={})
    namespace.until("chat")
    namespace.change("chat", paused=True, image="localhost/nothing:2")
    namespace.until("chat", "Paused")
    namespace.delete("Service", "chat")
    namespace.change("chat", files={"a": "b"})
    namespace.until("chat", "Paused")
    steadily(lambda: namespace.get("Service", "chat") is None, 1.5)
    stateful_set = namespace.get("StatefulSet", "chat")
    assert stateful_set["spec"]["template"]["spec"]["containers"][0]["image"] == "localhost/nothing:1"
    namespace.change("chat", paused=False)
    namespace.until("chat", "Paused", "False")
    namespace.until("chat")
    assert namespace.get("Service", "chat")
    stateful_set = namespace.get("StatefulSet", "chat")
    assert stateful_set["spec"]["template"]["spec"]["containers"][0]["image"] == "localhost/nothing:2"
    reasons = {event["reason"] for event in eventually(lambda: namespace.list("Event"))}
    assert {"Paused", "Resumed"} <= reasons


def test_a_resource_that_is_born_paused_gets_nothing(namespace):
    namespace.cluster("chat", paused=True)
    namespace.until("chat", "Paused")
    assert namespace.children("chat") == {}
    namespace.change("chat", paused=False)
    namespace.until("chat")
