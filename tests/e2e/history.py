"""Everything that happens to a cluster's pods and resource, in the order in which it was written."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from tests.cluster import binary

from .user import Namespace, Object, comes_true, image_of, is_ready

CLUSTERS = "/apis/elixircluster.dev/v1alpha1/namespaces/{}/elixirclusters"
PODS = "/api/v1/namespaces/{}/pods"


@dataclass(frozen=True)
class Moment:
    """The world between two writes."""

    cluster: Object
    pods: dict[str, Object]

    def kubectl_wait_says_ready(self) -> bool:
        """As `kubectl wait --for=condition=Ready` decides: a condition about an older generation does not count."""
        generation = self.cluster["metadata"]["generation"]
        conditions = (self.cluster.get("status") or {}).get("conditions") or []
        ready = next((item for item in conditions if item["type"] == "Ready"), {})
        return ready.get("status") == "True" and ready.get("observedGeneration", 0) >= generation

    def deserves_it(self) -> bool:
        """No pod is left of another image; all members are there and ready. Who leaves by scaling down is none."""
        spec = self.cluster["spec"]
        names = {f"{self.cluster['metadata']['name']}-{ordinal}" for ordinal in range(spec["replicas"])}
        members = [pod for name, pod in self.pods.items() if name in names]
        return (
            len(members) == len(names)
            and all(map(is_ready, members))
            and all(image_of(pod) == spec["image"] for pod in self.pods.values())
        )


class History:
    """Records while it is entered. Two watches, merged by resourceVersion: the API server's one order of all writes."""

    def __init__(self, namespace: Namespace, cluster: str) -> None:
        self._namespace = namespace
        self._cluster = cluster
        self._folder = Path(tempfile.mkdtemp(prefix="elixircluster-history-"))
        self._watches: list[subprocess.Popen[bytes]] = []
        self._start: list[Object] = []

    def __enter__(self) -> History:
        kinds = {PODS: f"labelSelector={quote(f'elixircluster.dev/cluster={self._cluster}')}"}
        kinds[CLUSTERS] = f"fieldSelector={quote(f'metadata.name={self._cluster}')}"
        for number, (path, selector) in enumerate(kinds.items()):
            url = f"{path.format(self._namespace.name)}?{selector}"
            listed = json.loads(self._namespace.kubectl("get", "--raw", url))
            self._start += listed["items"]
            version = listed["metadata"]["resourceVersion"]
            with (self._folder / str(number)).open("wb") as file:
                self._watches.append(
                    subprocess.Popen(
                        [
                            *(binary("kubectl"), "--kubeconfig", self._namespace.kubernetes.kubeconfig),
                            *("get", "--raw", f"{url}&watch=1&resourceVersion={version}"),
                        ],
                        stdout=file,
                    )
                )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if error is None:
                assert comes_true(self._is_complete, 10), "the watches do not tell what there is"
        finally:
            for watch in self._watches:
                watch.kill()
                watch.wait()

    def moments(self) -> Iterator[Moment]:
        """From the beginning to the end."""
        pods = {body["metadata"]["name"]: body for body in self._start if "containers" in body["spec"]}
        cluster = next(body for body in self._start if "containers" not in body["spec"])
        yield Moment(cluster, dict(pods))
        for event in sorted(self._events(), key=lambda event: int(event["object"]["metadata"]["resourceVersion"])):
            body = event["object"]
            if "containers" not in body["spec"]:
                cluster = body
            elif event["type"] == "DELETED":
                pods.pop(body["metadata"]["name"], None)
            else:
                pods[body["metadata"]["name"]] = body
            yield Moment(cluster, dict(pods))

    def _events(self) -> Iterator[Object]:
        for file in self._folder.iterdir():
            for line in file.read_bytes().splitlines(keepends=True):
                if line.endswith(b"\n"):
                    yield json.loads(line)

    def _is_complete(self) -> bool:
        last = list(self.moments())[-1]
        known = {body["metadata"]["uid"]: body for body in (last.cluster, *last.pods.values())}
        there = self._namespace.items("pods", "-l", f"elixircluster.dev/cluster={self._cluster}")
        there.append(self._namespace.get("elixircluster", self._cluster))
        return {uid: body["metadata"]["resourceVersion"] for uid, body in known.items()} == {
            body["metadata"]["uid"]: body["metadata"]["resourceVersion"] for body in there
        }
