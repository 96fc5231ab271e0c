"""The operator itself: upgraded, killed, gone, back, and kept to a few namespaces."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.cluster import UnsupportedError
from tests.cluster.embedded import Embedded
from tests.cluster.fault import pod_pids

from .conftest import Example
from .release import Release
from .user import GOOD_IMAGE, Namespace, comes_true, together

CHILDREN = "statefulsets,services,configmaps,secrets,serviceaccounts,poddisruptionbudgets"
LOOK_AROUND = """
import os, re
print(os.getuid())
try:
    open("/file", "w")
except OSError as error:
    print(error.strerror)
said = open("/proc/self/status").read()
print(*re.findall(r"^(?:CapEff|CapBnd|NoNewPrivs):\\t(.*)$", said, re.M))
"""

# Of cert-manager the operator needs nothing but the kind.
CERTIFICATES = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "certificates.cert-manager.io"},
    "spec": {
        "group": "cert-manager.io",
        "scope": "Namespaced",
        "names": {"kind": "Certificate", "plural": "certificates", "singular": "certificate"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
EXTRA_TEMPLATE = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ (name + "-extra") | tojson }}
  namespace: {{ namespace | tojson }}
  labels: {{ labels | tojson }}
  ownerReferences: [{{ owner | tojson }}]
"""
NOTHING = "{# none #}"


def test_the_operator_is_locked_up(operator):
    for pod in operator.pods():
        command = ("exec", pod["metadata"]["name"], "--", "python", "-c", LOOK_AROUND)
        said = operator.namespace.kubectl(*command).splitlines()
        assert said == ["65532", "Read-only file system", "0000000000000000 0000000000000000 1"]


def everything_made(operator: Release) -> dict[str, Any]:
    """Versions of every child, the life of every node's pod, and what is said of every resource."""
    get = ("get", "-A", "-o", "json")
    made = operator.kubernetes.kubectl(*get, f"{CHILDREN},pods", "-l", "app.kubernetes.io/managed-by=elixircluster")
    resources = operator.kubernetes.kubectl(*get, "elixirclusters")
    found = {}
    for item in json.loads(made)["items"] + json.loads(resources)["items"]:
        metadata = item["metadata"]
        key = f"{item['kind']} {metadata['namespace']}/{metadata['name']}"
        if item["kind"] == "Pod":
            restarts = [each["restartCount"] for each in item["status"].get("containerStatuses") or []]
            found[key] = (metadata["uid"], restarts)
        elif item["kind"] == "ElixirCluster":
            # What an operator sees of the mesh, and hears from Events of a pod that is not ready, it has to get anew.
            ready = next(each for each in item["status"]["conditions"] if each["type"] == "Ready")
            said = {name: ready[name] for name in ready.keys() - {"message"}}
            found[key] = (metadata["uid"], metadata["generation"], said)
        else:
            found[key] = (metadata["uid"], metadata.get("generation"), metadata["resourceVersion"])
    return found


def test_helm_test_finds_the_operator_at_work(operator):
    said = operator.test()
    assert "Phase:          Succeeded" in said


def test_an_upgrade_of_the_operator_restarts_and_changes_nothing(examples, operator):
    before, pods = everything_made(operator), {pod["metadata"]["uid"] for pod in operator.pods()}
    operator.install({"podAnnotations": {"version": "next"}, "operator": {"workers": 4}})
    operator.wait_for_a_look_at_everything()
    assert not pods & {pod["metadata"]["uid"] for pod in operator.pods()}
    assert everything_made(operator) == before


def test_another_leads_within_five_seconds_when_the_leading_pod_is_deleted(operator):
    leader = operator.wait_for_leader()
    started = time.monotonic()
    operator.namespace.kubectl("delete", "pod", leader, "--wait=false")
    assert comes_true(lambda: operator.leader() not in {"", leader}, 20)
    assert time.monotonic() - started < 5
    operator.namespace.kubectl("rollout", "status", f"deployment/{operator.name}", "--timeout=60s")


def test_a_leader_that_crashes_goes_on_with_its_lease(operator):
    if not isinstance(operator.kubernetes.provider, Embedded):
        pytest.skip("only the embedded cluster's processes are ours to kill")
    pod = operator.namespace.get("pod", operator.wait_for_leader())
    for pid in pod_pids(operator.kubernetes.provider, pod["metadata"]["uid"]):
        os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()

    def leads_again() -> bool:
        spec = operator.namespace.get("lease", "elixircluster")["spec"]
        return bool(spec["renewTime"] > before["renewTime"])

    before = operator.namespace.get("lease", "elixircluster")["spec"]
    assert comes_true(leads_again, 30)
    assert time.monotonic() - killed < 12  # a lease that is waited for takes 15 s and more
    after = operator.namespace.get("lease", "elixircluster")["spec"]
    assert after["holderIdentity"] == before["holderIdentity"]
    assert after["leaseTransitions"] == before["leaseTransitions"]


