"""A change never costs a healthy node: what happened once, with real nodes, on a real Kubernetes."""

from __future__ import annotations

import re
import subprocess
import time

import pytest

from tests.cluster import UnsupportedError, binary
from tests.integration.operator.client import eventually, steadily
from tests.integration.operator.conftest import Operator
from tests.integration.operator.test_process import scrape
from tests.integration.operator.test_rollout import chat, pods  # noqa: F401 - a fixture

WRITES = re.compile(r'rest_client_requests_total\{code="\d+",method="(?:POST|PUT|PATCH|DELETE)",resource="(?!leases)')


def uids(namespace):
    return {ordinal: uid for ordinal, (_, _, uid) in pods(namespace).items()}


def test_a_revision_that_does_not_start_costs_no_node_beside_its_first(chat, images, cluster):  # noqa: F811
    """chat-2 could not start; chat-0 was frozen for 8 s and taken at once, and then chat-1."""
    namespace = chat(3, asks="/readyz")
    before = uids(namespace)
    namespace.change("chat", release={"name": "chat", "command": ["/bin/false"]})
    eventually(lambda: uids(namespace).get(2) not in {None, before[2]}, 60)
    try:
        cluster.fault.freeze(f"{namespace.name}/chat-0")
    except UnsupportedError as reason:
        pytest.skip(str(reason))
    try:
        eventually(lambda: not pods(namespace)[0][1], 30)
        time.sleep(3)
    finally:
        cluster.fault.thaw(f"{namespace.name}/chat-0")
    eventually(lambda: pods(namespace)[0][1], 30)
    steadily(lambda: {0: before[0], 1: before[1]}.items() <= uids(namespace).items(), 5)
    namespace.change("chat", release={"name": "chat", "command": None})
    eventually(lambda: namespace.condition("chat", "Ready").get("status") == "True", 120)


def test_old_and_new_nodes_never_meet_though_image_and_size_change_at_once(chat, images):  # noqa: F811
    """Two nodes of the new image started beside three of the old one, in one mesh."""
    namespace = chat(3, update={"strategy": "Recreate"})
    namespace.change("chat", image=images["chat-v2"], replicas=5)
    looks = []

    def done():
        looks.append({image for image, _, _ in pods(namespace).values()})
        return namespace.condition("chat", "Ready").get("status") == "True" and len(pods(namespace)) == 5

    time.sleep(0.3)
    eventually(done, 120, every=0.05)
    assert all(len(images_seen) <= 1 for images_seen in looks), [look for look in looks if len(look) > 1]


def test_a_copy_that_kubectl_debug_made_is_left_alone_and_not_counted(chat, images, cluster):  # noqa: F811
    """With the labels kept it was counted as a node, blamed, and deleted by the next update."""
    namespace = chat(2)
    kubectl = [binary("kubectl"), "--kubeconfig", str(cluster.kubeconfig), "-n", namespace.name]
    copy = ["debug", "chat-0", "--copy-to=debug-1", "--keep-labels", "--container=app", "--", "sleep", "600"]
    subprocess.run([*kubectl, *copy], check=True, capture_output=True, timeout=60)
    namespace.change("chat", image=images["chat-v2"])
    eventually(lambda: namespace.condition("chat", "Ready").get("status") == "True", 120)
    debug = namespace.get("Pod", "debug-1")
    assert debug
    assert "deletionTimestamp" not in debug["metadata"]
    status = namespace.status("chat")
    assert (status["replicas"], status["readyNodes"]) == (2, "2/2")
    assert [node["pod"] for node in status["nodes"]] == ["chat-0", "chat-1"]


def test_a_new_process_writes_nothing_where_all_is_as_it_should_be(cluster, namespace, tmp_path):
    """Every child was written anew by each start: 8,407 writes for 1,200 resources."""
    for number in range(3):
        namespace.cluster(f"chat-{number}", web={}, mesh={"probe": "Disabled"})
    for number in range(3):
        namespace.until(f"chat-{number}")
    time.sleep(2)
    process = Operator(cluster, tmp_path / "log", 18094, "--namespace", namespace.name, "--lease-name", namespace.name)
    try:
        process.wait()
        eventually(lambda: 'result="success"} 3' in scrape(cluster, "/metrics", 18094))
        time.sleep(2)
        written = [line for line in scrape(cluster, "/metrics", 18094).splitlines() if WRITES.match(line)]
    finally:
        process.stop()
    assert written == []
