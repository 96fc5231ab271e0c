"""The shop that the tests roll: a release as people have them (tests/applications/storefront), and who visits it."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.images import IMAGES

from .user import Namespace, Object

NAME = "shop"
IMAGE, NEW_IMAGE = (IMAGES[name].reference for name in ("storefront", "storefront-v2"))
HOST = "shop.example"
PROBED = {"readiness": {"httpGet": {"path": "/up"}}}
WEB = {"web": {}, "health": PROBED}
VISITOR = "visitor"
SCRIPT = Path(__file__).with_name("visitor.py")


def shop(*, replicas: int = 3, secret: bool = True, settings: dict[str, object] | None = None, **spec: Any) -> Object:
    """The resource, named unlike its release."""
    return {
        "apiVersion": "elixircluster.dev/v1alpha1",
        "kind": "ElixirCluster",
        "metadata": {"name": NAME},
        "spec": {
            "image": IMAGE,
            "imagePullPolicy": "IfNotPresent",
            "release": {"name": "storefront"},
            "replicas": replicas,
            "env": variables(secret=secret, **(settings or {})),
            **spec,
        },
    }


def variables(*, secret: bool = True, **settings: object) -> list[Object]:
    """The container's environment, all of it."""
    reference = {"secretKeyRef": {"name": NAME, "key": "secret-key-base"}}
    return [
        *([{"name": "SECRET_KEY_BASE", "valueFrom": reference}] if secret else []),
        {"name": "PHX_HOST", "value": HOST},
        *({"name": name, "value": str(value)} for name, value in settings.items()),
    ]


def secret_key_base() -> Object:
    data = {"secret-key-base": secrets.token_urlsafe(48)}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME}, "stringData": data}


@dataclass(frozen=True)
class Visit:
    """What a visitor has seen."""

    asked: int
    lost: dict[str, int] = field(default_factory=dict)
    echoed: int = 0
    connected: list[int] = field(default_factory=list)
    closed: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, namespace: Namespace) -> Visit:
        """So far."""
        # Before its container runs, there is nothing to read.
        lines = namespace.kubectl("logs", VISITOR, "--tail=1", check=False).splitlines()
        return cls(**json.loads(lines[0])) if lines else cls(0)


def visitor() -> list[Object]:
    """Somebody in the same namespace."""
    script = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": VISITOR}}
    container = {
        "name": VISITOR,
        "image": IMAGES["operator"].reference,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", f"/visitor/{SCRIPT.name}", f"http://{NAME}", f"https://{HOST}"],
        "volumeMounts": [{"name": VISITOR, "mountPath": "/visitor"}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": VISITOR, "configMap": {"name": VISITOR}}],
    }
    return [
        {**script, "data": {SCRIPT.name: SCRIPT.read_text()}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": VISITOR}, "spec": pod},
    ]
