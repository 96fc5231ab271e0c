"""What the children are called, how they are labelled and whose they are."""

from __future__ import annotations

import pytest

from elixircluster.errors import Stalled
from elixircluster.render.names import headless_host, labels, members, names, pod_name, selector, selector_text
from tests.unit.factory import UID, children, cluster, variables


def test_the_children_are_named_after_the_resource():
    assert {kind: item["metadata"]["name"] for kind, item in children(cluster(web={})).items()} == {
        "StatefulSet": "chat",
        "Service": "chat",
        "Headless": "chat-nodes",
        "ConfigMap": "chat-config",
        "ServiceAccount": "chat",
        "PodDisruptionBudget": "chat",
        "NetworkPolicy": "chat-distribution",
    }
    assert names(cluster()).cookie == "chat-cookie"
    assert pod_name(cluster(), 2) == "chat-2"


def test_every_child_is_owned_labelled_and_in_the_namespace():
    resource = cluster("chat", "talk", web={})
    for item in children(resource).values():
        metadata = item["metadata"]
        assert metadata["namespace"] == "talk"
        assert metadata["labels"].items() >= labels(resource).items()
        (owner,) = metadata["ownerReferences"]
        assert owner["uid"] == UID
        assert owner["controller"] is True


def test_the_members_carry_what_selects_them():
    rendered = children(cluster(web={}, podMetadata={"labels": {"team": "talk"}}))
    pod_labels = rendered["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    wanted = selector(cluster())
    assert wanted == {**members(cluster()), "elixircluster.dev/slot": "a"}
    assert pod_labels.items() >= {**wanted, "team": "talk"}.items()
    assert rendered["StatefulSet"]["spec"]["selector"]["matchLabels"] == wanted
    assert rendered["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == members(cluster())
    assert rendered["Service"]["spec"]["selector"] == rendered["Headless"]["spec"]["selector"] == wanted


def test_the_exported_selector_finds_endpoints_as_well_as_pods():
    """libcluster looks for Endpoints unless it is told otherwise, and those carry their Service's labels."""
    resource = cluster()
    rendered = children(resource)
    wanted = variables(resource)["LIBCLUSTER_KUBERNETES_SELECTOR"]
    assert wanted == selector_text(selector(resource))
    for metadata in (rendered["StatefulSet"]["spec"]["template"]["metadata"], rendered["Headless"]["metadata"]):
        assert metadata["labels"].items() >= selector(resource).items()


def test_endpoints_of_the_clients_service_are_not_taken_for_nodes():
    found = children(cluster(web={}))["Service"]["metadata"]["labels"]
    assert not found.items() >= selector(cluster()).items()


@pytest.mark.parametrize(("said", "mounted"), [({}, False), ({"automountToken": True}, True)])
def test_a_token_is_mounted_where_it_is_asked_for(said, mounted):
    spec = children(cluster(serviceAccount=said))["StatefulSet"]["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is mounted


def test_the_strategy_that_asks_the_api_server_has_its_token_unless_it_is_told_not_to():
    for said, mounted in (({}, True), ({"automountToken": False}, False)):
        resource = cluster(discovery={"strategy": "API"}, serviceAccount=said)
        spec = children(resource)["StatefulSet"]["spec"]["template"]["spec"]
        assert spec["automountServiceAccountToken"] is mounted


def test_a_service_account_of_the_users_is_used_and_not_made():
    rendered = children(cluster(serviceAccount={"name": "mine"}))
    assert "ServiceAccount" not in rendered
    assert rendered["StatefulSet"]["spec"]["template"]["spec"]["serviceAccountName"] == "mine"


def test_there_is_a_service_for_clients_only_with_web():
    assert "Service" not in children(cluster())
    assert children(cluster(web={"service": {"port": 8080}}))["Service"]["spec"]["ports"][0]["port"] == 8080


# Some clouds probe `/` of a port with `appProtocol: http`, and a node that answers 404 there gets no traffic.
def test_the_protocol_of_the_service_is_said_only_where_the_user_says_it():
    assert "appProtocol" not in children(cluster(web={}))["Service"]["spec"]["ports"][0]
    said = children(cluster(web={"service": {"appProtocol": "kubernetes.io/ws"}}))["Service"]["spec"]["ports"][0]
    assert said["appProtocol"] == "kubernetes.io/ws"


def test_the_headless_service_finds_nodes_before_they_are_ready():
    spec = children(cluster())["Headless"]["spec"]
    assert spec["clusterIP"] == "None"
    assert spec["publishNotReadyAddresses"] is True
    assert spec["ports"] == [{"name": "dist", "port": 6789, "appProtocol": "tcp"}]


def test_the_headless_host_is_in_the_cluster_domain():
    assert headless_host(cluster(discovery={"clusterDomain": "k8s.acme"})) == "chat-nodes.default.svc.k8s.acme"


@pytest.mark.parametrize(
    ("name", "namespace", "spec", "said"),
    [
        ("a" * 52, "n" * 63, {"discovery": {"clusterDomain": "d" * 50 + "." + "e" * 48}}, "shorten metadata.name"),
        (
            "a" * 41,
            "n" * 63,
            {"discovery": {"strategy": "DNSSRV", "clusterDomain": "e" * 63}, "release": {"name": "r" * 63}},
            "shorten release.name",
        ),
    ],
)
def test_names_that_dns_or_an_atom_cannot_hold_are_refused(name, namespace, spec, said):
    with pytest.raises(Stalled) as stalled:
        children(cluster(name, namespace, **spec))
    assert stalled.value.reason == "NameTooLong"
    assert said in stalled.value.message


def test_the_longest_name_that_the_schema_allows_can_be_rendered():
    assert children(cluster("a" * 52, "n" * 63, replicas=1000, discovery={"strategy": "DNSSRV"}))
