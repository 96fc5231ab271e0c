"""Which machines are there for Kubernetes, from what the API server has stored of them."""

import pytest

from tests.cluster.readiness import heard, not_ready

READY = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
SILENT = {"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting node status."}
NO_NETWORK = {"type": "Ready", "status": "False", "reason": "KubeletNotReady"}
EARLY, LATE = "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:10.000000Z"


def seen(*conditions, renewed=EARLY):
    nodes = {"items": [{"metadata": {"name": "a"}, "status": {"conditions": list(conditions)}}]}
    leases = {"items": [{"metadata": {"name": "a"}, "spec": {"renewTime": renewed}}] if renewed else []}
    return heard(nodes, leases)


@pytest.mark.parametrize(
    ("now", "earlier", "trouble"),
    [
        (seen(READY), {}, ""),
        (seen(READY, renewed=""), {}, ""),
        (seen(SILENT), {}, "is not Ready: Kubelet stopped posting node status."),
        (seen(NO_NETWORK), {}, "is not Ready: KubeletNotReady"),
        (seen(), {}, "is not Ready: its kubelet has not said so yet"),
        ({}, {}, "has not joined"),
        (seen(READY), seen(READY), f"has not been heard of since {EARLY}"),
        (seen(READY, renewed=LATE), seen(READY), ""),
        (seen(SILENT, renewed=LATE), seen(READY), "is not Ready: Kubelet stopped posting node status."),
        (seen(READY), {"b": seen(READY)["a"]}, ""),
    ],
)
def test_a_machine_is_there_where_it_is_ready_and_was_heard_of_since(now, earlier, trouble):
    assert not_ready(["a"], now, earlier) == ({"a": trouble} if trouble else {})


def test_who_is_not_asked_for_is_nobodys_trouble():
    assert not_ready([], seen(SILENT), {}) == {}
