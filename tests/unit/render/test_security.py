"""What pods and containers may do, and how a platform or a user says otherwise."""

from __future__ import annotations

import pytest

from tests.unit.factory import children, cluster

RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def pod_spec(**spec):
    return children(cluster(**spec))["StatefulSet"]["spec"]["template"]["spec"]


def test_pods_satisfy_the_restricted_pod_security_standard():
    spec = pod_spec()
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65534,
        "runAsGroup": 65534,
        "fsGroup": 65534,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["automountServiceAccountToken"] is False
    assert spec["containers"][0]["securityContext"] == {**RESTRICTED, "readOnlyRootFilesystem": True}


# OpenShift chooses user and group, and refuses ours; a `runAsUser: null` in podTemplate is lost by `kubectl apply`.
@pytest.mark.parametrize("said", [{}, {"runAsNonRoot": True}, {"runAsUser": 1000, "fsGroup": 1000}])
def test_a_security_context_of_the_users_stands_in_place_of_ours(said):
    spec = pod_spec(podSecurityContext=said, securityContext=said)
    assert spec["securityContext"] == said
    assert spec["containers"][0]["securityContext"] == said


def test_containers_beside_the_release_are_restricted_where_they_say_nothing():
    sidecar = {"name": "proxy", "image": "proxy:1", "args": ["{{ x }}", "{% y %}"]}
    first = {"name": "wait", "image": "wait:1"}
    spec = pod_spec(sidecars=[sidecar], initContainers=[first])
    ours = {"securityContext": RESTRICTED, "terminationMessagePolicy": "FallbackToLogsOnError"}
    assert spec["containers"][1:] == [{**sidecar, **ours}]
    assert spec["initContainers"] == [{**first, **ours}]


SAID = {
    "another user": ({"runAsUser": 101}, {"runAsUser": 101, **RESTRICTED}),
    "a capability": (
        {"capabilities": {"add": ["NET_BIND_SERVICE"]}},
        {**RESTRICTED, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}},
    ),
    "other capabilities to lose": (
        {"capabilities": {"drop": ["NET_RAW"]}},
        {**RESTRICTED, "capabilities": {"drop": ["NET_RAW"]}},
    ),
    "that it may gain privileges": (
        {"allowPrivilegeEscalation": True},
        {**RESTRICTED, "allowPrivilegeEscalation": True},
    ),
    "nothing at all": (None, RESTRICTED),
    # `allowPrivilegeEscalation: false` beside these would be refused: ours is not mixed into theirs.
    "privileges": ({"privileged": True}, {"privileged": True}),
    "what is no securityContext, for the API server to refuse": (
        {"capabilities": ["NET_RAW"]},
        {"capabilities": ["NET_RAW"]},
    ),
    "all capabilities that matter": (
        {"capabilities": {"add": ["SYS_ADMIN"]}},
        {"capabilities": {"add": ["SYS_ADMIN"]}},
    ),
}


# One that said its user only was refused by a restricted namespace.
@pytest.mark.parametrize(("said", "becomes"), SAID.values(), ids=SAID)
def test_what_a_container_beside_the_release_says_counts_and_for_the_rest_it_is_restricted(said, becomes):
    container = {"name": "a", "image": "a", "securityContext": said, "terminationMessagePolicy": "File"}
    spec = pod_spec(sidecars=[container], initContainers=[{**container, "name": "b"}])
    assert spec["containers"][1] == {**container, "securityContext": becomes}
    assert spec["initContainers"] == [{**container, "name": "b", "securityContext": becomes}]
