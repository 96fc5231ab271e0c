"""Write what is generated from the chart and the CustomResourceDefinition: `python deploy/generate.py`.

The chart says what is installed, once. From it come `elixircluster.yaml`, for `kubectl apply`, the bases of
`kustomize/`, and `monitoring/` for those who install without Helm. Rights that the chart gives only when it is asked to
are folders of their own, to be applied beside the rest. The dashboard comes from `dashboard.py`. With `--check` nothing
is written, and what is stale is named. Helm is the program named by $HELM, else `helm`.
"""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from dashboard import text as dashboard

HERE = Path(__file__).resolve().parent
CHART = HERE / "helm" / "elixircluster"
CRD = HERE.parent / "crds" / "elixirclusters.yaml"
KUSTOMIZE = HERE / "kustomize"
MONITORING = HERE / "monitoring"

NAME = "elixircluster"
NAMESPACE = "elixircluster-system"
# What Helm without a cluster takes for the cluster's version depends on how it was built.
KUBERNETES = "1.34.0"
HEADER = "# Generated from the chart in deploy/helm by deploy/generate.py; change it there.\n"
ACCESS = {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
HELM_LABELS = ("helm.sh/chart", "app.kubernetes.io/managed-by")
# What a value of the chart adds to the operator's rights, by the folder that has it for those without Helm.
OPTIONAL_RIGHTS = {"api-discovery": "rbac.apiDiscovery", "cert-manager": "rbac.certManager"}

Manifest = dict[str, Any]


def main() -> None:
    """Write what is stale, or only name it."""
    helm = os.environ.get("HELM", "helm")
    if shutil.which(helm) is None:
        sys.exit(f"{helm}: not found. Install Helm, or name it in the variable HELM.")
    stale = {path: text for path, text in files(helm).items() if not path.exists() or path.read_text() != text}
    if "--check" in sys.argv[1:]:
        sys.exit("\n".join(f"{path.relative_to(HERE.parent)} is stale" for path in stale) or 0)
    for path, text in stale.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def files(helm: str) -> dict[Path, str]:
    """Every generated file, and what it says."""
    namespace, chart = the_namespace(), rendered(helm)
    access = [manifest for manifest in chart if manifest["kind"] in ACCESS]
    operator = [manifest for manifest in chart if manifest["kind"] not in ACCESS]
    definition = CRD.read_text()
    return {
        CHART / "files" / "dashboard.json": dashboard(),
        MONITORING / "dashboard.json": dashboard(),
        MONITORING / "alerts.yaml": HEADER + (CHART / "files" / "alerts.yaml").read_text(),
        KUSTOMIZE / "crd" / CRD.name: definition,
        KUSTOMIZE / "default" / "namespace.yaml": dump([namespace]),
        KUSTOMIZE / "rbac" / "rbac.yaml": dump(access),
        KUSTOMIZE / "operator" / "operator.yaml": dump(operator),
        HERE / "elixircluster.yaml": dump([namespace, *yaml.safe_load_all(definition), *access, *operator]),
        **{
            KUSTOMIZE / "rbac" / name / "rbac.yaml": dump(more_rights(name, access, rendered(helm, f"{value}=true")))
            for name, value in OPTIONAL_RIGHTS.items()
        },
    }


def more_rights(name: str, without: list[Manifest], having: list[Manifest]) -> list[Manifest]:
    """A ClusterRole with the rules that only one of two renderings has, and its binding."""
    binding = copy.deepcopy(the("ClusterRoleBinding", without))
    role, fewer = the("ClusterRole", having), the("ClusterRole", without)
    role["rules"] = [rule for rule in role["rules"] if rule not in fewer["rules"]]
    for manifest in (role, binding, {"metadata": binding["roleRef"]}):
        manifest["metadata"]["name"] += f"-{name}"
    return [role, binding]


def the(kind: str, manifests: list[Manifest]) -> Manifest:
    """The operator's own object of a kind."""
    return next(manifest for manifest in manifests if manifest["kind"] == kind and manifest["metadata"]["name"] == NAME)


def rendered(helm: str, *values: str) -> list[Manifest]:
    """The chart with its default values, and these, without what only Helm needs. The CRD is added by itself."""
    command = [helm, "template", NAME, str(CHART), "--namespace", NAMESPACE, "--kube-version", KUBERNETES, "--no-hooks"]
    for value in ("crds.install=false", *values):
        command += ["--set", value]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the words are ours
    if done.returncode:
        sys.exit(done.stderr)
    manifests = [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]
    for manifest in manifests:
        for label in HELM_LABELS:
            manifest["metadata"]["labels"].pop(label)
    return manifests


def the_namespace() -> Manifest:
    """The operator's namespace, which admits nothing but restricted pods."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def dump(manifests: Iterable[Manifest]) -> str:
    """Several manifests as the text of a file."""
    return HEADER + yaml.safe_dump_all(manifests, sort_keys=False, explicit_start=True, width=120)


if __name__ == "__main__":
    main()
