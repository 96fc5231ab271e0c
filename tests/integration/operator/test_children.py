"""The children are as the resource wants them, and stay so."""

from __future__ import annotations

import base64
import time

import pytest

from tests.integration.operator.client import RefusedError, eventually, steadily

WHOLE = {"web": {"port": 4000}, "files": {"a.txt": "A"}}
CHILDREN = {
    ("StatefulSet", "chat"),
    ("Service", "chat"),
    ("Service", "chat-nodes"),
    ("ConfigMap", "chat-config"),
    ("Secret", "chat-cookie"),
    ("ServiceAccount", "chat"),
    ("PodDisruptionBudget", "chat"),
    ("NetworkPolicy", "chat-distribution"),
}
AT_ONCE = 1.0
"""Seconds in which the operator answers a change; a machine under load may take some more."""


@pytest.fixture
def chat(namespace):
    namespace.cluster("chat", **WHOLE)
    namespace.until("chat")
    return namespace


def test_a_resource_gets_its_children(chat):
    owner = chat.get("ElixirCluster", "chat")["metadata"]["uid"]
    children = chat.children("chat")
    assert set(children) == CHILDREN
    for child in children.values():
        (reference,) = child["metadata"]["ownerReferences"]
        assert (reference["uid"], reference["controller"]) == (owner, True)


@pytest.mark.parametrize(("kind", "name"), sorted(CHILDREN))
def test_a_child_that_was_deleted_comes_back(chat, kind, name):
    before = chat.get(kind, name)["metadata"]["uid"]
    started = time.monotonic()
    chat.delete(kind, name)
    eventually(lambda: (chat.get(kind, name) or {"metadata": {"uid": before}})["metadata"]["uid"] != before)
    assert time.monotonic() - started < 2 * AT_ONCE


