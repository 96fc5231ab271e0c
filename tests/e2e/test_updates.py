"""Changes of a resource that runs. Each has an example of its own, and all go on at once."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import binary

from .history import History, Moment
from .user import GOOD_IMAGE, NEW_IMAGE, TELL_WHO_LEAVES, Namespace, comes_true, image_of, is_ready

MISSING_IMAGE = "docker.io/library/does-not-exist:1"


@dataclass
class Story:
    """What happened to one cluster, and what was seen on the way."""

    moments: list[Moment] = field(default_factory=list)
    before: dict[str, tuple[str, int]] = field(default_factory=dict)
    after: dict[str, tuple[str, int]] = field(default_factory=dict)
    meshed: bool = False
    seen: dict[str, Any] = field(default_factory=dict)

    def most_missing(self, replicas: int) -> int:
        """How many nodes were not ready at the worst moment."""
        return max(replicas - sum(map(is_ready, moment.pods.values())) for moment in self.moments)

    def order_of_leaving(self) -> list[str]:
        leaving = [
            name for each in self.moments for name, pod in each.pods.items() if "deletionTimestamp" in pod["metadata"]
        ]
        return list(dict.fromkeys(leaving))

    def lies(self) -> list[Moment]:
        """Moments in which `kubectl wait` would have said Ready, and should not have."""
        return [each for each in self.moments if each.kubectl_wait_says_ready() and not each.deserves_it()]


@pytest.fixture(scope="module")
def stories(examples, namespaces, side_by_side) -> dict[str, Future[Story]]:
    def start(story: Callable[[Namespace, str], Story], variant: str) -> Future[Story]:
        return side_by_side(story, examples[variant].namespace, examples[variant].name)

    return {
        "rolling": start(rolling, "chat"),
        "recreate": start(recreate, "chat-recreate"),
        "bad image": start(bad_image, "chat-dnssrv"),
        "scaled": start(scaled, "chat-cookie"),
        "autoscaled": start(autoscaled, "chat-by-dnssrv"),
        "all killed": start(all_killed, "chat-tuned"),
        "leaving": side_by_side(leaving, namespaces("leaving"), "chat"),
        "secret": side_by_side(another_secret, namespaces("settings"), "chat"),
    }


def rolling(namespace: Namespace, name: str) -> Story:
    story = Story(before=namespace.lives(name))
    for pod in story.before:
        namespace.rpc(pod, TELL_WHO_LEAVES)
    story.seen["first views"] = namespace.views(name)
    story.seen["addresses"] = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in namespace.pods(name)}
    with following_log(namespace, f"{name}-0") as told, History(namespace, name) as history:
        namespace.patch(name, image=NEW_IMAGE)
        namespace.wait_until_ready(name)
    story.seen["lost"] = [line for line in told.read_text().splitlines() if line.startswith("{lost,")]
    return finished(story, namespace, name, history, 3)


class following_log:  # noqa: N801 - used like a function
    """A file to which a pod's output is written while this goes on, also what it says last."""

    def __init__(self, namespace: Namespace, pod: str) -> None:
        self._file = Path(tempfile.mkdtemp(prefix="elixircluster-log-")) / "log"
        command = [binary("kubectl"), "--kubeconfig", namespace.kubernetes.kubeconfig, "--namespace", namespace.name]
        with self._file.open("wb") as file:
            self._process = subprocess.Popen([*command, "logs", "--follow", pod, "-c", "app"], stdout=file)

    def __enter__(self) -> Path:
        return self._file

    def __exit__(self, *_: object) -> None:
        # It ends with the pod.
        comes_true(lambda: self._process.poll() is not None, 10)
        self._process.kill()
        self._process.wait()


def recreate(namespace: Namespace, name: str) -> Story:
    story = Story(before=namespace.lives(name))
    with History(namespace, name) as history:
        namespace.patch(name, image=NEW_IMAGE)
        namespace.wait_until_ready(name)
    return finished(story, namespace, name, history, 3)


def bad_image(namespace: Namespace, name: str) -> Story:
    story = Story(before=namespace.lives(name))

    def message() -> str:
        return str(namespace.condition(name, "Ready").get("message"))

    with History(namespace, name) as history:
        namespace.patch(name, image=MISSING_IMAGE, imagePullPolicy="Never")
        story.seen["named"] = comes_true(lambda: "ErrImageNeverPull" in message(), 60)
        time.sleep(5)  # time for a mistake
        story.seen["message"] = message()
        story.seen["stopped"] = namespace.lives(name)
        namespace.patch(name, image=GOOD_IMAGE, imagePullPolicy="IfNotPresent")
        namespace.wait_until_ready(name)
        go_back(story, namespace, name)
        namespace.patch(name, image=GOOD_IMAGE, imagePullPolicy="IfNotPresent")
        namespace.wait_until_ready(name)
    return finished(story, namespace, name, history, 3)


