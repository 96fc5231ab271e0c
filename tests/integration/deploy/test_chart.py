"""The chart on a real API server: the CustomResourceDefinition is upgraded, kept, and taken over.

Nothing runs: the releases have no replicas. The definition belongs to everybody in the cluster, so it is changed in
nothing but a column that `kubectl get` prints, and is given back as it is in `crds/`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster, KubectlError, binary, up

ROOT = Path(__file__).resolve().parents[3]
CHART = ROOT / "deploy" / "helm" / "elixircluster"
CRD = "customresourcedefinition/elixirclusters.elixircluster.dev"
COLUMN, EARLIER_COLUMN = "- name: Strategy\n", "- name: Earlier\n"
HELMS = ("meta.helm.sh/release-name", "meta.helm.sh/release-namespace", "helm.sh/resource-policy")

pytestmark = pytest.mark.cluster


class RefusedError(Exception):
    """Helm said no; the message is what it said."""


class Kubernetes:
    """A cluster, and one namespace of it for releases that look after nothing but this namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace

    def helm(self, command: str, release: str, *arguments: str) -> None:
        values = {"replicas": 0, "watchNamespaces": [self.namespace], "rbac": {"aggregate": False}}
        program = [str(binary("helm")), "--kubeconfig", str(self.cluster.kubeconfig), "--namespace", self.namespace]
        given = ("--values", "-") if command != "uninstall" else ()
        done = subprocess.run(
            [*program, command, release, *arguments, *given],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RefusedError(done.stderr)

    def columns(self) -> set[str]:
        """What `kubectl get elixircluster` prints."""
        spec = json.loads(self.cluster.kubectl("get", CRD, "-o", "json"))["spec"]
        return {column["name"] for version in spec["versions"] for column in version["additionalPrinterColumns"]}

    def give_back(self) -> None:
        """As the definition is for whom it was there before."""
        self.cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
        unmarked = {"metadata": {"labels": None, "annotations": dict.fromkeys(HELMS)}}
        self.cluster.kubectl("patch", CRD, "--type", "merge", "-p", json.dumps(unmarked))


@pytest.fixture(scope="module")
def kubernetes() -> Iterator[Kubernetes]:
    cluster = up("test")
    found = Kubernetes(cluster, "chart")
    cluster.kubectl("create", "namespace", found.namespace)
    yield found
    cluster.kubectl("delete", "namespace", found.namespace)


@pytest.fixture(autouse=True)
def as_it_was(kubernetes: Kubernetes) -> Iterator[None]:
    """Each test begins and ends with a definition that came by kubectl."""
    kubernetes.give_back()
    yield
    kubernetes.give_back()


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The chart as it may have been."""
    chart = shutil.copytree(CHART, tmp_path / "elixircluster")
    definition = chart / "files" / "crd.yaml"
    text = definition.read_text()
    assert COLUMN in text
    definition.write_text(text.replace(COLUMN, EARLIER_COLUMN))
    return chart


def test_an_upgrade_of_the_chart_upgrades_the_definition(kubernetes, earlier):
    """From the folder crds/ of a chart, Helm installs a definition and never changes it."""
    kubernetes.helm("install", "beam", str(earlier), "--take-ownership")
    assert {"Earlier"} == kubernetes.columns() & {"Earlier", "Strategy"}
    kubernetes.helm("upgrade", "beam", str(CHART))
    assert {"Strategy"} == kubernetes.columns() & {"Earlier", "Strategy"}
    kubernetes.helm("uninstall", "beam")


def test_the_definition_outlives_the_release_and_the_next_one_finds_it(kubernetes):
    kubernetes.helm("install", "beam", str(CHART), "--take-ownership")
    kubernetes.helm("uninstall", "beam")
    assert "Strategy" in kubernetes.columns()
    kubernetes.helm("install", "beam", str(CHART))
    kubernetes.helm("uninstall", "beam")
    with pytest.raises(RefusedError, match="exists and cannot be imported"):
        kubernetes.helm("install", "other", str(CHART))
    kubernetes.helm("install", "other", str(CHART), "--take-ownership")
    kubernetes.helm("uninstall", "other")


def test_a_definition_that_came_by_kubectl_is_taken_over_and_upgraded(kubernetes, earlier):
    old = (earlier / "files" / "crd.yaml").read_text()
    kubernetes.cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=old)
    with pytest.raises(RefusedError, match="exists and cannot be imported"):
        kubernetes.helm("install", "beam", str(CHART))
    kubernetes.helm("install", "beam", str(CHART), "--take-ownership")
    assert {"Strategy"} == kubernetes.columns() & {"Earlier", "Strategy"}
    kubernetes.helm("uninstall", "beam")


def test_a_definition_that_helm_installed_can_be_upgraded_by_kubectl(kubernetes, earlier):
    """The command that the documents had, without --force-conflicts, is refused."""
    kubernetes.helm("install", "beam", str(earlier), "--take-ownership")
    crds = str(ROOT / "crds")
    with pytest.raises(KubectlError, match="conflict"):
        kubernetes.cluster.kubectl("apply", "--server-side", "--field-manager", "somebody", "-f", crds)
    kubernetes.cluster.kubectl("apply", "--server-side", "--field-manager", "somebody", "--force-conflicts", "-f", crds)
    assert {"Strategy"} == kubernetes.columns() & {"Earlier", "Strategy"}
    kubernetes.helm("upgrade", "beam", str(CHART), "--set", "crds.install=false")
    assert "Strategy" in kubernetes.columns()
    kubernetes.helm("uninstall", "beam")


def test_two_releases_share_one_definition(kubernetes):
    kubernetes.helm("install", "beam", str(CHART), "--take-ownership")
    kubernetes.helm("install", "other", str(CHART), "--set", "crds.install=false")
    kubernetes.helm("uninstall", "other")
    kubernetes.helm("uninstall", "beam")
    assert "Strategy" in kubernetes.columns()


def test_every_object_of_the_chart_is_accepted_by_the_api_server(kubernetes):
    """All that can be switched on, but for kinds of others."""
    switched_on = ("networkPolicy.enabled", "rbac.apiDiscovery", "rbac.certManager", "metrics.dashboard.enabled")
    settings = ",".join(f"{name}=true" for name in switched_on) + ",commonLabels.team=beam"
    kubernetes.helm("install", "beam", str(CHART), "--take-ownership", "--set", settings)
    kubernetes.helm("uninstall", "beam")


def test_the_manifest_and_kustomize_are_accepted_by_the_api_server(kubernetes):
    files = [ROOT / "deploy" / "elixircluster.yaml"]
    files += (ROOT / "deploy" / "kustomize" / "rbac" / name / "rbac.yaml" for name in ("api-discovery", "cert-manager"))
    for file in files:
        text = file.read_text().replace("elixircluster-system", kubernetes.namespace)
        kubernetes.cluster.kubectl(
            "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-", input=text
        )
    built = kubernetes.cluster.kubectl("kustomize", str(ROOT / "deploy" / "kustomize" / "default"))
    assert built.count("\nkind: ") == (ROOT / "deploy" / "elixircluster.yaml").read_text().count("\nkind: ")