EDITS = {
    "replicas": ("StatefulSet", "chat", {"spec": {"replicas": 2}}, lambda o: o["spec"]["replicas"] == 0),
    "strategy": (
        "StatefulSet",
        "chat",
        {"spec": {"updateStrategy": {"type": "RollingUpdate"}}},
        lambda o: o["spec"]["updateStrategy"]["type"] == "OnDelete",
    ),
    "selector": (
        "Service",
        "chat",
        {"spec": {"selector": {"elixircluster.dev/cluster": "other"}}},
        lambda o: o["spec"]["selector"]["elixircluster.dev/cluster"] == "chat",
    ),
    "not ready addresses": (
        "Service",
        "chat-nodes",
        {"spec": {"publishNotReadyAddresses": False}},
        lambda o: o["spec"].get("publishNotReadyAddresses"),
    ),
    "file": (
        "ConfigMap",
        "chat-config",
        {"data": {"libcluster.config": "[]."}},
        lambda o: "elixircluster" in o["data"]["libcluster.config"],
    ),
    "file taken away": (
        "ConfigMap",
        "chat-config",
        {"data": {"file.a.txt": None}},
        lambda o: "file.a.txt" in o["data"],
    ),
    "token": (
        "ServiceAccount",
        "chat",
        {"automountServiceAccountToken": True},
        lambda o: o["automountServiceAccountToken"] is False,
    ),
    "budget": (
        "PodDisruptionBudget",
        "chat",
        {"spec": {"maxUnavailable": 100}},
        lambda o: o["spec"]["maxUnavailable"] == 1,
    ),
    "who may reach the distribution port": (
        "NetworkPolicy",
        "chat-distribution",
        {"spec": {"ingress": [{}]}},
        lambda o: o["spec"]["ingress"] != [{}],
    ),
    "label": (
        "Service",
        "chat-nodes",
        {"metadata": {"labels": {"elixircluster.dev/cluster": None}}},
        lambda o: (o["metadata"].get("labels") or {}).get("elixircluster.dev/cluster") == "chat",
    ),
    "label by which it is watched": (
        "ConfigMap",
        "chat-config",
        {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}},
        lambda o: (o["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == "elixircluster",
    ),
}


@pytest.mark.parametrize(("kind", "name", "edit", "mended"), EDITS.values(), ids=EDITS)
def test_a_child_that_was_edited_by_hand_is_mended(chat, kind, name, edit, mended):
    assert mended(chat.get(kind, name))
    started = time.monotonic()
    chat.patch(kind, name, edit)
    eventually(lambda: mended(chat.get(kind, name)))
    assert time.monotonic() - started < 2 * AT_ONCE


def test_what_others_add_to_a_child_stays(chat):
    for kind, name in sorted(CHILDREN):
        chat.patch(kind, name, {"metadata": {"annotations": {"example.com/mine": "kept"}, "labels": {"team": "talk"}}})
    chat.patch("Service", "chat", {"spec": {"sessionAffinity": "ClientIP"}})
    chat.change("chat", files={"a.txt": "B"})
    eventually(lambda: chat.get("ConfigMap", "chat-config")["data"]["file.a.txt"] == "B")
    chat.until("chat")
    for kind, name in sorted(CHILDREN):
        metadata = chat.get(kind, name)["metadata"]
        assert metadata["annotations"]["example.com/mine"] == "kept"
        assert metadata["labels"]["team"] == "talk"
    assert chat.get("Service", "chat")["spec"]["sessionAffinity"] == "ClientIP"


def test_any_text_reaches_the_nodes_as_it_was_written(chat):
    text = "\U0001f600 \U00010000 é \u2028\u2029\ufeff\x85\x7f '\"`\\ {{ x }} {% y %} $(z)\n---\n...\t# a: [b"
    chat.change(
        "chat",
        files={"a.txt": text},
        env=[{"name": "A", "value": text}],
        podMetadata={"annotations": {"example.com/a": text}},
    )
    eventually(lambda: chat.get("ConfigMap", "chat-config")["data"]["file.a.txt"] == text)
    chat.until("chat")
    template = chat.get("StatefulSet", "chat")["spec"]["template"]
    assert template["metadata"]["annotations"]["example.com/a"] == text
    assert {"name": "A", "value": text} in template["spec"]["containers"][0]["env"]


def test_nothing_is_written_when_nothing_changes(chat):
    def versions():
        return {key: child["metadata"]["resourceVersion"] for key, child in chat.children("chat").items()}

    before, resource = versions(), chat.get("ElixirCluster", "chat")["metadata"]["resourceVersion"]
    chat.patch("ElixirCluster", "chat", {"metadata": {"annotations": {"a": "b"}}})
    touched = chat.get("ElixirCluster", "chat")["metadata"]["resourceVersion"]
    assert touched != resource
    steadily(lambda: versions() == before, 1.5)
    assert chat.get("ElixirCluster", "chat")["metadata"]["resourceVersion"] == touched


def test_the_service_for_clients_goes_with_web(chat):
    chat.change("chat", web=None)
    eventually(lambda: chat.get("Service", "chat") is None)
    chat.until("chat")
    assert set(chat.children("chat")) == CHILDREN - {("Service", "chat")}


def test_our_service_account_goes_where_the_user_names_one(chat):
    chat.change("chat", serviceAccount={"name": "default"})
    eventually(lambda: chat.get("ServiceAccount", "chat") is None)
    template = chat.get("StatefulSet", "chat")["spec"]["template"]["spec"]
    assert template["serviceAccountName"] == "default"
    assert chat.get("ServiceAccount", "default")


def test_the_cookie_is_never_changed_and_never_deleted(chat):
    before = chat.get("Secret", "chat-cookie")
    mine = {"metadata": {}, "stringData": {"cookie": "my_cookie_of_enough_characters"}}
    chat.create("Secret", "mine", mine)
    chat.change(
        "chat", files={"a.txt": "C"}, distribution={"cookie": {"secretKeyRef": {"name": "mine", "key": "cookie"}}}
    )
    eventually(lambda: "my_cookie" not in str(chat.get("StatefulSet", "chat")) and env(chat)["name"] == "mine")
    chat.until("chat")
    assert chat.get("Secret", "chat-cookie") == before
    chat.change("chat", distribution={"cookie": None})
    eventually(lambda: env(chat)["name"] == "chat-cookie")
    assert chat.get("Secret", "chat-cookie") == before


def env(namespace):
    entries = namespace.get("StatefulSet", "chat")["spec"]["template"]["spec"]["containers"][0]["env"]
    return next(entry["valueFrom"]["secretKeyRef"] for entry in entries if entry["name"] == "RELEASE_COOKIE")


def cookie(namespace):
    secret = namespace.get("Secret", "chat-cookie") or {}
    return secret.get("data", {}).get("cookie")


SPOILED = {
    "deleted": None,
    "taken away": {"data": {"cookie": None}},
    "emptied": {"data": {"cookie": ""}},
    "with a newline": {"stringData": {"cookie": "a_cookie_of_enough_characters\n"}},
    "guessable": {"stringData": {"cookie": "by_hand"}},
}


@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED)
def test_a_cookie_that_nodes_still_have_is_put_back(chat, spoiled):
    before = cookie(chat)
    template = chat.get("StatefulSet", "chat")["spec"]["template"]
    if spoiled is None:
        chat.delete("Secret", "chat-cookie")
    else:
        chat.patch("Secret", "chat-cookie", spoiled)
    eventually(lambda: cookie(chat) == before)
    chat.change("chat", disruption={"maxUnavailable": 2})
    chat.until("chat")
    assert chat.get("StatefulSet", "chat")["spec"]["template"] == template


