"""What Kubernetes says of pods that it does not make, start or find ready is what status and the doctor say.

Real refusals by quota, LimitRange and Pod Security, real probes, real kubelet: each message is the one that people see.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.integration.operator.client import Body, eventually
from tests.integration.operator.user import NO_DRAIN, START, User, shell


class Refusal(NamedTuple):
    """A namespace that refuses pods, a resource that is refused in it, what is said, and a spec that is let in."""

    there: Body
    labels: tuple[str, ...]
    spec: Body
    said: tuple[str, ...]
    remedy: Body


def quota(**hard: str) -> Body:
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": hard}}


def limits(memory: str) -> Body:
    limit = {"type": "Container", "max": {"memory": memory}}
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "sizes"}, "spec": {"limits": [limit]}}


def resources(memory: str) -> Body:
    return {"resources": {"requests": {"cpu": "100m", "memory": memory}, "limits": {"cpu": "2", "memory": memory}}}


def beside(context: Body | None) -> Body:
    """A container beside the release."""
    container: Body = {
        "name": "proxy",
        "image": "",
        "command": ["sleep", "infinity"],
        "imagePullPolicy": "IfNotPresent",
    }
    return {"sidecars": [{**container, **({"securityContext": context} if context else {})}]}


NOTHING = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "nothing"}}
ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "clerk"}}
RESTRICTED = ("pod-security.kubernetes.io/enforce=restricted",)
REFUSALS = {
    "a quota of pods": Refusal(
        quota(pods="1"), (), {"replicas": 2}, ("exceeded quota: small", "ResourceQuota small"), {"replicas": 1}
    ),
    "a quota that wants limits": Refusal(
        quota(**{"limits.memory": "4Gi"}),
        (),
        {},
        ("failed quota: small: must specify limits.memory", "spec.resources"),
        resources("512Mi"),
    ),
    "a LimitRange": Refusal(
        limits("600Mi"),
        (),
        resources("900Mi"),
        ("maximum memory usage per Container is 600Mi", "LimitRange"),
        resources("512Mi"),
    ),
    "Pod Security": Refusal(
        NOTHING,
        RESTRICTED,
        beside({"allowPrivilegeEscalation": True}),
        ('violates PodSecurity "restricted:latest"', 'container "proxy" must set', "securityContext of the container"),
        beside(None),
    ),
    "no ServiceAccount": Refusal(
        ACCOUNT,
        (),
        {"serviceAccount": {"name": "nobody"}},
        ('serviceaccount "nobody" not found', "spec.serviceAccount.name"),
        {"serviceAccount": {"name": "clerk"}},
    ),
}


@pytest.fixture
def user(cluster, namespace, images):
    return User(cluster, namespace, images["chat"])


def with_image(spec: Body, image: str) -> Body:
    """The containers beside the release are of its image."""
    return {
        key: [{**container, "image": image} for container in value] if key in {"sidecars", "initContainers"} else value
        for key, value in spec.items()
    }


@pytest.mark.parametrize("row", REFUSALS.values(), ids=REFUSALS)
def test_a_pod_that_is_refused_is_told_with_the_reason_and_who_does_as_it_says_is_ready(user, row):
    """Status said "1 of 1 pods do not exist yet", and no more."""
    user.apply(row.there)
    if row.labels:
        user.kubectl("label", "namespace", user.namespace.name, *row.labels)
    # Until the quota counts, it lets everything in.
    if row.there["kind"] == "ResourceQuota":
        user.kubectl("wait", "resourcequota/small", "--for=jsonpath={.status.hard}", "--timeout=30s")
    user.apply(user.manifest("shop", **with_image(row.spec, user.image)))
    told = user.namespace.until("shop", "Stalled", seconds=60, reason="PodsRefused")
    for words in row.said:
        assert words in told["message"]
    asked = user.doctor("shop")
    assert asked.returncode == 1
    assert row.said[0] in asked.stdout
    user.apply(user.manifest("shop", **with_image(row.remedy, user.image)))
    user.namespace.until("shop", seconds=120)
    user.namespace.until("shop", "Stalled", "False")


SOME = [{"runAsUser": 1001}, {"readOnlyRootFilesystem": True}, None]


def test_a_restricted_namespace_admits_containers_that_say_nothing_or_little(user):
    """One that said its user only was refused: what it did not say counted as asked for."""
    user.kubectl("label", "namespace", user.namespace.name, *RESTRICTED)
    first = {"name": "first", "image": user.image, "command": ["true"], "imagePullPolicy": "IfNotPresent"}
    waits = {"image": user.image, "command": ["sleep", "infinity"], "imagePullPolicy": "IfNotPresent"}
    sidecars = [
        {**waits, "name": f"proxy-{number}", **({"securityContext": context} if context else {})}
        for number, context in enumerate(SOME)
    ]
    user.run("shop", initContainers=[{**first, "securityContext": {"runAsUser": 1001}}], sidecars=sidecars)


class Illness(NamedTuple):
    """What keeps a pod from getting ready, the reason of the condition, what is said, and what mends it."""

    spec: dict[str, Any]
    reason: str
    said: str
    remedy: dict[str, Any] | None = None


# Of a probe that fails more than 25 times while a node boots the kubelet then says nothing for five minutes.
SELDOM = {"periodSeconds": 5, "failureThreshold": 60}


def readiness(**check: Any) -> Body:
    return {"health": {"startup": SELDOM, "readiness": {"periodSeconds": 5, **check}}}


def variable(key: str, **source: Any) -> Body:
    return {"env": [*NO_DRAIN, {"name": key, **source}]}


def of_secret(name: str, key: str) -> Body:
    return variable("DATABASE_URL", valueFrom={"secretKeyRef": {"name": name, "key": key}})


def volume(**source: Any) -> Body:
    return {"volumes": [{"name": "more", **source}], "volumeMounts": [{"name": "more", "mountPath": "/more"}]}


# A merge patch takes away what is null.
NO_CHECK = dict.fromkeys(("httpGet", "tcpSocket", "exec"))
READY = readiness(**NO_CHECK, timeoutSeconds=None)
STARTED: Body = {"health": {"startup": NO_CHECK}}
PHOENIX = (
    'bin/chat eval \'System.get_env("SECRET_KEY_BASE") || raise "environment variable SECRET_KEY_BASE is missing.\\n'
    "You can generate one by calling: mix phx.gen.secret\"' && "
) + START
RAISES = "exec bin/chat eval 'raise \"the warehouse is closed\"'"
ILL = {
    "status": Illness(
        readiness(httpGet={"path": "/nowhere"}),
        "",
        "its readiness probe fails: HTTP probe failed with statuscode: 404",
        READY,
    ),
    "refused": Illness(readiness(tcpSocket={"port": 4999}), "", "connect: connection refused", READY),
    "scheme": Illness(
        readiness(httpGet={"path": "/", "scheme": "HTTPS"}), "", "server gave HTTP response to HTTPS client", READY
    ),
    "late": Illness(
        readiness(exec={"command": ["sleep", "20"]}, timeoutSeconds=1),
        "",
        "its readiness probe fails: command",
        READY,
    ),
    "started": Illness(
        {"health": {"startup": {"httpGet": {"path": "/nowhere"}, **SELDOM}}},
        "",
        "its startup probe has not succeeded yet: HTTP probe failed with statuscode: 404",
        STARTED,
    ),
    "killed": Illness(
        {
            "health": {
                "startup": SELDOM,
                "liveness": {"httpGet": {"path": "/nowhere"}, "periodSeconds": 2, "failureThreshold": 1},
                "readiness": {"httpGet": {"path": "/nowhere"}},
            },
            "shutdown": {"preStopSeconds": 0},
        },
        "",
        # While it stops nobody listens any more, and that is the last that is said of the probe.
        "; its liveness probe has failed: ",
    ),
    "secret": Illness(
        of_secret("nowhere", "url"), "SecretMissing", "Secret nowhere does not exist", of_secret("db", "url")
    ),
    "key": Illness(of_secret("db", "nowhere"), "KeyMissing", "Secret db has no key nowhere", of_secret("db", "url")),
    "config": Illness(
        {"envFrom": [{"configMapRef": {"name": "nowhere"}}]},
        "ConfigMapMissing",
        "ConfigMap nowhere does not exist",
        {"envFrom": None},
    ),
    "mount": Illness(
        volume(secret={"secretName": "nowhere"}),
        "SecretMissing",
        "Secret nowhere does not exist",
        volume(secret={"secretName": "db"}),
    ),
    "mount-key": Illness(
        volume(secret={"secretName": "db", "items": [{"key": "nowhere", "path": "x"}]}),
        "KeyMissing",
        "names the key nowhere",
        volume(secret={"secretName": "db"}),
    ),
    "script": Illness(
        {"release": {"name": "chat", "command": ["bin/nowhere", "start"]}},
        "CommandNotFound",
        "the image has no bin/nowhere",
        {"release": {"name": "chat", "command": ["bin/chat", "start"]}},
    ),
    "by-a-shell": Illness(
        shell("exec bin/nowhere start"), "CommandNotFound", "the image has no bin/nowhere", shell(START)
    ),
    "unreadable": Illness(
        {"release": {"name": "chat", "command": ["/etc/hostname"]}},
        "NotExecutable",
        "may not run /etc/hostname",
        shell(START),
    ),
    "phoenix": Illness(
        shell(PHOENIX),
        "VariableMissing",
        "needs the variable SECRET_KEY_BASE",
        variable("SECRET_KEY_BASE", value="x" * 64),
    ),
    "raises": Illness(shell(RAISES), "", "(exit code 1): ** (RuntimeError) the warehouse is closed", shell(START)),
    "image": Illness({"image": "localhost:1/nowhere:1"}, "", "ImagePullBackOff: failed to pull"),
    "nowhere": Illness(
        {"scheduling": {"nodeSelector": {"zone": "nowhere"}}},
        "",
        "Unschedulable: 0/",
        {"scheduling": {"nodeSelector": None}},
    ),
}


@pytest.fixture(scope="module")
def patient(cluster, shared, images, operator):
    """Who has made every mistake, each in a resource of its own."""
    found = User(cluster, shared, images["chat"])
    shared.create("Secret", "db", {"stringData": {"url": "ecto://shop:h4nter2@db/shop"}})
    found.apply(*(found.manifest(name, **row.spec) for name, row in ILL.items()))
    return found


@pytest.mark.parametrize(("name", "row"), ILL.items(), ids=ILL)
def test_why_a_pod_does_not_get_ready_is_told_in_the_words_of_kubernetes(patient, name, row):
    """Status said "its readiness probe has not succeeded yet" and "its containers start", and an exit code at most."""
    if row.reason:
        told = patient.namespace.until(name, "Stalled", seconds=120, reason=row.reason)
        assert row.said in told["message"]
    else:
        # A container that is started again says something else meanwhile.
        eventually(lambda: all(row.said in told for told in patient.said(name)), 150, every=0.5)
    asked = eventually(lambda: found if row.said in (found := patient.doctor(name)).stdout else None, 60, every=1)
    assert asked.returncode == 1
    if row.remedy is not None:
        patient.namespace.change(name, **row.remedy)
        patient.namespace.until(name, seconds=180)
        patient.namespace.until(name, "Stalled", "False")
    # Room for the others.
    patient.namespace.change(name, replicas=0)


def test_nothing_that_kubernetes_says_brings_a_secret_into_the_status(patient):
    assert "h4nter2" not in str([patient.namespace.get("ElixirCluster", name) for name in ILL])


def test_a_release_of_another_name_is_told_where_its_tools_are_needed(user):
    """The console failed for ever, with no word of the field that is the cause."""
    user.apply(user.manifest("shop", release={"name": "wrong"}))
    user.namespace.until("shop", seconds=120)
    asked = user.plugin("rpc", "shop", "1 + 1")
    assert asked.returncode == 127
    assert "there is no bin/wrong in /app" in asked.stderr
    assert "chat" in asked.stderr
    assert "spec.release.name" in asked.stderr
    said = user.doctor("shop")
    assert said.returncode == 1
    assert "the release is not called wrong" in said.stdout
    assert "shop-0 runs the release chat" in said.stdout
