"""What the chart renders, and what it refuses."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.unit.deploy.chart import CHART, ROOT, Manifest, RefusedError, container, deployment, of_kind, pod

CRD = yaml.safe_load((ROOT / "crds" / "elixirclusters.yaml").read_text())
DIGEST = "sha256:" + "0123456789abcdef" * 4
OPERATOR_LABEL = {"elixircluster.dev/operator": "true"}


# --- the CustomResourceDefinition


def test_the_definition_is_upgraded_with_the_release_and_outlives_it(render):
    """In the crds/ folder, Helm would install it once and never change it."""
    (definition,) = of_kind(render(), "CustomResourceDefinition")
    assert definition["metadata"]["name"] == CRD["metadata"]["name"]
    assert definition["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert definition["spec"] == CRD["spec"]
    assert not (CHART / "crds").exists()


def test_the_definition_can_be_left_to_somebody_else(render):
    assert of_kind(render({"crds": {"install": False}}), "CustomResourceDefinition") == []


# --- who the operator is, for the policies of clusters


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"lease": {"namespace": "leases"}},
        {"nameOverride": "beam"},
        {"fullnameOverride": "beam"},
        {"commonLabels": OPERATOR_LABEL | {"elixircluster.dev/operator": "no"}},
        {"podLabels": {"elixircluster.dev/operator": "no"}},
    ],
    ids=str,
)
def test_policies_of_clusters_know_the_operator_whatever_the_release_is_called(render, values):
    """With another lease.namespace or nameOverride the operator was locked out of the distribution port."""
    manifests = render(values, name="another")
    assert OPERATOR_LABEL.items() <= pod(manifests)["metadata"]["labels"].items()
    fields = {each["name"]: each["valueFrom"]["fieldRef"]["fieldPath"] for each in container(manifests)["env"]}
    assert fields == {"POD_NAME": "metadata.name", "POD_UID": "metadata.uid", "POD_NAMESPACE": "metadata.namespace"}


@pytest.mark.parametrize("file", ["elixircluster.yaml", "kustomize/operator/operator.yaml"])
def test_without_helm_the_operator_is_the_same(file):
    manifests = list(yaml.safe_load_all((ROOT / "deploy" / file).read_text()))
    assert OPERATOR_LABEL.items() <= pod(manifests)["metadata"]["labels"].items()
    assert {"POD_NAME", "POD_UID", "POD_NAMESPACE"} == {each["name"] for each in container(manifests)["env"]}
    assert hosts(manifests) == [100, 50]
    assert "topologySpreadConstraints" not in pod(manifests)["spec"]


# --- where it runs


def hosts(manifests: list[Manifest]) -> list[int]:
    """Weights of hosts and of zones."""
    terms = pod(manifests)["spec"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    by_key = {term["podAffinityTerm"]["topologyKey"]: term["weight"] for term in terms}
    return [by_key["kubernetes.io/hostname"], by_key["topology.kubernetes.io/zone"]]


def test_replicas_keep_apart_where_machines_have_no_zone(render):
    """Two spread constraints did nothing there: a machine without one of the keys is out of both counts."""
    manifests = render()
    assert hosts(manifests) == [100, 50]
    assert "topologySpreadConstraints" not in pod(manifests)["spec"]


SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"


def test_the_operators_tmp_keeps_no_machine_from_being_scaled_away_unless_the_user_says_so(render):
    assert pod(render())["metadata"]["annotations"][SAFE_TO_EVICT] == "tmp"
    said = render({"podAnnotations": {SAFE_TO_EVICT: "", "team": "a"}})
    assert pod(said)["metadata"]["annotations"].items() >= {SAFE_TO_EVICT: "", "team": "a"}.items()


def test_the_container_that_kubectl_takes_is_said_once(render):
    """Helm takes the last of two, and kustomize refuses both."""
    said = render({"podAnnotations": {"kubectl.kubernetes.io/default-container": "proxy"}})
    assert pod(said)["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"] == "proxy"
    assert pod(render())["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"] == "operator"


TAKEN_AWAY = [
    {"affinity": None},
    {"podAnnotations": None},
    {"metrics": {"dashboard": {"enabled": True, "labels": None}}},
]


@pytest.mark.parametrize("values", TAKEN_AWAY, ids=str)
def test_a_default_can_be_taken_away_with_null(render, values):
    assert set(pod(render(values))["spec"]["affinity"]) == {"podAntiAffinity"}


@pytest.mark.parametrize("way", ["service", "serviceMonitor"])
def test_helm_test_asks_for_metrics_wherever_there_is_a_service_of_them(render, way):
    enabled = {name: {"enabled": name == way} for name in ("service", "serviceMonitor")}
    made = render({"metrics": enabled})
    (test,) = (item for item in made if item["kind"] == "Pod")
    assert "METRICS" in {item["name"] for item in test["spec"]["containers"][0]["env"]}
    assert any(item["kind"] == "Service" and item["metadata"]["name"].endswith("metrics") for item in made)


def test_two_servers_do_not_share_a_port(render):
    with pytest.raises(RefusedError, match=r"metrics\.port and healthPort are the same"):
        render({"metrics": {"port": 8081}})


def test_an_affinity_of_ones_own_is_added_and_an_anti_affinity_replaces_ours(render):
    node_affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}
    added = pod(render({"affinity": node_affinity}))["spec"]["affinity"]
    assert set(added) == {"nodeAffinity", "podAntiAffinity"}
    replaced = pod(render({"affinity": {"podAntiAffinity": {}}}))["spec"]["affinity"]
    assert replaced == {"podAntiAffinity": {}}


def test_a_lost_machine_is_given_up_after_half_a_minute(render):
    """By default Kubernetes waits five minutes, and there is but one replica meanwhile."""
    mine = {"key": "dedicated", "operator": "Exists"}
    tolerations = pod(render({"tolerations": [mine]}))["spec"]["tolerations"]
    assert tolerations[-1] == mine
    seconds = {each["key"]: each["tolerationSeconds"] for each in tolerations[:-1]}
    assert seconds == {"node.kubernetes.io/not-ready": 30, "node.kubernetes.io/unreachable": 30}


# --- what one may say


def test_a_digest_is_what_is_run(render):
    values = {"image": {"repository": "registry.example/operator", "tag": "old", "digest": DIGEST}}
    manifests = render(values)
    assert container(manifests)["image"] == f"registry.example/operator@{DIGEST}"
    (test,) = of_kind(manifests, "Pod")
    assert test["spec"]["containers"][0]["image"] == f"registry.example/operator@{DIGEST}"


def test_arguments_and_variables_are_added(render):
    values = {"extraArgs": ["--workers=3"], "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}]}
    found = container(render(values))
    assert found["args"][0] == "run"
    assert found["args"][-1] == "--workers=3"
    assert found["env"][-1] == {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}


def test_common_labels_are_on_every_object_and_select_nothing(render):
    values = {
        "commonLabels": {"team": "beam", "app.kubernetes.io/name": "mine"},
        "networkPolicy": {"enabled": True},
        "metrics": {each: {"enabled": True} for each in ("serviceMonitor", "prometheusRule", "dashboard")},
        "templates": {"files": {"more.yaml.j2": "{# nothing #}"}},
    }
    manifests = render(values)
    for manifest in manifests:
        if "helm.sh/hook" not in manifest["metadata"].get("annotations", {}):
            assert manifest["metadata"]["labels"]["team"] == "beam", manifest["kind"]
            assert manifest["metadata"]["labels"]["app.kubernetes.io/name"] == "elixircluster"
    assert pod(manifests)["metadata"]["labels"]["team"] == "beam"
    assert "team" not in json.dumps(deployment(manifests)["spec"]["selector"])


def test_security_contexts_fit_restricted_and_openshift_can_choose_the_user(render):
    spec = pod(render())["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    chosen = {"podSecurityContext": {"runAsUser": None, "runAsGroup": None}}
    assert set(pod(render(chosen))["spec"]["securityContext"]) == {"runAsNonRoot", "seccompProfile"}


def test_the_deployment_takes_a_strategy_and_annotations(render):
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    found = deployment(render({"updateStrategy": strategy, "deploymentAnnotations": {"a": "b"}}))
    assert found["spec"]["strategy"] == strategy
    assert found["metadata"]["annotations"] == {"a": "b"}
    assert "strategy" not in deployment(render())["spec"]


# --- mistakes


REFUSED = {
    "a misspelt value": ({"replica": 2}, "replica"),
    "a misspelt value further down": ({"crds": {"enabled": True}}, "enabled"),
    "too many replicas": ({"replicas": 17}, "16"),
    "a tag as a digest": ({"image": {"digest": "1.0.0"}}, "sha256"),
    "a namespace that is none": ({"watchNamespaces": ["Team A"]}, "Team A"),
    "the operator's own variable": ({"extraEnv": [{"name": "POD_NAMESPACE", "value": "a"}]}, "/extraEnv/0/name"),
    "a variable without a name": ({"extraEnv": [{"value": "a"}]}, "name"),
    "a number as a variable's value": ({"extraEnv": [{"name": "A", "value": 1}]}, "/extraEnv/0/value"),
    "an argument that is none": ({"extraArgs": ["workers=3"]}, "/extraArgs/0"),
    "a number as a label": ({"commonLabels": {"team": 1}}, "/commonLabels/team"),
    "a strategy that there is not": ({"updateStrategy": {"type": "Rolling"}}, "RollingUpdate"),
    "a policy without a way to the API server": ({"networkPolicy": {"apiServerPorts": []}}, "apiServerPorts"),
    "rights of templates' own": ({"rbac": {"extraRules": []}}, "extraRules"),
    "a template that is none": ({"templates": {"files": {"service.yaml": ""}}}, "service.yaml"),
}


@pytest.mark.parametrize(("values", "named"), REFUSED.values(), ids=REFUSED)
def test_a_mistake_in_the_values_is_refused_and_named(render, values, named):
    with pytest.raises(RefusedError) as refused:
        render(values)
    assert "values don't meet the specifications of the schema" in str(refused.value)
    assert named in str(refused.value)


def test_every_value_is_in_the_schema_and_in_the_readme():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(values) == set(schema["properties"]) - {"global"}
    readme = (CHART / "README.md").read_text()
    for name, value in values.items():
        nested = isinstance(value, dict) and schema["properties"][name].get("additionalProperties") is False
        assert f"`{name}" in readme, name
        for inner in value if nested and name != "updateStrategy" else ():
            assert f"`{name}.{inner}" in readme or f"`.{inner}" in readme, f"{name}.{inner}"


# --- Artifact Hub


def test_what_artifact_hub_shows_is_true():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    notes = {name.partition("/")[2]: yaml.safe_load(text) for name, text in chart["annotations"].items()}
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    (image,) = notes["images"]
    assert image["image"] == f"{values['image']['repository']}:{chart['appVersion']}"
    (definition,) = notes["crds"]
    assert definition["name"] == CRD["metadata"]["name"]
    assert definition["kind"] == CRD["spec"]["names"]["kind"]
    assert definition["version"] in {version["name"] for version in CRD["spec"]["versions"]}
    (example,) = notes["crdsExamples"]
    assert example["kind"] == definition["kind"]
