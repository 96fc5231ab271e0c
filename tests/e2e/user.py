"""What somebody who uses a cluster does, in the words of the tests."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from tests.cluster import Cluster
from tests.patience import patient

ROOT = Path(__file__).resolve().parents[2]
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
GOOD_IMAGE = "docker.io/library/chat:1.0.0"
NEW_IMAGE = "docker.io/library/chat:2.0.0"
NODE = re.compile(r'"([^"@\s]+@[^"\s]+)"')

# Says on the container's own output whom the node loses, until it is told to stop itself.
TELL_WHO_LEAVES = """
loop = fn loop ->
  receive do
    {:nodedown, lost} -> unless Chat.draining?(), do: :erlang.display({:lost, lost})
    _ -> :ok
  end
  loop.(loop)
end
spawn(fn -> :net_kernel.monitor_nodes(true); loop.(loop) end)
"""

Object = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Namespace:
    """A namespace of a user, where only restricted pods are admitted."""

    kubernetes: Cluster
    name: str

    def kubectl(self, *arguments: str, **options: Any) -> str:
        return self.kubernetes.kubectl("--namespace", self.name, *arguments, **options)

    def apply(self, *objects: Object) -> None:
        self.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(objects))

    def patch(self, cluster: str, **spec: Any) -> None:
        self.kubectl("patch", "elixircluster", cluster, "--type=merge", "--patch", json.dumps({"spec": spec}))

    def get(self, kind: str, name: str) -> Object:
        found: Object = json.loads(self.kubectl("get", kind, name, "-o", "json"))
        return found

    def items(self, kinds: str, *arguments: str) -> list[Object]:
        found: list[Object] = json.loads(self.kubectl("get", kinds, *arguments, "-o", "json"))["items"]
        return found

    def pods(self, cluster: str) -> list[Object]:
        """The members that stay, by ordinal."""
        pods = self.items("pods", "-l", f"elixircluster.dev/cluster={cluster},app.kubernetes.io/component=node")
        staying = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        return sorted(staying, key=lambda pod: int(pod["metadata"]["name"].rpartition("-")[2]))

    def lives(self, cluster: str) -> dict[str, tuple[str, int]]:
        """What changes when a member is replaced or a container of it starts again."""
        return {
            pod["metadata"]["name"]: (
                pod["metadata"]["uid"],
                sum(container["restartCount"] for container in pod["status"].get("containerStatuses") or []),
            )
            for pod in self.pods(cluster)
        }

    def wait_until_ready(self, cluster: str, seconds: int = 180) -> None:
        self.kubectl("wait", "--for=condition=Ready", f"elixircluster/{cluster}", f"--timeout={patient(seconds):g}s")

    def rpc(self, pod: str, expression: str) -> str:
        return self.kubectl("exec", pod, "-c", "app", "--", "bin/chat", "rpc", expression)

    def views(self, cluster: str, pods: Sequence[str] = ()) -> dict[str, set[str]]:
        """Which others each node sees, asked of every pod or of some."""
        names = pods or [pod["metadata"]["name"] for pod in self.pods(cluster)]
        answers = together(*(lambda name=name: self.rpc(name, "IO.inspect([node() | Node.list()])") for name in names))
        found = [NODE.findall(answer) for answer in answers]
        return {nodes[0]: set(nodes[1:]) for nodes in found}

    def connected(self, cluster: str, count: int, seconds: float = 45) -> bool:
        """Whether within a while every one of `count` nodes sees every other."""

        def complete() -> bool:
            views = self.views(cluster)
            return len(views) == count and all(seen == set(views) - {node} for node, seen in views.items())

        return comes_true(complete, seconds, pause=1.0)

    def condition(self, cluster: str, name: str) -> Object:
        status = self.get("elixircluster", cluster).get("status") or {}
        return next((item for item in status.get("conditions") or [] if item["type"] == name), {})


def together(*calls: Callable[[], T]) -> list[T]:
    """Do several things at once, and return what they return."""
    with ThreadPoolExecutor(max_workers=max(1, len(calls))) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def comes_true(check: Callable[[], object], seconds: float, pause: float = 0.2) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + patient(seconds)
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    said = any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)
    return said and "deletionTimestamp" not in pod["metadata"]


def image_of(body: Object) -> str:
    """The release's image, of a pod."""
    return next(str(item["image"]) for item in body["spec"]["containers"] if item["name"] == "app")