def go_back(story: Story, namespace: Namespace, name: str) -> None:
    """The same once more, and nobody there to put the good image back."""
    update = {"onFailure": "Rollback", "timeoutSeconds": 20}
    namespace.patch(name, image=MISSING_IMAGE, imagePullPolicy="Never", update=update)
    comes_true(lambda: namespace.condition(name, "Stalled").get("reason") == "RolledBack", 90)

    def back() -> bool:
        pods = namespace.pods(name)
        return [image_of(pod) for pod in pods if is_ready(pod)] == [GOOD_IMAGE] * 3

    story.seen["back"] = comes_true(back, 90)
    story.seen["told"] = namespace.condition(name, "Stalled")["message"]
    comes_true(lambda: namespace.get("elixircluster", name)["status"]["history"][0]["result"] == "Complete", 60)
    story.seen["history"] = [
        (entry["image"], entry["result"]) for entry in namespace.get("elixircluster", name)["status"]["history"]
    ]


def scaled(namespace: Namespace, name: str) -> Story:
    story = Story(before=namespace.lives(name))
    with History(namespace, name) as history:
        namespace.kubectl("scale", f"elixircluster/{name}", "--replicas=5")
        namespace.wait_until_ready(name)
        story.seen["larger"] = namespace.lives(name)
        story.seen["five meshed"] = namespace.connected(name, 5)
        namespace.kubectl("scale", f"elixircluster/{name}", "--replicas=3")
        namespace.wait_until_ready(name)
        comes_true(lambda: len(namespace.items("pods")) == 3, 60)
    return finished(story, namespace, name, history, 3)


def autoscaled(namespace: Namespace, name: str) -> Story:
    """An autoscaler with nothing to measure still keeps to its limits."""
    story = Story(before=namespace.lives(name))
    path = f"/apis/elixircluster.dev/v1alpha1/namespaces/{namespace.name}/elixirclusters/{name}/scale"
    story.seen["scale"] = json.loads(namespace.kubectl("get", "--raw", path))
    target = {"apiVersion": "elixircluster.dev/v1alpha1", "kind": "ElixirCluster", "name": name}
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {"scaleTargetRef": target, "minReplicas": 4, "maxReplicas": 5},
    }
    with History(namespace, name) as history:
        namespace.apply(autoscaler)
        comes_true(lambda: namespace.get("elixircluster", name)["spec"]["replicas"] == 4, 90, pause=1)
        namespace.wait_until_ready(name)
    namespace.kubectl("delete", "hpa", name)
    return finished(story, namespace, name, history, 4)


def all_killed(namespace: Namespace, name: str) -> Story:
    story = Story(before=namespace.lives(name))
    with History(namespace, name) as history:
        namespace.kubectl(
            "delete", "pods", "-l", f"elixircluster.dev/cluster={name}", "--force", "--grace-period=0", "--wait=false"
        )
        comes_true(lambda: not set(story.before.values()) & set(namespace.lives(name).values()), 30)
        comes_true(lambda: sum(map(is_ready, namespace.pods(name))) == 3, 90)
        namespace.wait_until_ready(name)
    return finished(story, namespace, name, history, 3)


TELL_DEPARTURE = """
loop = fn loop, before ->
  now = {Application.get_env(:elixircluster, :departure), Chat.draining?()}
  if now != before, do: :erlang.display(now)
  Process.sleep(20)
  loop.(loop, now)
end
spawn(fn -> loop.(loop, {nil, false}) end)
"""


def leaving(namespace: Namespace, name: str) -> Story:
    """One node is too many, and then all are replaced."""
    drain = {"module": "Chat", "function": "drain"}
    spec = {"image": GOOD_IMAGE, "replicas": 3, "shutdown": {"drain": drain, "preStopSeconds": 1}}
    resource = {"apiVersion": "elixircluster.dev/v1alpha1", "kind": "ElixirCluster", "metadata": {"name": name}}
    namespace.apply({**resource, "spec": spec})
    namespace.wait_until_ready(name)
    assert namespace.connected(name, 3)
    story = Story()
    for pod in ("chat-1", "chat-2"):
        namespace.rpc(pod, TELL_DEPARTURE)
    with following_log(namespace, "chat-2") as left, following_log(namespace, "chat-1") as replaced:
        namespace.patch(name, replicas=2)
        namespace.wait_until_ready(name)
        namespace.patch(name, image=NEW_IMAGE)
        namespace.wait_until_ready(name)
    story.seen = {"left": left.read_text(), "replaced": replaced.read_text()}
    return story


