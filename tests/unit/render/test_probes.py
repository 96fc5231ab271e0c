"""Probes follow from what serves, and ask as a client does."""

from __future__ import annotations

import pytest

from tests.unit.factory import cluster, container

DIST, HTTP = {"tcpSocket": {"port": 6789}}, {"tcpSocket": {"port": 4000}}
FORWARDED = {"name": "X-Forwarded-Proto", "value": "https"}
STARTUP = {"periodSeconds": 1, "failureThreshold": 300}
READINESS = {"periodSeconds": 5, "failureThreshold": 3}
LIVENESS = {"periodSeconds": 10, "failureThreshold": 6}


def get(path, port, scheme="HTTP"):
    return {"path": path, "port": port, "scheme": scheme}


PROBES = {
    "nothing said: the distribution port": (
        {},
        {"startupProbe": {**DIST, **STARTUP}, "readinessProbe": {**DIST, **READINESS}},
    ),
    "web: its port": (
        {"web": {}},
        {"startupProbe": {**HTTP, **STARTUP}, "readinessProbe": {**HTTP, **READINESS}},
    ),
    "over HTTP": (
        {"web": {}, "health": {"startup": {"disabled": True}, "readiness": {"httpGet": {"path": "/ready"}}}},
        {"readinessProbe": {"httpGet": {**get("/ready", 4000), "httpHeaders": [FORWARDED]}, **READINESS}},
    ),
    "HTTP on another port": (
        {
            "health": {
                "startup": {"disabled": True},
                "readiness": {"httpGet": {"path": "/", "port": 9}},
            }
        },
        {"readinessProbe": {"httpGet": get("/", 9), **READINESS}},
    ),
    "TCP on another port": (
        {"web": {}, "health": {"startup": {"tcpSocket": {"port": 6789}}, "readiness": {"tcpSocket": {}}}},
        {"startupProbe": {**DIST, **STARTUP}, "readinessProbe": {**HTTP, **READINESS}},
    ),
    "a command": (
        {"health": {"startup": {"disabled": True}, "readiness": {"exec": {"command": ["test", "-e", "/tmp/up"]}}}},
        {"readinessProbe": {"exec": {"command": ["test", "-e", "/tmp/up"]}, **READINESS}},
    ),
    "liveness only where it is asked for": (
        {"health": {"startup": {"disabled": True}, "readiness": {"disabled": True}, "liveness": {}}},
        {"livenessProbe": {**DIST, **LIVENESS}},
    ),
    "times": (
        {
            "health": {
                "startup": {"disabled": True},
                "readiness": {"periodSeconds": 2, "timeoutSeconds": 3, "failureThreshold": 4},
            }
        },
        {"readinessProbe": {**DIST, "periodSeconds": 2, "timeoutSeconds": 3, "failureThreshold": 4}},
    ),
    "off": ({"health": {"startup": {"disabled": True}, "readiness": {"disabled": True}}}, {}),
}


@pytest.mark.parametrize(("spec", "probes"), PROBES.values(), ids=PROBES)
def test_probes_follow_from_health_and_web(spec, probes):
    found = {name: value for name, value in container(cluster(**spec)).items() if name.endswith("Probe")}
    assert found == probes


def test_no_probe_starts_a_virtual_machine():
    spec = {"web": {}, "health": {"liveness": {"httpGet": {"path": "/"}}}}
    found = [value for name, value in container(cluster(**spec)).items() if name.endswith("Probe")]
    assert len(found) == 3
    assert not any("exec" in probe for probe in found)


OWN = {"name": "x-forwarded-proto", "value": "http"}
OTHER = {"name": "Host", "value": "shop.example.com"}

HEADERS = {
    "the port of web": ({}, [FORWARDED]),
    "the port of web by its number": ({"port": 4000}, [FORWARDED]),
    "another header": ({"httpHeaders": [OTHER]}, [OTHER, FORWARDED]),
    "told otherwise": ({"httpHeaders": [OWN]}, [OWN]),
    "another port": ({"port": 9568}, None),
    "TLS": ({"scheme": "HTTPS"}, None),
}


# `force_ssl`, which Phoenix generates, redirects the kubelet's plain request, and the health route never ran.
@pytest.mark.parametrize(("said", "headers"), HEADERS.values(), ids=HEADERS)
def test_a_request_to_web_comes_as_one_that_had_tls_in_front(said, headers):
    check = {"httpGet": {"path": "/healthz", **said}}
    found = container(cluster(web={}, health={"readiness": check}))["readinessProbe"]["httpGet"]
    assert found.get("httpHeaders") == headers
    assert found["scheme"] == said.get("scheme", "HTTP")