@dataclass
class Absence:
    """What happened while the operator was away, and when it came back."""

    replaced: bool = False
    meshed: bool = False
    answer: str = ""
    untouched: bool = False
    seconds_to_catch_up: float = 0.0
    meshed_afterwards: bool = False
    scoped: Scoped | None = None


@dataclass
class Scoped:
    """How a second release, for two namespaces only, went."""

    ready: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    pruned: bool = False
    given_up: bool = False
    meshed: bool = False
    renewed: bool = False
    certificate: tuple[str, str, bool] = ("", "", False)
    ignored: bool = False
    cluster_roles: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    namespaces: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def absence(
    examples: dict[str, Example], operator: Release, namespaces: Callable[[str], Namespace], side_by_side: Any
) -> Absence:
    story, chat = Absence(), examples["chat"]
    operator.scale(0)
    try:
        assert comes_true(operator.is_away, 60)
        going_on = side_by_side(scoped, operator, namespaces)
        before = chat.namespace.lives("chat")
        chat.namespace.kubectl("delete", "pods", "-l", "elixircluster.dev/cluster=chat")
        chat.namespace.kubectl(
            "wait", "pods", "-l", "elixircluster.dev/cluster=chat", "--for=condition=Ready", "--timeout=90s"
        )
        story.meshed = chat.namespace.connected("chat", 3)
        story.replaced = not set(before.values()) & set(chat.namespace.lives("chat").values())
        story.answer = chat.namespace.rpc("chat-0", "IO.puts(6 * 7)").strip()
        chat.namespace.patch("chat", replicas=4)
        story.scoped = going_on.result()
        story.untouched = workload_replicas(chat) == 3
    finally:
        operator.scale(2)
    comes_true(lambda: workload_replicas(chat) == 4, 120)
    story.seconds_to_catch_up = (dt.datetime.now(dt.UTC) - operator.first_start()).total_seconds()
    chat.namespace.wait_until_ready("chat")
    story.meshed_afterwards = chat.namespace.connected("chat", 4)
    return story


def workload_replicas(example: Example) -> int:
    return int(example.namespace.get("statefulset", example.name)["spec"]["replicas"])


def scoped(operator: Release, namespaces: Callable[[str], Namespace]) -> Scoped:
    story = Scoped()
    system, first, second, third = map(namespaces, ("scoped-system", "scoped-a", "scoped-b", "scoped-c"))
    first.apply(chat(replicas=2, distribution={"tls": {"mode": "SelfSigned"}}))
    second.apply(chat(discovery={"strategy": "API"}))
    third.apply(chat())
    story.namespaces = {first.name, second.name, system.name}
    try:
        start = operator.kubernetes.audit_position()
    except UnsupportedError:
        start = None
    release = Release(operator.kubernetes, system, name="scoped")
    few = {
        "watchNamespaces": [first.name, second.name],
        "replicas": 1,
        "crds": {"install": False},
        "rbac": {"aggregate": False, "apiDiscovery": True, "certManager": True},
    }
    release.install(few | {"templates": {"files": {"extra.yaml.j2": EXTRA_TEMPLATE}}})
    together(lambda: first.wait_until_ready("chat"), lambda: second.wait_until_ready("chat"))
    story.ready = [namespace.condition("chat", "Ready").get("status", "") for namespace in (first, second, third)]
    story.extra = [each.kubectl("get", "configmap", "chat-extra", "-o", "name").strip() for each in (first, second)]
    asked = ask_for_certificate(second)
    # What templates and spec no longer want goes.
    release.install(few | {"templates": {"files": {"pod-disruption-budget.yaml.j2": NOTHING}}})
    second.patch(
        "chat",
        web=None,
        serviceAccount={"name": "default"},
        discovery={"strategy": "DNS"},
        networkPolicy={"mode": "Disabled"},
    )
    story.pruned = comes_true(lambda: not names(first, "configmaps,poddisruptionbudgets") - {"chat-config"}, 40)
    story.certificate = (*asked, certificate_goes(second))
    kinds = "services,serviceaccounts,roles,rolebindings,networkpolicies"
    story.given_up = comes_true(lambda: names(second, kinds) == {"chat-nodes"}, 40)
    before = first.get("secret", "chat-tls")["data"]
    spoiled = json.dumps({"data": {"tls.key": "eA=="}})
    first.kubectl("patch", "secret", "chat-tls", "--type=merge", "--patch", spoiled)
    story.renewed = comes_true(lambda: first.get("secret", "chat-tls")["data"]["tls.crt"] != before["tls.crt"], 20)
    story.meshed = first.connected("chat", 2)
    story.ignored = not names(third, CHILDREN) and "status" not in third.get("elixircluster", "chat")
    selector = f"app.kubernetes.io/instance={release.name}"
    story.cluster_roles = operator.kubernetes.kubectl(
        "get", "clusterroles,clusterrolebindings", "-l", selector, "-o", "name"
    )
    # Its rights go with the release, so it should be gone by then.
    release.scale(0)
    comes_true(release.is_away, 60)
    release.uninstall()
    if start is not None:
        said = operator.kubernetes.audit(start)
        story.requests = [event for event in said if event["user"].get("username") == release.user]
    return story


