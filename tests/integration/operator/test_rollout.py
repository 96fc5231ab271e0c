"""A new image with real nodes: one after the other, or all at once; always told."""

from __future__ import annotations

import time

import pytest

from tests.integration.operator.client import eventually

PROBES = {"startup": {"periodSeconds": 1}, "readiness": {"periodSeconds": 1}}
DRAIN = [{"name": "DRAIN_MS", "value": "0"}]


@pytest.fixture
def chat(namespace, images):
    """A cluster of real nodes, to be changed by a test."""

    def start(replicas, asks=None, **spec):
        health = {**PROBES, "readiness": {**PROBES["readiness"], "httpGet": {"path": asks}}} if asks else PROBES
        common = {"release": {"name": "chat"}, "web": {}, "health": health, "env": DRAIN}
        namespace.cluster(
            "chat", image=images["chat"], imagePullPolicy="IfNotPresent", replicas=replicas, **common, **spec
        )
        namespace.until("chat", seconds=90)
        return namespace

    return start


def pods(namespace):
    """What runs: ordinal → image, and whether it is ready; terminating pods count as running."""
    result = {}
    for pod in namespace.list("Pod", labelSelector="elixircluster.dev/cluster=chat"):
        conditions = {item["type"]: item["status"] for item in pod["status"].get("conditions", [])}
        ready = conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]
        ordinal = int(pod["metadata"]["name"].rpartition("-")[2])
        result[ordinal] = (pod["spec"]["containers"][0]["image"], ready, pod["metadata"]["uid"])
    return result


def watch_until_ready(namespace, seconds=120):
    """Every look at the pods until the resource is ready again."""
    looks = []

    def done():
        looks.append(pods(namespace))
        return namespace.condition("chat", "Ready").get("status") == "True"

    time.sleep(0.3)
    eventually(done, seconds, every=0.1)
    return looks


def test_a_rolling_update_takes_one_node_after_the_other_and_the_highest_first(chat, images):
    namespace = chat(3)
    before = pods(namespace)
    namespace.change("chat", image=images["chat-v2"])
    looks = watch_until_ready(namespace)
    assert {image for image, _, _ in pods(namespace).values()} == {images["chat-v2"]}
    assert all(sum(ready for _, ready, _ in look.values()) >= 2 for look in looks)
    order = []
    for look in looks:
        for ordinal, (_, _, uid) in look.items():
            if uid != before[ordinal][2] and ordinal not in order:
                order.append(ordinal)
    assert order == [2, 1, 0]
    status = namespace.status("chat")
    assert (status["readyNodes"], status["updatedReplicas"]) == ("3/3", 3)
    assert all(node["image"] == images["chat-v2"] and node["node"].startswith("chat@") for node in status["nodes"])
    replaced = [event for event in namespace.list("Event") if event["reason"] == "PodReplaced"]
    assert len(replaced) == 3


def test_a_recreate_never_has_old_and_new_nodes_together(chat, images):
    namespace = chat(2, update={"strategy": "Recreate"})
    namespace.change("chat", image=images["chat-v2"])
    looks = watch_until_ready(namespace)
    running = [{image for image, _, _ in look.values()} for look in looks]
    assert {images["chat"], images["chat-v2"]} not in running
    assert running[-1] == {images["chat-v2"]}


def test_a_broken_image_stops_the_update_and_a_good_one_mends_it(chat, images):
    namespace = chat(2)
    namespace.change("chat", image="localhost/nobody:1")
    eventually(lambda: "localhost/nobody:1" in {image for image, _, _ in pods(namespace).values()}, 60)
    told = eventually(
        lambda: next((node for node in namespace.status("chat")["nodes"] if "Image" in node.get("message", "")), None),
        30,
    )
    assert told["pod"] == "chat-1"
    assert pods(namespace)[0][:2] == (images["chat"], True)
    namespace.change("chat", image=images["chat"])
    namespace.until("chat", seconds=60)
    assert [(image, ready) for image, ready, _ in pods(namespace).values()] == [(images["chat"], True)] * 2


def test_a_rollout_of_many_changes_ends_with_the_last(namespace):
    namespace.cluster("chat")
    for version in range(10):
        namespace.change("chat", image=f"localhost/nothing:{version}", files={"a": str(version)})
    namespace.until("chat")
    template = namespace.get("StatefulSet", "chat")["spec"]["template"]["spec"]
    assert template["containers"][0]["image"] == "localhost/nothing:9"
    assert namespace.get("ConfigMap", "chat-config")["data"]["file.a"] == "9"
