"""Waiting for a CustomResourceDefinition: `kubectl wait`, and a jsonpath, fail where it has no condition yet."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

SECONDS = 60.0


def wait_until_served(kubectl: Callable[..., str], crd: str, seconds: float = SECONDS) -> None:
    """Wait for it, by whatever kubectl reaches the cluster from here."""
    deadline = time.monotonic() + seconds
    while not is_established(json.loads(kubectl("get", "crd", crd, "-o", "json"))):
        if time.monotonic() > deadline:
            raise TimeoutError(f"crd {crd} is not established after {seconds:g} s")
        time.sleep(0.1)


def is_established(body: dict[str, object]) -> bool:
    status = body.get("status")
    told = (status.get("conditions") if isinstance(status, dict) else None) or []
    return any(item["type"] == "Established" and item["status"] == "True" for item in told)