def ask_for_certificate(namespace: Namespace) -> tuple[str, str]:
    """What is waited for without cert-manager's answer, and which Secret it is asked for."""
    known = namespace.kubernetes.kubectl("get", "crd", "-o", "name")
    if CERTIFICATES["metadata"]["name"] not in known:
        namespace.apply(CERTIFICATES)
        namespace.kubernetes.wait_until_served(CERTIFICATES["metadata"]["name"])
    # One of somebody else's has the name, for a while.
    theirs = {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "sealed-tls"}}
    namespace.apply(theirs)
    tls = {"mode": "CertManager", "issuerRef": {"name": "authority"}}
    resource = chat(discovery={"strategy": "DNSSRV"}, distribution={"tls": tls})
    namespace.apply({**resource, "metadata": {"name": "sealed"}})
    comes_true(lambda: namespace.condition("sealed", "Stalled").get("reason") == "NameTaken", 30)
    namespace.kubectl("delete", "certificates.cert-manager.io", "sealed-tls")
    comes_true(lambda: namespace.condition("sealed", "Ready").get("reason") == "WaitingForCertificate", 30)
    reason = namespace.condition("sealed", "Ready").get("reason", "")
    return reason, namespace.get("certificates.cert-manager.io", "sealed-tls")["spec"]["secretName"]


def certificate_goes(namespace: Namespace) -> bool:
    """Also when the operator has started anew since it asked. Old and new nodes could not talk, so: Recreate."""
    reason = namespace.condition("sealed", "Ready").get("reason", "")
    namespace.patch("sealed", distribution={"tls": None}, update={"strategy": "Recreate"})
    gone = comes_true(lambda: not namespace.items("certificates.cert-manager.io"), 30)
    namespace.kubectl("delete", "elixircluster", "sealed")
    return gone and reason == "WaitingForCertificate"


def chat(**spec: Any) -> dict[str, Any]:
    """A cluster of one node."""
    least = {"image": GOOD_IMAGE, "imagePullPolicy": "IfNotPresent", "replicas": 1, "web": {"port": 4000}}
    return {
        "apiVersion": "elixircluster.dev/v1alpha1",
        "kind": "ElixirCluster",
        "metadata": {"name": "chat"},
        "spec": {**least, **spec},
    }


def names(namespace: Namespace, kinds: str) -> set[str]:
    """Of what the operator made."""
    made = namespace.items(kinds, "-l", "app.kubernetes.io/managed-by=elixircluster")
    return {item["metadata"]["name"] for item in made}


def test_without_the_operator_nodes_come_back_find_each_other_and_answer(absence):
    assert absence.replaced
    assert absence.meshed
    assert absence.answer == "42"
    assert absence.untouched


def test_an_operator_catches_up_within_ten_seconds_of_its_start(absence):
    assert absence.seconds_to_catch_up <= 10
    assert absence.meshed_afterwards


def test_an_operator_for_two_namespaces_needs_no_cluster_role_and_looks_nowhere_else(absence):
    story = absence.scoped
    assert story.ready == ["True", "True", ""]
    assert story.ignored
    assert story.cluster_roles == ""
    about_objects = [event["objectRef"] for event in story.requests if "objectRef" in event]
    assert {reference.get("namespace") for reference in about_objects} <= story.namespaces


def test_what_templates_or_spec_no_longer_want_is_deleted(absence):
    assert absence.scoped.extra == ["configmap/chat-extra"] * 2
    assert absence.scoped.pruned
    assert absence.scoped.given_up


def test_nodes_meet_over_tls_with_a_certificate_that_is_made_anew_when_it_was_spoiled(absence):
    assert absence.scoped.renewed
    assert absence.scoped.meshed


def test_cert_manager_is_asked_for_a_certificate_and_waited_for(absence):
    assert absence.scoped.certificate == ("WaitingForCertificate", "sealed-tls-issued", True)
