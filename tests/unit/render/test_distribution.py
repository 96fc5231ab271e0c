"""What is written on a pod of how its node is reached."""

from __future__ import annotations

import pytest

from elixircluster.render.discovery import node_name
from elixircluster.render.distribution import Distribution
from tests.unit.factory import children, cluster

SAID = {
    "as it is by itself": ({}, "inet_tcp/6789/no-epmd/address/chat/60"),
    "named by host": (
        {"discovery": {"strategy": "DNSSRV"}},
        "inet_tcp/6789/no-epmd/host/chat/60/cluster.local",
    ),
    "everything else": (
        {
            "release": {"name": "my_app"},
            "discovery": {"strategy": "Static", "clusterDomain": "k8s.lan"},
            "distribution": {
                "tls": {"mode": "SelfSigned"},
                "epmd": "Enabled",
                "port": 7000,
                "ipFamily": "IPv6",
                "netTickTimeSeconds": 15,
            },
        },
        "inet6_tls:chat-tls/7000/epmd/host/my_app/15/k8s.lan",
    ),
}


@pytest.mark.parametrize(("spec", "text"), SAID.values(), ids=SAID)
def test_a_pod_says_how_its_node_is_reached(spec, text):
    resource = cluster(**spec)
    template = children(resource)["StatefulSet"]["spec"]["template"]
    assert template["metadata"]["annotations"]["elixircluster.dev/distribution"] == text
    assert Distribution.parse(text) == Distribution.of(resource)
    assert Distribution.of(resource).node(resource, "$(POD_NAME)", "$(POD_IP)") == node_name(resource)


APART = {
    "the tick, by which one end would give the other up": {"distribution": {"netTickTimeSeconds": 15}},
    "the domain, which is part of the names": {"discovery": {"strategy": "DNSSRV", "clusterDomain": "k8s.lan"}},
    "the base name": {"release": {"name": "other"}},
}


@pytest.mark.parametrize("spec", APART.values(), ids=APART)
def test_what_nodes_must_agree_on_cannot_roll(spec):
    like = {"discovery": {"strategy": "DNSSRV"}} if "discovery" in spec else {}
    assert str(Distribution.of(cluster(**spec))) != str(Distribution.of(cluster(**like)))


DNSSRV = {"discovery": {"strategy": "DNSSRV"}}
AUTHORITIES = {
    "inet_tls:chat-tls": {"mode": "SelfSigned"},
    "inet_tls:mine": {"mode": "Secret", "secretRef": {"name": "mine"}},
    "inet_tls:yours": {"mode": "Secret", "secretRef": {"name": "yours"}},
    "inet_tls:chat-tls-issued:Issuer:ca:cert-manager.io": {"mode": "CertManager", "issuerRef": {"name": "ca"}},
    "inet_tls:chat-tls-issued:ClusterIssuer:ca:cert-manager.io": {
        "mode": "CertManager",
        "issuerRef": {"name": "ca", "kind": "ClusterIssuer"},
    },
}


@pytest.mark.parametrize(("carrier", "tls"), AUTHORITIES.items(), ids=AUTHORITIES)
def test_whose_certificates_a_node_has_is_told_and_cannot_roll(carrier, tls):
    """A change of mode rolled: the node that started anew trusted none of the others, and they not it."""
    said = Distribution.of(cluster(**DNSSRV, distribution={"tls": tls}))
    assert str(said).startswith(f"{carrier}/6789/")
    assert Distribution.parse(str(said)) == said
    assert said.secret == carrier.split(":")[1]


ALIKE = {
    "the runtime's own tick, said": {"distribution": {"netTickTimeSeconds": 60}},
    "a domain that no name has": {"discovery": {"clusterDomain": "k8s.lan"}},
}


@pytest.mark.parametrize("spec", ALIKE.values(), ids=ALIKE)
def test_what_does_not_part_nodes_rolls(spec):
    assert str(Distribution.of(cluster(**spec))) == str(Distribution.of(cluster()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "inet_tcp/6789/no-epmd/address",
        "inet_tcp/x/no-epmd/address/chat/60",
        "inet_tcp/6789/maybe/address/chat/60",
        "inet_tcp/6789/no-epmd/host/chat/60",
        "inet_tls/6789/no-epmd/address/chat/60",
        "inet_tcp:chat-tls/6789/no-epmd/address/chat/60",
        "inet_tcp/6789/no-epmd/address/chat/60/cluster.local",
    ],
)
def test_what_does_not_say_it_all_says_nothing(text):
    assert Distribution.parse(text) is None
    assert Distribution.at(cluster(), text) == Distribution.of(cluster())


def test_a_node_named_by_an_address_has_no_name_before_it_has_one():
    assert Distribution.of(cluster()).node(cluster(), "chat-0", "") == ""
