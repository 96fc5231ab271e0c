"""Who refers to what."""

from __future__ import annotations

import pytest

from elixircluster.api.resource import Key
from elixircluster.kube.kinds import CLUSTERS
from elixircluster.observed.references import references
from elixircluster.observed.store import Store
from tests.unit.observed.objects import CHAT, cluster

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


def test_the_secret_that_cert_manager_fills_is_referred_to_though_no_spec_names_it():
    """When it changed nobody looked until the next resync."""
    metadata = {"name": "chat", "namespace": "default", "uid": "u", "resourceVersion": "5"}
    store, tls = Store(), {"mode": "CertManager", "issuerRef": {"name": "ca"}}
    store.see(CLUSTERS, {"metadata": metadata, "spec": {"distribution": {"tls": tls}}})
    assert store.referrers("default", "Secret", "chat-tls-issued") == [Key("default", "chat")]
    changed = metadata | {"resourceVersion": "6"}
    store.see(CLUSTERS, {"metadata": changed, "spec": {"distribution": {"tls": {"mode": "SelfSigned"}}}})
    assert store.referrers("default", "Secret", "chat-tls-issued") == []


def test_referrers_follow_the_resource():
    store = Store()
    secret = {"distribution": {"cookie": {"secretKeyRef": {"name": "s"}}}}
    other = {"distribution": {"cookie": {"secretKeyRef": {"name": "t"}}}}
    store.see(CLUSTERS, cluster(1, **secret))
    assert store.referrers("default", "Secret", "s") == [CHAT]
    assert store.referrers("other", "Secret", "s") == []
    assert store.referrers("default", "ConfigMap", "s") == []
    store.see(CLUSTERS, cluster(2, **other))
    assert store.referrers("default", "Secret", "s") == []
    assert store.referrers("default", "Secret", "t") == [CHAT]
    store.forget(CLUSTERS, cluster(3))
    assert store.referrers("default", "Secret", "t") == []
