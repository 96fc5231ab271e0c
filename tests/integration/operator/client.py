"""A namespace of a real Kubernetes, as a test sees it: dicts in, dicts out, and waiting in one place."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from kubernetes import config

from elixircluster.api.resource import API_VERSION, KIND
from elixircluster.kube.api import Kind
from elixircluster.kube.kinds import CLUSTERS, EVENTS, OWNED, PODS
from elixircluster.render.templates import to_json
from tests.patience import patient

KINDS = {kind.kind: kind for kind in (CLUSTERS, PODS, EVENTS, *(row.kind for row in OWNED.values()))}
KINDS["Namespace"] = Kind("", "v1", "namespaces", "Namespace")
IMAGE = "localhost/nothing:1"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"

Body = dict[str, Any]
T = TypeVar("T")


class RefusedError(Exception):
    """The API server said no; the message is what it said."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def eventually(check: Callable[[], T], seconds: float = 15.0, every: float = 0.05) -> T:
    """The first answer of `check` that is true."""
    deadline = time.monotonic() + patient(seconds)
    while not (answer := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s; the last answer was {answer!r}")
        time.sleep(every)
    return answer


def steadily(check: Callable[[], Any], seconds: float) -> None:
    """Fail where `check` is not true for as long as this."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert check()
        time.sleep(0.1)


class Client:
    """One connection to the API server."""

    def __init__(self, kubeconfig: Path) -> None:
        self._client = config.new_client_from_config(config_file=str(kubeconfig))

    def call(self, method: str, path: str, body: Any = None, content: str = "application/json", **query: str) -> Body:
        """One request."""
        url = self._client.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", "Content-Type": content}
        data = None if body is None else to_json(body).encode()
        response = self._client.rest_client.pool_manager.request(method, url, headers=headers, body=data)
        text = response.data.decode()
        if response.status >= 400:
            raise RefusedError(response.status, json.loads(text)["message"] if text.startswith("{") else text)
        return dict(json.loads(text))


class Namespace:
    """One namespace, for one test or several."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self.name = name

    def _path(self, kind: str, name: str = "", subresource: str = "") -> str:
        return KINDS[kind].path(self.name, name, subresource)

    def get(self, kind: str, name: str) -> Body | None:
        try:
            return self._client.call("GET", self._path(kind, name))
        except RefusedError as error:
            if error.code != 404:
                raise
            return None

    def list(self, kind: str, **query: str) -> list[Body]:
        """All objects of a kind; none where this Kubernetes does not know the kind."""
        try:
            return list(self._client.call("GET", self._path(kind), **query)["items"])
        except RefusedError as error:
            if error.code != 404:
                raise
            return []

    def create(self, kind: str, name: str, body: Body | None = None, **query: str) -> Body:
        whole = {"apiVersion": KINDS[kind].api_version, "kind": kind, **(body or {})}
        whole["metadata"] = {**whole.get("metadata", {}), "name": name, "namespace": self.name}
        return self._client.call("POST", self._path(kind), whole, **query)

    def patch(self, kind: str, name: str, patch: Body, subresource: str = "", content: str = MERGE) -> Body:
        return self._client.call(
            "PATCH", self._path(kind, name, subresource), patch, content, fieldManager="somebody-else"
        )

    def dry_run(self, body: Body) -> Body:
        """What the API server would make of an object that the operator applies."""
        path = self._path(body["kind"], body["metadata"]["name"])
        return self._client.call("PATCH", path, body, APPLY, fieldManager="elixircluster", force="true", dryRun="All")

    def delete(self, kind: str, name: str) -> None:
        self._client.call("DELETE", self._path(kind, name))

    def cluster(self, name: str, **spec: Any) -> Body:
        """An ElixirCluster; with no nodes unless the spec says so: most tests are about the other objects."""
        body = {"apiVersion": API_VERSION, "kind": KIND, "spec": {"image": IMAGE, "replicas": 0, **spec}}
        return self.create(KIND, name, body)

    def change(self, name: str, **spec: Any) -> Body:
        return self.patch(KIND, name, {"spec": spec})

    def status(self, name: str) -> Body:
        return (self.get(KIND, name) or {}).get("status") or {}

    def condition(self, name: str, kind: str) -> Body:
        """The condition, or an empty one where the newest generation was not looked at."""
        body = self.get(KIND, name) or {"metadata": {"generation": 0}}
        found = {item["type"]: item for item in (body.get("status") or {}).get("conditions", [])}
        condition = found.get(kind, {})
        return condition if condition.get("observedGeneration") == body["metadata"]["generation"] else {}

    def until(
        self, name: str, kind: str = "Ready", status: str = "True", seconds: float = 20.0, reason: str = ""
    ) -> Body:
        """Wait for a condition."""

        def holds() -> Body | None:
            found = self.condition(name, kind)
            fits = found.get("status") == status and reason in {"", found.get("reason")}
            return found if fits else None

        try:
            return eventually(holds, seconds)
        except AssertionError:
            told = {item["type"]: (item["status"], item["reason"], item["message"]) for item in self._conditions(name)}
            raise AssertionError(f"{name}: {kind} is not {status} {reason} within {seconds} s, but {told}") from None

    def _conditions(self, name: str) -> list[Body]:
        return list(self.status(name).get("conditions", []))

    def children(self, name: str) -> dict[tuple[str, str], Body]:
        """The objects that a resource owns, by kind and name."""
        return {
            (kind, item["metadata"]["name"]): item
            for kind in OWNED
            for item in self.list(kind, labelSelector=f"elixircluster.dev/cluster={name}")
        }