def test_a_good_cookie_that_was_written_by_hand_is_kept(chat):
    chat.patch("Secret", "chat-cookie", {"stringData": {"cookie": "a_cookie_written_by_hand"}})
    eventually(lambda: "CookieRotated" in [item["reason"] for item in chat.list("Event")])
    assert base64.b64decode(cookie(chat)) == b"a_cookie_written_by_hand"


def test_a_new_value_of_the_annotation_is_another_cookie_and_nothing_else_changes(chat):
    before = cookie(chat)
    template = chat.get("StatefulSet", "chat")["spec"]["template"]
    for value in ("first", "second"):
        chat.patch("ElixirCluster", "chat", {"metadata": {"annotations": {"elixircluster.dev/rotate-cookie": value}}})
        eventually(lambda value=value: chat.status("chat").get("cookieRotation") == value)
        assert cookie(chat) != before
        assert set(chat.get("Secret", "chat-cookie")["data"]) == {"cookie"}
        before = cookie(chat)
    assert chat.get("StatefulSet", "chat")["spec"]["template"] == template


def test_the_cookie_of_the_users_own_is_not_changed(chat):
    chat.create("Secret", "mine", {"stringData": {"cookie": "my_cookie_of_enough_characters"}})
    chat.change("chat", distribution={"cookie": {"secretKeyRef": {"name": "mine", "key": "cookie"}}})
    chat.until("chat")
    chat.patch("ElixirCluster", "chat", {"metadata": {"annotations": {"elixircluster.dev/rotate-cookie": "1"}}})
    assert "write a new value there" in chat.until("chat", "Stalled", reason="CookieIsYours")["message"]
    chat.patch("ElixirCluster", "chat", {"metadata": {"annotations": {"elixircluster.dev/rotate-cookie": None}}})
    chat.until("chat")
    assert base64.b64decode(chat.get("Secret", "mine")["data"]["cookie"]) == b"my_cookie_of_enough_characters"


def test_a_resource_that_is_deleted_takes_its_children_along(chat):
    chat.delete("ElixirCluster", "chat")
    eventually(lambda: not chat.children("chat"), seconds=30)


def test_a_resource_of_the_same_name_starts_anew(namespace):
    uids = set()
    for _ in range(5):
        uid = namespace.cluster("chat", **WHOLE)["metadata"]["uid"]
        uids.add(uid)
        namespace.until("chat", seconds=40)
        eventually(lambda uid=uid: owners(namespace) == {uid}, seconds=30)
        assert set(namespace.children("chat")) == CHILDREN
        namespace.delete("ElixirCluster", "chat")
    assert len(uids) == 5
    eventually(lambda: not namespace.children("chat"), seconds=30)
    with pytest.raises(RefusedError):
        namespace.delete("ElixirCluster", "chat")


def owners(namespace):
    return {child["metadata"]["ownerReferences"][0]["uid"] for child in namespace.children("chat").values()}
