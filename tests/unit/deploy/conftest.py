"""Helm, and what it makes of the chart."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from tests.cluster.build import PROGRAMS, cache
from tests.unit.deploy.chart import CHART, Manifest, RefusedError


@pytest.fixture(scope="session")
def helm() -> str:
    """A Helm that is there already: to build one takes minutes, which `make verify` has."""
    built = cache() / f"helm-{PROGRAMS['helm'].key}"
    found = shutil.which("helm") or (str(built) if built.exists() else None)
    if found is None:
        pytest.skip("there is no Helm yet; `make verify` builds one")
    return found


@pytest.fixture(scope="session")
def render(helm):
    """Renders the chart with values, for a release and a namespace."""

    def rendered(values: Manifest | None = None, name: str = "elixircluster", namespace: str = "system") -> list[Any]:
        command = [helm, "template", name, str(CHART), "--namespace", namespace, "--kube-version", "1.34.0"]
        text = json.dumps(values or {})
        done = subprocess.run([*command, "--values", "-"], input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RefusedError(done.stderr)
        return [manifest for manifest in yaml.load_all(done.stdout, Loader=Strict) if manifest]

    return rendered


class Strict(yaml.SafeLoader):
    """YAML in which nothing is said twice: Helm takes the last, and kustomize refuses it."""

    def construct_mapping(self, node, deep=False):
        names = [self.construct_object(name, deep=True) for name, _ in node.value]
        assert len(names) == len(set(names)), f"said twice: {names}"
        return super().construct_mapping(node, deep)
