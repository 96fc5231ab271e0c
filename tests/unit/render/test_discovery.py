"""A strategy is a row: how nodes are named, and what the libraries are told."""

from __future__ import annotations

import pytest

from elixircluster.render.discovery import config_file, environment, node_name
from tests.unit.factory import cluster

DNS = {"strategy": "DNS"}
DNSSRV = {"strategy": "DNSSRV"}

NAMES = {
    "DNS": (DNS, "chat@$(POD_IP)"),
    "DNSSRV": (DNSSRV, "chat@$(POD_NAME).chat-nodes.talk.svc.cluster.local"),
    "DNSSRV, own domain": (
        {**DNSSRV, "clusterDomain": "k8s.acme"},
        "chat@$(POD_NAME).chat-nodes.talk.svc.k8s.acme",
    ),
}


@pytest.mark.parametrize(("discovery", "name"), NAMES.values(), ids=NAMES)
def test_the_strategy_fixes_the_node_names(discovery, name):
    assert node_name(cluster("chat", "talk", discovery=discovery)) == name


TERMS = {
    "DNS": (
        DNS,
        (
            "[{libcluster,[{topologies,[{elixircluster,[{strategy,'Elixir.Cluster.Strategy.Kubernetes.DNS'},"
            '{config,[{service,<<"chat-nodes.talk.svc.cluster.local."/utf8>>},'
            '{application_name,<<"chat"/utf8>>},{polling_interval,5000}]}]}]}]}].\n'
        ),
    ),
    "DNS, own domain": (
        {**DNS, "clusterDomain": "k8s.acme", "pollingIntervalSeconds": 1},
        (
            "[{libcluster,[{topologies,[{elixircluster,[{strategy,'Elixir.Cluster.Strategy.Kubernetes.DNS'},"
            '{config,[{service,<<"chat-nodes.talk.svc.k8s.acme."/utf8>>},'
            '{application_name,<<"chat"/utf8>>},{polling_interval,1000}]}]}]}]}].\n'
        ),
    ),
    "DNSSRV": (
        DNSSRV,
        (
            "[{libcluster,[{topologies,[{elixircluster,[{strategy,'Elixir.Cluster.Strategy.Kubernetes.DNSSRV'},"
            '{config,[{service,<<"chat-nodes"/utf8>>},{application_name,<<"chat"/utf8>>},'
            '{namespace,<<"talk"/utf8>>},{polling_interval,5000}]}]}]}]}].\n'
        ),
    ),
}


@pytest.mark.parametrize(("discovery", "term"), TERMS.values(), ids=TERMS)
def test_libclusters_topology_is_written_as_an_erlang_term(discovery, term):
    assert config_file(cluster("chat", "talk", discovery=discovery)) == term


SELECTOR = "elixircluster.dev/cluster=chat,app.kubernetes.io/component=node,elixircluster.dev/slot=a"
COMMON = {
    "LIBCLUSTER_SERVICE": "chat-nodes",
    "LIBCLUSTER_NAMESPACE": "talk",
    "LIBCLUSTER_NODE_BASENAME": "chat",
    "LIBCLUSTER_POLLING_INTERVAL": "5000",
}
ENVIRONMENTS = {
    "DNS": (
        DNS,
        {
            "DNS_CLUSTER_QUERY": "chat-nodes.talk.svc.cluster.local.",
            "LIBCLUSTER_STRATEGY": "Cluster.Strategy.Kubernetes.DNS",
            **COMMON,
        },
    ),
    "DNSSRV": (DNSSRV, {"LIBCLUSTER_STRATEGY": "Cluster.Strategy.Kubernetes.DNSSRV", **COMMON}),
    "DNSSRV, own domain": (
        {**DNSSRV, "clusterDomain": "k8s.acme"},
        {"CLUSTER_DOMAIN": "k8s.acme.", "LIBCLUSTER_STRATEGY": "Cluster.Strategy.Kubernetes.DNSSRV", **COMMON},
    ),
}


@pytest.mark.parametrize(("discovery", "variables"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_the_same_is_told_in_variables(discovery, variables):
    gigalixir = {
        "LIBCLUSTER_KUBERNETES_SELECTOR": SELECTOR,
        "LIBCLUSTER_KUBERNETES_NODE_BASENAME": variables["LIBCLUSTER_NODE_BASENAME"],
    }
    assert environment(cluster("chat", "talk", discovery=discovery)) == {**variables, **gigalixir}


def test_the_release_gives_the_name_that_is_looked_for():
    resource = cluster("chat-eu", release={"name": "chat"})
    assert '{application_name,<<"chat"/utf8>>}' in config_file(resource)
    assert environment(resource)["LIBCLUSTER_NODE_BASENAME"] == "chat"
