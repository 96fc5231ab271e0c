"""Who refers to what."""

from __future__ import annotations

import itertools

import pytest

from elixircluster.api.resource import Key
from elixircluster.kube.kinds import CLUSTERS
from elixircluster.observed.references import references
from elixircluster.observed.store import Store
from tests.unit.observed.objects import CHAT, cluster

VERSIONS = itertools.count(1)
SPECS = {
    "nothing": ({}, set()),
    "no spec": (None, set()),
    "the cookie": (
        {"distribution": {"cookie": {"secretKeyRef": {"name": "c", "key": "k"}}}},
        {("Secret", "c")},
    ),
    "a variable": (
        {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
        {("Secret", "s")},
    ),
    "a variable of a ConfigMap": (
        {"env": [{"valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}]},
        {("ConfigMap", "m")},
    ),
    "all variables": (
        {"envFrom": [{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "m"}}]},
        {("Secret", "s"), ("ConfigMap", "m")},
    ),
    "volumes": (
        {"volumes": [{"secret": {"secretName": "s"}}, {"configMap": {"name": "m"}}]},
        {("Secret", "s"), ("ConfigMap", "m")},
    ),
    "a sidecar's": (
        {"sidecars": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "s"}}}]}]},
        {("Secret", "s")},
    ),
    "odd values": ({"volumes": [{"secret": "s"}, {"configMap": {"name": 5}}, 7, None]}, set()),
}


@pytest.mark.parametrize(("spec", "found"), SPECS.values(), ids=SPECS)
def test_references_are_found_wherever_they_are(spec, found):
    assert set(references(spec)) == found


def referrers(store, namespace, kind, name):
    """For whom a new version of an object is news."""
    return store.references.see(namespace, (kind, name), str(next(VERSIONS)))


def test_the_secret_that_cert_manager_fills_is_referred_to_though_no_spec_names_it():
    """When it changed nobody looked until the next resync."""
    metadata = {"name": "chat", "namespace": "default", "uid": "u", "resourceVersion": "5"}
    store, tls = Store(), {"mode": "CertManager", "issuerRef": {"name": "ca"}}
    store.see(CLUSTERS, {"metadata": metadata, "spec": {"distribution": {"tls": tls}}})
    assert referrers(store, "default", "Secret", "chat-tls-issued") == [Key("default", "chat")]
    changed = metadata | {"resourceVersion": "6"}
    store.see(CLUSTERS, {"metadata": changed, "spec": {"distribution": {"tls": {"mode": "SelfSigned"}}}})
    assert referrers(store, "default", "Secret", "chat-tls-issued") == []


def test_referrers_follow_the_resource():
    store = Store()
    secret = {"distribution": {"cookie": {"secretKeyRef": {"name": "s"}}}}
    other = {"distribution": {"cookie": {"secretKeyRef": {"name": "t"}}}}
    store.see(CLUSTERS, cluster(1, **secret))
    assert referrers(store, "default", "Secret", "s") == [CHAT]
    assert referrers(store, "other", "Secret", "s") == []
    assert referrers(store, "default", "ConfigMap", "s") == []
    store.see(CLUSTERS, cluster(2, **other))
    assert referrers(store, "default", "Secret", "s") == []
    assert referrers(store, "default", "Secret", "t") == [CHAT]
    store.forget(CLUSTERS, cluster(3))
    assert referrers(store, "default", "Secret", "t") == []


def test_the_same_version_again_is_no_news():
    store = Store()
    store.see(CLUSTERS, cluster(1, envFrom=[{"secretRef": {"name": "s"}}]))
    assert store.references.see("default", ("Secret", "s"), "7") == [CHAT]
    assert store.references.see("default", ("Secret", "s"), "7") == []
    assert store.references.see("default", ("Secret", "s"), "") == [CHAT]


def test_a_list_tells_what_has_changed_and_what_is_gone():
    store, present = Store(), {("default", "s"): "7", ("other", "t"): "8"}
    store.see(CLUSTERS, cluster(1, envFrom=[{"secretRef": {"name": "s"}}]))
    assert store.references.settle("Secret", None, present) == [CHAT]
    assert store.references.settle("Secret", None, present) == []
    assert store.references.settle("Secret", "other", {}) == []
    assert store.references.settle("ConfigMap", None, {}) == []
    assert store.references.settle("Secret", None, {}) == [CHAT]
    assert store.references.version("default", ("Secret", "s")) == ""
