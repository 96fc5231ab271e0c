"""The probes of the release's container."""

from __future__ import annotations

from typing import Any

from elixircluster.api.resource import ElixirCluster
from elixircluster.api.service import Check, HttpGet

Json = Any

# What a proxy in front says of a request that came to it by TLS. An endpoint with Phoenix's `force_ssl` redirects
# what lacks it: to another host, which Kubernetes takes for a success, or to the port that it does not serve TLS on.
FORWARDED = "X-Forwarded-Proto"


def probes(cluster: ElixirCluster) -> dict[str, Json]:
    """Startup gives a release five minutes to boot and looks every second, so that a fast one is ready at once."""
    health = cluster.spec.health
    wanted = {
        "startupProbe": (health.startup, {"periodSeconds": 1, "failureThreshold": 300}),
        "readinessProbe": (health.readiness, {"periodSeconds": 5, "failureThreshold": 3}),
        "livenessProbe": (health.liveness, {"periodSeconds": 10, "failureThreshold": 6}),
    }
    return {
        name: probe(cluster, check, defaults)
        for name, (check, defaults) in wanted.items()
        if check and not check.disabled
    }


def probe(cluster: ElixirCluster, check: Check, defaults: dict[str, int]) -> dict[str, Json]:
    """One probe, as in a container."""
    said = {
        "periodSeconds": check.period_seconds,
        "timeoutSeconds": check.timeout_seconds,
        "failureThreshold": check.failure_threshold,
    }
    return {**action(cluster, check), **defaults, **{key: value for key, value in said.items() if value}}


def action(cluster: ElixirCluster, check: Check) -> dict[str, Json]:
    """What is tried: by default, whether the port that matters takes a connection."""
    spec = cluster.spec
    default_port = spec.web.port if spec.web else spec.distribution.port
    if check.http_get:
        return {"httpGet": http_get(cluster, check.http_get, default_port)}
    if check.exec:
        return {"exec": {"command": check.exec.command}}
    return {"tcpSocket": {"port": (check.tcp_socket and check.tcp_socket.port) or default_port}}


def http_get(cluster: ElixirCluster, said: HttpGet, default_port: int) -> dict[str, Json]:
    """A request as a client's, which has come through a proxy by TLS."""
    port = said.port or default_port
    headers = [header.model_dump() for header in said.http_headers]
    to_web = bool(cluster.spec.web) and port == default_port and said.scheme == "HTTP"
    if to_web and not any(header["name"].lower() == FORWARDED.lower() for header in headers):
        headers.append({"name": FORWARDED, "value": "https"})
    return {
        "path": said.path,
        "port": port,
        "scheme": said.scheme,
        **({"httpHeaders": headers} if headers else {}),
    }
