"""What the API server of a kind cluster says of its machines and of CoreDNS, over HTTP, for the real kubectl.

A machine that is not heard keeps the Lease that it had; its Node stays Ready until `forget` makes time pass.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .engine import NETWORK, Container, Engine
from .kind import CONTROL_PLANE, ROLE_LABEL

SILENT = "Kubelet stopped posting node status."
COREFILE = (
    ".:53 {\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n       ttl 30\n    }\n    cache 30\n    reload\n}\n"
)
CONFIGMAPS = "/api/v1/namespaces/kube-system/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/kube-system/deployments"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
RESOURCES = {
    "/api/v1": ("v1", "configmaps", "ConfigMap"),
    "/apis/apps/v1": ("apps/v1", "deployments", "Deployment"),
}


class Kubernetes:
    """The machines are containers of the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.silent: set[str] = set()
        """Machines that have not been heard for so long that their Nodes are Unknown."""
        self.restarts = 0
        """How often CoreDNS was started anew."""
        self.corefile = COREFILE

    @property
    def answers(self) -> bool:
        """Whether there is a control plane behind the port that Docker publishes."""
        control_planes = [each for each in self._machines() if each.labels[ROLE_LABEL] == CONTROL_PLANE]
        return any(each.state == "running" and NETWORK in each.networks for each in control_planes)

    def forget(self) -> None:
        """Let so much time pass that everybody who is not heard is known to be silent."""
        self.silent = {each.name for each in self._machines() if not each.is_heard}

    def get(self, path: str) -> dict[str, Any] | None:
        if resource := RESOURCES.get(path):
            return discovered(*resource)
        return {
            "/api": lambda: {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": lambda: groups("apps/v1"),
            "/api/v1/nodes": self._nodes,
            "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases": self._leases,
            f"{CONFIGMAPS}/coredns": self._configmap,
            f"{DEPLOYMENTS}/coredns": self._deployment,
            DEPLOYMENTS: lambda: {**listing("apps/v1", "Deployment"), "items": [self._deployment()]},
        }.get(path, lambda: None)()

    def patch(self, path: str, change: dict[str, Any]) -> dict[str, Any]:
        if path == f"{CONFIGMAPS}/coredns":
            self.corefile = change["data"]["Corefile"]
            return self._configmap()
        assert path == f"{DEPLOYMENTS}/coredns", path
        assert RESTARTED in change["spec"]["template"]["metadata"]["annotations"]
        self.restarts += 1
        return self._deployment()

    def _machines(self) -> list[Container]:
        return self._engine.containers(**{ROLE_LABEL: None})

    def _nodes(self) -> dict[str, Any]:
        return {"items": [self._node(each) for each in self._machines()]}

    def _node(self, machine: Container) -> dict[str, Any]:
        if machine.is_heard:
            self.silent.discard(machine.name)
        known = {"status": "True", "message": "kubelet is posting ready status"}
        unknown = {"status": "Unknown", "reason": "NodeStatusUnknown", "message": SILENT}
        condition = unknown if machine.name in self.silent else known
        return {"metadata": {"name": machine.name}, "status": {"conditions": [{"type": "Ready", **condition}]}}

    def _leases(self) -> dict[str, Any]:
        return {"items": [self._lease(each) for each in self._machines()]}

    def _lease(self, machine: Container) -> dict[str, Any]:
        """Renewed with each look, as if 10 s had passed; the first one shows what was there before."""
        said = {"metadata": {"name": machine.name}, "spec": {"renewTime": f"2026-01-01T00:00:{machine.renewals:02}Z"}}
        if machine.is_heard:
            machine.renewals += 1
            self._engine.save(machine)
        return said

    def _configmap(self) -> dict[str, Any]:
        metadata = {"name": "coredns", "namespace": "kube-system", "resourceVersion": "1"}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"Corefile": self.corefile}}

    def _deployment(self) -> dict[str, Any]:
        metadata = {"name": "coredns", "namespace": "kube-system", "resourceVersion": "1", "generation": 1}
        counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 2)
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {"replicas": 2, "template": {"metadata": {}, "spec": {"containers": [{"name": "coredns"}]}}},
            "status": {"observedGeneration": 1, **counts},
        }


def listing(version: str, kind: str) -> dict[str, Any]:
    return {"apiVersion": version, "kind": f"{kind}List", "metadata": {"resourceVersion": "1"}}


def groups(version: str) -> dict[str, Any]:
    name, _, short = version.partition("/")
    found = {"groupVersion": version, "version": short}
    return {
        "apiVersion": "v1",
        "kind": "APIGroupList",
        "groups": [{"name": name, "versions": [found], "preferredVersion": found}],
    }


def discovered(version: str, plural: str, kind: str) -> dict[str, Any]:
    verbs = ["get", "list", "patch", "update", "watch"]
    resource = {"name": plural, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": verbs}
    return {"apiVersion": "v1", "kind": "APIResourceList", "groupVersion": version, "resources": [resource]}


@contextmanager
def serving(kubernetes: Kubernetes) -> Iterator[str]:
    """Answers at the address that is yielded."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            self._answer(None if "watch=" in query else kubernetes.get(path))

        def do_PATCH(self) -> None:
            change = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(kubernetes.patch(self.path.partition("?")[0], change))

        def _answer(self, content: dict[str, Any] | None) -> None:
            if not kubernetes.answers:
                self.close_connection = True
                return
            body = json.dumps(content or {"kind": "Status", "code": 404, "reason": "NotFound"}).encode()
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
