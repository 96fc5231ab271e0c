"""Somebody who runs a release: what they apply, and what they ask of its pods."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import yaml

from tests.cluster import Cluster
from tests.integration.operator.client import Body, Namespace

SOON = {"startup": {"periodSeconds": 1, "failureThreshold": 120}, "readiness": {"periodSeconds": 1}}
START = "exec bin/chat start"
NO_DRAIN = [{"name": "DRAIN_MS", "value": "0"}]


def shell(script: str) -> Body:
    """What a resource says whose release is started by a shell."""
    return {"release": {"name": "chat", "command": ["/bin/sh", "-c", script]}}


class User:
    """Somebody with a namespace and an image, who uses `kubectl apply`."""

    def __init__(self, kubernetes: Cluster, namespace: Namespace, image: str) -> None:
        self._kubernetes = kubernetes
        self.namespace = namespace
        self.image = image

    def kubectl(self, *arguments: str, **options: Any) -> str:
        return self._kubernetes.kubectl("--namespace", self.namespace.name, *arguments, **options)

    def apply(self, *bodies: Body) -> None:
        self.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(bodies))

    def manifest(self, name: str, **spec: Any) -> Body:
        common: Body = {"image": self.image, "imagePullPolicy": "IfNotPresent", "replicas": 1, "web": {"port": 4000}}
        common |= {"health": SOON, "env": NO_DRAIN, "release": {"name": "chat"}}
        head = {"apiVersion": "elixircluster.dev/v1alpha1", "kind": "ElixirCluster"}
        return {**head, "metadata": {"name": name}, "spec": {**common, **spec}}

    def run(self, name: str, **spec: Any) -> Body:
        """Apply it as a person does, and wait until it is ready."""
        self.apply(self.manifest(name, **spec))
        return self.namespace.until(name, seconds=120)

    def rpc(self, pod: str, expression: str) -> str:
        return self.execute(pod, "bin/chat", "rpc", expression).strip()

    def execute(self, pod: str, *command: str) -> str:
        return self.kubectl("exec", pod, "-c", "app", "--", *command)

    def doctor(self, name: str) -> subprocess.CompletedProcess[str]:
        """What `kubectl elixir doctor` says."""
        return self.plugin("doctor", name)

    def plugin(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`kubectl elixir`, and what it says."""
        command = [sys.executable, "-m", "elixircluster", "plugin", *arguments, "-n", self.namespace.name]
        environment = {**os.environ, "KUBECONFIG": str(self._kubernetes.kubeconfig)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def stop(self, pod: str) -> float:
        """Seconds that a pod takes to go."""
        started = time.monotonic()
        self.kubectl("delete", "pod", pod, "--wait", "--timeout=90s")
        return time.monotonic() - started

    def said(self, name: str) -> tuple[str, str]:
        """What is said of the first pod, and of the resource."""
        status = self.namespace.status(name)
        nodes, conditions = status.get("nodes") or [{}], status.get("conditions") or []
        ready = next((item["message"] for item in conditions if item["type"] == "Ready"), "")
        return nodes[0].get("message", ""), ready
