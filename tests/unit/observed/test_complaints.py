"""What Events say of pods that are not made, and of such as do not get ready."""

from __future__ import annotations

import pytest

from elixircluster.observed.complaints import Complaints, Shortage, is_open
from elixircluster.observed.containers import NOT_READY_YET, OTHERS_WAIT, STARTING
from elixircluster.observed.events import GIVEN_UP, refusal
from tests.unit.factory import pod

WRITTEN = "2026-01-01T00:00:10Z"
ALL = ("chat-0", "chat-1", "chat-2")


def event(message, reason="FailedCreate", second=20, **more):
    time = f"2026-01-01T00:00:{second:02}Z"
    return {"metadata": {"name": "x", "creationTimestamp": time}, "lastTimestamp": time, "reason": reason} | {
        "message": message,
        "involvedObject": {},
        **more,
    }


def refused(why, name="chat-1", second=20):
    return event(f"create Pod {name} in StatefulSet chat failed error: {why}", second=second)


PSA = (
    'pods "chat-1" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false '
    '(container "proxy" must set securityContext.allowPrivilegeEscalation=false)'
)
REFUSALS = {
    "a quota that is used up": (
        'pods "chat-1" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1',
        (
            "pod chat-1 is refused: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1; "
            "raise ResourceQuota small, or lower spec.replicas or spec.resources"
        ),
    ),
    "a quota that wants to be told": (
        'pods "chat-1" is forbidden: failed quota: small: must specify limits.cpu for: app',
        "ResourceQuota small wants it said by every container: set it in spec.resources",
    ),
    "Pod Security": (PSA, 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'),
    "Pod Security, and what to do": (PSA, "in the securityContext of the container that is named"),
    "a LimitRange": (
        'pods "chat-1" is forbidden: maximum memory usage per Container is 100Mi, but limit is 200Mi',
        "set spec.resources to what the namespace's LimitRange allows",
    ),
    "no ServiceAccount": (
        'pods "chat-1" is forbidden: error looking up service account shop/nobody: serviceaccount "nobody" not found',
        "create ServiceAccount nobody, or correct spec.serviceAccount.name",
    ),
    "no PriorityClass": (
        'pods "chat-1" is forbidden: no PriorityClass with name urgent was found',
        "create PriorityClass urgent, or correct spec.scheduling.priorityClassName",
    ),
    "a policy of the cluster's": (
        'admission webhook "validate.kyverno.svc" denied the request: images must be signed',
        'pod chat-1 is refused: admission webhook "validate.kyverno.svc" denied the request: images must be signed',
    ),
}


@pytest.mark.parametrize(("why", "told"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_told_as_kubernetes_says_it_with_what_to_do(why, told):
    found = refusal([refused(why)], ALL, WRITTEN)
    assert found is not None
    assert found.diagnosis.reason == "PodsRefused"
    assert told in found.diagnosis.advice


def test_a_disk_that_is_refused_is_told_of_its_pod():
    why = 'persistentvolumeclaims "data-chat-2" is forbidden: exceeded quota: disks, requested: requests.storage=1Gi'
    said = event(f"create Claim data-chat-2 for Pod chat-2 in StatefulSet chat failed error: {why}")
    found = refusal([said], ALL, WRITTEN)
    assert found is not None
    assert found.diagnosis.advice.startswith("pod chat-2 is refused: exceeded quota: disks")


UNTOLD = {
    "it was before the template was written": [refused("no", second=9)],
    "the pod is there by now": [refused("no", name="chat-7")],
    "it succeeded": [event("create Pod chat-1 in StatefulSet chat successful", "SuccessfulCreate")],
    "nothing": [],
    "no message": [event(None)],
}


@pytest.mark.parametrize("events", UNTOLD.values(), ids=UNTOLD)
def test_what_is_not_so_any_more_is_not_told(events):
    assert refusal(events, ALL, WRITTEN) is None


def test_the_newest_refusal_counts():
    found = refusal([refused("new", second=40), refused("old", second=30)], ALL, WRITTEN)
    assert found is not None
    assert "new" in found.diagnosis.advice


def test_a_refusal_holds_while_its_pod_is_missing_and_the_template_is_the_same():
    told = Complaints().after(Shortage(WRITTEN, ALL), [refused("no")])
    assert told.of(Shortage(WRITTEN, ("chat-1",)))
    assert told.of(Shortage(WRITTEN, ("chat-2",))) is None
    assert told.of(Shortage("2026-01-01T00:01:00Z", ("chat-1",))) is None


def unhealthy(message, second=20, container="app"):
    place = {"fieldPath": f"spec.containers{{{container}}}"}
    return event(message, "Unhealthy", second, involvedObject=place)


STATUS_500 = "Readiness probe failed: HTTP probe failed with statuscode: 500"
REFUSED = 'Readiness probe failed: Get "http://10.0.0.1:4000/up": dial tcp 10.0.0.1:4000: connect: connection refused'
TIMEOUT = 'Readiness probe failed: Get "http://10.0.0.1:4000/up": context deadline exceeded (Client.Timeout exceeded)'
BOOTS = "Startup probe failed: dial tcp 10.0.0.1:4000: connect: connection refused"
DISK = 'AttachVolume.Attach failed for volume "pvc-1" : the disk is in another zone'
UP, BOOTING = {"message": NOT_READY_YET}, {"message": NOT_READY_YET, "started": False}
PENDING = {"message": STARTING, "started": False}
KILLED = {"message": "app: is not ready, and runs again after Error (exit code 137)"}
COMPLAINTS = {
    "an answer with a status": (
        UP,
        [unhealthy(STATUS_500)],
        "its readiness probe fails: HTTP probe failed with statuscode: 500",
    ),
    "nobody listens": (UP, [unhealthy(REFUSED)], "connect: connection refused"),
    "no answer in time": (UP, [unhealthy(TIMEOUT)], "context deadline exceeded"),
    "the newest of several": (UP, [unhealthy(STATUS_500, 50), unhealthy(REFUSED, 30)], "statuscode: 500"),
    "a node that boots": (BOOTING, [unhealthy(BOOTS)], "its startup probe has not succeeded yet: dial tcp"),
    "a node that has booted, and was waited for": (UP, [unhealthy(BOOTS)], ""),
    "a probe that could not be made": (
        UP,
        [unhealthy("Readiness probe errored and resulted in unknown state: rpc error: deadline")],
        "its readiness probe fails: rpc error: deadline",
    ),
    "a sidecar that is not ready": (
        UP,
        [unhealthy(STATUS_500, container="proxy")],
        "proxy: its readiness probe fails: HTTP probe failed",
    ),
    "what a command said, in one line and without secrets": (
        UP,
        [unhealthy("Readiness probe failed: no\n\x1b[31m password=h4nter2 ")],
        "its readiness probe fails: no \ufffd[31m password=…",
    ),
    "a disk that is not attached": (PENDING, [event(DISK, "FailedAttachVolume")], f"FailedAttachVolume: {DISK}"),
    "a disk that was attached in the end": (
        PENDING,
        [event(DISK, "FailedAttachVolume"), event("Pulling image", "Pulling", 30)],
        "",
    ),
    "no network": (
        PENDING,
        [event("Failed to create pod sandbox: no addresses", "FailedCreatePodSandBox")],
        "FailedCreatePodSandBox: Failed to create pod sandbox: no addresses",
    ),
    "an end by the kubelet": (
        KILLED,
        [unhealthy("Liveness probe failed: HTTP probe failed with statuscode: 503")],
        f"{KILLED['message']}; its liveness probe has failed: HTTP probe failed with statuscode: 503",
    ),
    "an end by the kubelet, for which the node was well": (
        {"message": "app: CrashLoopBackOff (exit code 0)"},
        [unhealthy("Liveness probe failed: command timed out")],
        "app: CrashLoopBackOff (exit code 0); its liveness probe has failed: command timed out",
    ),
    "an end by the kubelet, after which the node boots again": (
        {"message": "app: CrashLoopBackOff (exit code 0)"},
        [
            unhealthy("Liveness probe failed: HTTP probe failed with statuscode: 503", 20),
            event("Container app failed liveness probe, will be restarted", "Killing", 21),
            unhealthy(BOOTS, 30),
        ],
        "app: CrashLoopBackOff (exit code 0); its liveness probe has failed: HTTP probe failed with statuscode: 503",
    ),
    "an end by the kubelet, since the node did not boot in time": (
        {"message": "app: CrashLoopBackOff (exit code 0)"},
        [
            unhealthy(BOOTS, 20),
            event("Container app failed startup probe, will be restarted", "Killing", 21),
            unhealthy("Liveness probe failed: command timed out", 30),
        ],
        "app: CrashLoopBackOff (exit code 0); its startup probe has not succeeded yet: dial tcp",
    ),
    "an end by the kubelet, which has said too often what failed": (
        {"message": "app: CrashLoopBackOff (exit code 0)"},
        [unhealthy(BOOTS, 20), event("Container app failed liveness probe, will be restarted", "Killing", 21)],
        "app: CrashLoopBackOff (exit code 0); its liveness probe has failed",
    ),
    "a native sidecar that does not start": (
        {"message": f"proxy {OTHERS_WAIT}"},
        [unhealthy("Startup probe failed: no", container="proxy")],
        f"proxy {OTHERS_WAIT}; proxy: its startup probe has not succeeded yet: no",
    ),
    "a disk, as it was said better before": (
        PENDING,
        [event(DISK, "FailedAttachVolume"), event(f"{GIVEN_UP}: timed out waiting", "FailedMount", 40)],
        f"FailedAttachVolume: {DISK}",
    ),
    "an end by somebody else": (KILLED, [unhealthy(STATUS_500)], ""),
    "nothing": (UP, [], ""),
}


@pytest.mark.parametrize(("state", "events", "told"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_what_a_pod_lacks_is_told_as_kubernetes_says_it(state, events, told):
    before = pod(0, ready=False, **state)
    said = Complaints().after(before, events).pods[before]
    assert told in said
    assert bool(told) == bool(said)


ASKED = {
    "is ready": (pod(0), False),
    "leaves": (pod(0, terminating=True, message="is terminating"), False),
    "says it itself": (pod(0, ready=False, message="app: Error (exit code 1): no database"), False),
    "boots": (pod(0, ready=False, message=NOT_READY_YET), True),
    "is made": (pod(0, ready=False, message=STARTING), True),
    "was killed": (pod(0, ready=False, **KILLED), True),
    "took too much": (
        pod(0, ready=False, message="app: is not ready, and runs again after OOMKilled (exit code 137)"),
        False,
    ),
}


@pytest.mark.parametrize(("member", "asked"), ASKED.values(), ids=ASKED)
def test_only_what_a_pod_does_not_say_itself_is_asked_for(member, asked):
    assert is_open(member) is asked


def test_words_about_a_pod_hold_until_it_changes():
    before, after = (
        pod(0, ready=False, message=NOT_READY_YET),
        pod(0, ready=False, message=NOT_READY_YET, address="10.9.9.9"),
    )
    told = Complaints().after(before, [unhealthy(STATUS_500)])
    assert "statuscode: 500" in told.told(before).message
    assert told.told(after) == after
    assert told.about([after]).pods == {}


def test_a_volume_without_its_secret_is_told_with_the_secret():
    said = 'MountVolume.SetUp failed for volume "keys" : secret "keys-of-shop" not found'
    before = pod(0, ready=False, **PENDING)
    told = Complaints().after(before, [event(said, "FailedMount")]).told(before)
    assert told.message == f"FailedMount: {said}"
    assert told.diagnosis is not None
    assert told.diagnosis.reason == "SecretMissing"
    assert "Secret keys-of-shop does not exist" in told.diagnosis.advice


def test_what_a_probe_says_is_not_taken_for_kubernetes_own_words():
    before = pod(0, ready=False, **UP)
    told = Complaints().after(before, [unhealthy('Readiness probe failed: secret "db" not found')]).told(before)
    assert 'secret "db" not found' in told.message
    assert told.diagnosis is None
