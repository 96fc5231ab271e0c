"""The operator may do what it does, and nothing more. Comes last: it looks at all that happened before."""

from __future__ import annotations

import json

import pytest

from tests.cluster import UnsupportedError

from .conftest import HERE, ORDER, SYSTEM

# Rights that are asked for by admission, and no request shows:
NOT_IN_REQUESTS = {
    # with OwnerReferencesPermissionEnforcement, who makes an object whose owner reference blocks the owner's deletion
    # must be allowed to finalize the owner;
    ("elixircluster.dev", "elixirclusters/finalizers", "update"),
    # who makes a Role must have the rights in it, and with `discovery.strategy: API` nodes get these.
    ("", "pods", "get"),
    ("", "endpoints", "get"),
    ("", "endpoints", "list"),
    ("discovery.k8s.io", "endpointslices", "get"),
    ("discovery.k8s.io", "endpointslices", "list"),
}


@pytest.fixture(scope="module")
def requests(request, kubernetes, audit_start):
    """All that any operator asked the API server, one release or another."""
    ran = {item.path.stem for item in request.session.items if HERE in item.path.parents}
    if ran != set(ORDER):
        pytest.skip("only the whole suite uses every right")
    try:
        said = list(kubernetes.audit(audit_start))
    except UnsupportedError as error:
        pytest.skip(str(error))
    prefixes = (f"system:serviceaccount:{SYSTEM}:elixircluster", "system:serviceaccount:scoped-system-")
    return [event for event in said if event["user"].get("username", "").startswith(prefixes)]


def test_no_request_was_refused(requests):
    """By the roles. Writes into a namespace that is going are refused with 403, too, and by admission."""
    refused = [event for event in requests if event["annotations"].get("authorization.k8s.io/decision") == "forbid"]
    assert refused == []


def test_every_right_is_used(kubernetes, requests):
    used = {right(event) for event in requests} | set(creations(requests))
    assert granted(kubernetes) - used == NOT_IN_REQUESTS


def granted(kubernetes):
    """What the installed roles say, as (group, resource, verb)."""
    role = json.loads(kubernetes.kubectl("get", "clusterrole", "elixircluster", "-o", "json"))
    lease = json.loads(kubernetes.kubectl("get", "role", "elixircluster-lease", "-n", SYSTEM, "-o", "json"))
    return {
        (group, resource, verb)
        for rule in role["rules"] + lease["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def right(event):
    reference = event.get("objectRef", {})
    resource = "/".join(filter(None, (reference.get("resource", ""), reference.get("subresource"))))
    return reference.get("apiGroup", ""), resource, event["verb"]


def creations(requests):
    """An apply that makes a new object is logged as a patch and needs the right to create, too."""
    for event in requests:
        if event["verb"] == "patch" and event.get("responseStatus", {}).get("code") == 201:
            group, resource, _ = right(event)
            yield group, resource, "create"
