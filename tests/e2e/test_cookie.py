"""The cookie is root on every node: it stands in its Secret and nowhere else."""

from __future__ import annotations

import base64
import json

import pytest

from tests.cluster import UnsupportedError

KINDS = (
    *("all", "configmaps", "events", "elixirclusters", "serviceaccounts", "poddisruptionbudgets", "networkpolicies"),
    *("controllerrevisions", "endpointslices", "leases", "roles", "rolebindings"),
)


@pytest.fixture(scope="module")
def cookies(examples):
    """Every cookie in use, as it is and as a Secret shows it."""
    found = set()
    for example in examples.values():
        reference = example.resource["spec"].get("distribution", {}).get("cookie", {}).get("secretRef")
        name, key = (reference["name"], reference["key"]) if reference else (f"{example.name}-cookie", "cookie")
        found.add(example.namespace.get("secret", name)["data"][key])
    assert len(found) > 1
    return found | {base64.b64decode(cookie).decode() for cookie in found}


def holds_none_of(text, cookies):
    assert text
    return not any(cookie in text for cookie in cookies)


def test_no_other_object_shows_a_cookie(kubernetes, cookies):
    assert holds_none_of(kubernetes.kubectl("get", ",".join(KINDS), "-A", "-o", "json"), cookies)


def test_the_operator_tells_a_cookie_neither_in_its_logs_nor_in_its_metrics(operator, cookies):
    pods = [pod["metadata"]["name"] for pod in operator.pods()]
    # Who only stands by has nothing to say.
    assert holds_none_of("".join(operator.namespace.kubectl("logs", pod, "--tail=-1") for pod in pods), cookies)
    assert all(holds_none_of(operator.metrics(pod), cookies) for pod in pods)


def test_no_node_logs_a_cookie(examples, cookies):
    for example in examples.values():
        selector = f"elixircluster.dev/cluster={example.name}"
        logs = ("logs", "-l", selector, "--all-containers", "--tail=-1", "--max-log-requests=20")
        assert holds_none_of(example.namespace.kubectl(*logs), cookies)


def test_the_audit_log_holds_no_cookie(kubernetes, audit_start, cookies):
    try:
        said = list(kubernetes.audit(audit_start))
    except UnsupportedError as error:
        pytest.skip(str(error))
    assert holds_none_of("\n".join(map(json.dumps, said)), cookies)