def another_secret(namespace: Namespace, name: str) -> Story:
    """What nodes read at their start is another thing by now; then it is only written again."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "settings"}}
    spec = {"image": GOOD_IMAGE, "replicas": 2, "envFrom": [{"secretRef": {"name": "settings"}}]}
    resource = {"apiVersion": "elixircluster.dev/v1alpha1", "kind": "ElixirCluster", "metadata": {"name": name}}
    namespace.apply({**secret, "stringData": {"GREETING": "old"}}, {**resource, "spec": spec})
    namespace.wait_until_ready(name)
    story = Story(before=namespace.lives(name))
    namespace.apply({**secret, "stringData": {"GREETING": "new"}})

    def replaced() -> bool:
        return not {*story.before.values()} & {*namespace.lives(name).values()}

    assert comes_true(replaced, 120)
    namespace.wait_until_ready(name)
    story.after = namespace.lives(name)
    story.seen["read"] = [namespace.rpc(pod, 'IO.puts(System.get_env("GREETING"))').strip() for pod in story.after]
    namespace.kubectl("label", "secret", "settings", "team=shop")
    story.seen["reasons"] = {event["reason"] for event in namespace.items("events")}
    time.sleep(5)
    story.seen["labelled"] = namespace.lives(name)
    return story


def finished(story: Story, namespace: Namespace, name: str, history: History, replicas: int) -> Story:
    story.meshed = namespace.connected(name, replicas)
    story.after = namespace.lives(name)
    story.moments = list(history.moments())
    return story


def test_a_new_image_comes_to_one_node_after_the_other_highest_ordinal_first(stories):
    story = stories["rolling"].result()
    assert story.order_of_leaving() == ["chat-2", "chat-1", "chat-0"]
    assert story.most_missing(3) == 1
    assert {image_of(pod) for pod in story.moments[-1].pods.values()} == {NEW_IMAGE}
    assert not set(story.before.values()) & set(story.after.values())


def test_nodes_that_stay_during_a_rolling_update_never_lose_each_other(stories):
    story = stories["rolling"].result()
    assert all(len(seen) == 2 for seen in story.seen["first views"].values())
    lost = [named(line) for line in story.seen["lost"]]
    replaced = [f"chat@{story.seen['addresses'][pod]}" for pod in ("chat-2", "chat-1")]
    assert lost == replaced
    assert story.meshed


def named(line: str) -> str:
    """The node in an Erlang term."""
    return line.partition("'")[2].partition("'")[0]


@pytest.mark.parametrize("which", ["rolling", "recreate", "bad image", "scaled", "autoscaled"])
def test_kubectl_wait_never_says_ready_too_early(stories, which):
    story = stories[which].result()
    assert story.lies() == []
    assert story.moments[-1].kubectl_wait_says_ready()


def test_recreate_never_lets_old_and_new_nodes_run_together(stories):
    story = stories["recreate"].result()
    assert all(len(set(map(image_of, moment.pods.values()))) <= 1 for moment in story.moments)
    assert {image_of(pod) for pod in story.moments[-1].pods.values()} == {NEW_IMAGE}
    assert story.meshed


def test_an_image_that_is_not_there_stops_the_update_at_one_pod_and_says_why(stories):
    story = stories["bad image"].result()
    assert story.seen["named"], story.seen["message"]
    assert "chat-dnssrv-2" in story.seen["message"]
    untouched = {pod: life for pod, life in story.before.items() if pod != "chat-dnssrv-2"}
    assert untouched.items() <= story.seen["stopped"].items()
    assert story.most_missing(3) == 1


def test_the_good_image_put_back_is_all_that_it_takes(stories):
    story = stories["bad image"].result()
    assert {pod for pod, life in story.after.items() if story.before[pod] != life} == {"chat-dnssrv-2"}
    assert {image_of(pod) for pod in story.moments[-1].pods.values()} == {GOOD_IMAGE}
    assert story.meshed


def test_a_revision_that_fails_is_taken_back_where_its_user_wants_so(stories):
    story = stories["bad image"].result()
    assert story.seen["back"]
    assert "ErrImageNeverPull" in story.seen["told"]
    good, replaced = (GOOD_IMAGE, "Complete"), (MISSING_IMAGE, "Superseded")
    assert story.seen["history"] == [good, (MISSING_IMAGE, "RolledBack"), good, replaced, good]


def test_scaling_up_and_down_restarts_nobody(stories):
    story = stories["scaled"].result()
    assert len(story.seen["larger"]) == 5
    assert story.seen["five meshed"]
    assert story.before.items() <= story.seen["larger"].items()
    assert story.after == story.before
    assert story.meshed


def test_an_autoscaler_can_target_the_resource(stories):
    story = stories["autoscaled"].result()
    scale = story.seen["scale"]
    assert (scale["kind"], scale["spec"]["replicas"], scale["status"]["replicas"]) == ("Scale", 3, 3)
    assert "elixircluster.dev/cluster=chat" in scale["status"]["selector"]
    assert len(story.after) == 4
    assert story.before.items() <= story.after.items()
    assert story.meshed


def test_a_node_knows_whether_it_comes_back_and_is_drained(stories):
    story = stories["leaving"].result()
    assert "{leave,true}" in story.seen["left"]
    assert "{restart,true}" in story.seen["replaced"]
    assert "leave" not in story.seen["replaced"]


def test_nodes_are_replaced_when_a_secret_that_they_read_changes(stories):
    story = stories["secret"].result()
    assert story.seen["read"] == ["new", "new"]
    assert "ReferenceChanged" in story.seen["reasons"]
    assert story.seen["labelled"] == story.after


def test_nodes_that_were_all_killed_at_once_are_connected_again(stories):
    story = stories["all killed"].result()
    assert len(story.after) == 3
    assert not set(story.before.values()) & set(story.after.values())
    assert story.meshed
