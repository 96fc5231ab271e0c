"""Whom the chart lets do what: the operator's rights, people's, and who reaches whom."""

from __future__ import annotations

import re

import yaml

from elixircluster.kube.kinds import OWNED, PODS
from tests.unit.deploy.chart import ROOT, Manifest, deployment, of_kind, pod

EVERY_RIGHT = {"rbac": {"apiDiscovery": True, "certManager": True}}


def rules(manifests: list[Manifest]) -> dict[tuple[str, str], set[str]]:
    """The verbs of the operator's role, by group and resource."""
    (role,) = [each for each in of_kind(manifests, "ClusterRole") if "-" not in each["metadata"]["name"]]
    return {
        (group, resource): set(rule["verbs"])
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


# --- rights


def test_rights_that_one_field_needs_are_given_when_they_are_asked_for(render):
    few, every = rules(render()), rules(render(EVERY_RIGHT))
    assert set(every) - set(few) == {
        ("rbac.authorization.k8s.io", "roles"),
        ("rbac.authorization.k8s.io", "rolebindings"),
        ("", "endpoints"),
        ("discovery.k8s.io", "endpointslices"),
        ("cert-manager.io", "certificates"),
    }


def test_without_helm_the_same_rights_are_a_folder_each(render):
    found = dict(rules(render()))
    for folder in ("api-discovery", "cert-manager"):
        path = ROOT / "deploy" / "kustomize" / "rbac" / folder / "rbac.yaml"
        role, binding = yaml.safe_load_all(path.read_text())
        assert binding["roleRef"]["name"] == role["metadata"]["name"] == f"elixircluster-{folder}"
        for rule in role["rules"]:
            found |= {(rule["apiGroups"][0], resource): set(rule["verbs"]) for resource in rule["resources"]}
    assert found == rules(render(EVERY_RIGHT))


def test_every_kind_that_a_resource_may_own_can_be_made_listed_and_removed(render):
    granted = rules(render(EVERY_RIGHT))
    for row in OWNED.values():
        verbs = {"get", "list", "create", "patch"}
        verbs |= {"watch"} if row.watched else set()
        verbs |= {"delete"} if row.prunable or not row.applied else set()
        assert granted[row.kind.group, row.kind.plural] == verbs, row.kind.kind
    assert {"list", "watch", "delete"} <= granted[PODS.group, PODS.plural]


def test_kinds_whose_right_may_be_missing_are_not_watched(render):
    """A watch that is refused ends the operator."""
    granted = rules(render())
    for row in OWNED.values():
        assert not row.watched or "watch" in granted[row.kind.group, row.kind.plural]


def test_the_documents_tell_which_kinds_a_template_may_make():
    """The chart's README promised more: any kind that the ServiceAccount was given a right to."""
    text = (ROOT / "docs" / "templates.md").read_text()
    told = text[text.index("An added template may make") : text.index("Another kind is refused")]
    assert [kind for kind, row in OWNED.items() if row.applied and not re.search(rf"\b{kind}\b", told)] == []


def test_who_views_or_edits_a_namespace_may_do_so_with_its_clusters_there_too(render):
    """In namespaced mode nobody but an administrator could."""
    manifests = render({"watchNamespaces": ["team-a"]})
    names = {each["metadata"]["name"]: each["metadata"]["labels"] for each in of_kind(manifests, "ClusterRole")}
    assert set(names) == {"elixircluster-view", "elixircluster-edit"}
    assert names["elixircluster-view"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"
    assert of_kind(manifests, "ClusterRoleBinding") == []


def test_namespaced_mode_can_do_with_nothing_that_is_cluster_wide(render):
    manifests = render({"watchNamespaces": ["a"], "crds": {"install": False}, "rbac": {"aggregate": False}})
    kinds = {manifest["kind"] for manifest in manifests}
    assert kinds.isdisjoint({"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"})


# --- the operator's own policy


def policy(manifests: list[Manifest]) -> Manifest:
    (found,) = of_kind(manifests, "NetworkPolicy")
    return found["spec"]


def test_there_is_no_policy_unless_it_is_asked_for(render):
    assert of_kind(render(), "NetworkPolicy") == []


def test_the_policy_lets_the_operator_reach_the_api_server_names_and_nodes(render):
    api_server, names, metrics, nodes = policy(render({"networkPolicy": {"enabled": True}}))["egress"]
    assert api_server == {"ports": [{"port": 443}, {"port": 6443}]}
    assert names == {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}]}
    assert metrics["ports"] == [{"port": 8080}]
    (peer,) = nodes["to"]
    assert peer["namespaceSelector"] == {}
    assert peer["podSelector"] == {"matchLabels": {"app.kubernetes.io/managed-by": "elixircluster"}}


def test_with_a_policy_an_operator_of_few_namespaces_reaches_nodes_of_these_only(render):
    found = policy(render({"networkPolicy": {"enabled": True}, "watchNamespaces": ["a", "b"]}))
    (expression,) = found["egress"][-1]["to"][0]["namespaceSelector"]["matchExpressions"]
    assert expression == {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a", "b"]}


def test_metrics_are_read_by_whom_one_says_and_by_helm_test(render):
    prometheus = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    manifests = render({"networkPolicy": {"enabled": True, "metricsFrom": [prometheus]}})
    health, metrics = policy(manifests)["ingress"]
    assert health == {"ports": [{"port": 8081}]}
    (test,) = of_kind(manifests, "Pod")
    assert metrics["from"][0] == prometheus
    assert metrics["from"][1]["podSelector"]["matchLabels"].items() <= test["metadata"]["labels"].items()


# --- helm test


def test_helm_test_is_no_replica_and_asks_with_the_operators_rights(render):
    """A pod with the labels of the Deployment would be behind the Service of the metrics."""
    manifests = render({"watchNamespaces": ["a", "b"], "lease": {"namespace": "leases"}})
    (test,) = of_kind(manifests, "Pod")
    selector = deployment(manifests)["spec"]["selector"]["matchLabels"]
    assert not selector.items() <= test["metadata"]["labels"].items()
    assert test["spec"]["serviceAccountName"] == pod(manifests)["spec"]["serviceAccountName"]
    env = {each["name"]: each["value"] for each in test["spec"]["containers"][0]["env"]}
    assert env["NAMESPACES"] == "a,b"
    assert env["LEASE"] == "leases/elixircluster"
    compile(test["spec"]["containers"][0]["args"][0], "check.py", "exec")
