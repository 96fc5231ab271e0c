"""An ElixirCluster and its pods as the API server gives them, to be broken by a test."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]

GOOD = {
    "Ready": ("True", "UpToDate", "all 3 nodes are ready and of the newest revision"),
    "Reconciling": ("False", "UpToDate", ""),
    "Stalled": ("False", "NothingStalled", ""),
    "Available": ("True", "NodesReady", "3 nodes are ready"),
    "Progressing": ("False", "UpToDate", ""),
    "Clustered": ("True", "FullMesh", "all 3 nodes see each other"),
    "Paused": ("False", "NotPaused", ""),
}


def resource(replicas: int = 3, **told: tuple[str, str, str]) -> Body:
    """A resource that is well, but for the conditions `told`."""
    pods = [f"chat-{ordinal}" for ordinal in range(replicas)]
    return {
        "metadata": {
            "name": "chat",
            "namespace": "default",
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"image": "chat:1", "replicas": replicas},
        "status": {
            "observedGeneration": 1,
            "replicas": replicas,
            "readyReplicas": replicas,
            "updatedReplicas": replicas,
            "readyNodes": f"{replicas}/{replicas}",
            "clustered": f"{replicas}/{replicas}",
            "mesh": {
                "links": replicas * (replicas - 1) // 2,
                "expectedLinks": replicas * (replicas - 1) // 2,
                "islands": [pods],
            },
            "nodes": [
                {
                    "pod": name,
                    "node": f"chat@10.0.0.{ordinal}",
                    "ready": True,
                    "connected": replicas - 1,
                    "otpRelease": "25",
                    "elixirVersion": "1.14.0",
                    "image": "chat:1",
                }
                for ordinal, name in enumerate(pods)
            ],
            "update": {"revision": "6b74b48846", "strategy": "Rolling", "step": "UpToDate", "message": "all is well"},
            "console": "kubectl exec -it -n default chat-0 -c app -- bin/chat remote",
            "conditions": [
                {"type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": 1}
                for kind, (status, reason, message) in {**GOOD, **told}.items()
            ],
        },
    }


OWNER = {"kind": "StatefulSet", "name": "chat", "controller": True}


def pod(ordinal: int, *, ready: bool = True, restarts: int = 0) -> Body:
    """A member."""
    return {
        "metadata": {"name": f"chat-{ordinal}", "ownerReferences": [OWNER]},
        "status": {
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [{"name": "app", "restartCount": restarts}, {"name": "sidecar", "restartCount": 9}],
        },
    }
