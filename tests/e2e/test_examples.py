"""Every example works as it is written, and under the other DNS strategy."""

from __future__ import annotations

import pytest

from .conftest import VARIANTS

every_example = pytest.mark.parametrize("variant", VARIANTS)


@every_example
def test_an_example_becomes_ready_and_all_its_nodes_see_each_other(examples, variant):
    example = examples[variant]
    assert example.namespace.condition(example.name, "Ready")["reason"] == "UpToDate"
    assert example.namespace.connected(example.name, example.replicas)


@every_example
def test_nodes_are_called_as_documented(examples, variant):
    example = examples[variant]
    base = example.resource["spec"].get("release", {}).get("name", example.name)
    pods = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in example.namespace.pods(example.name)}
    domain = f"{example.name}-nodes.{example.namespace.name}.svc.cluster.local"
    names = {"DNS": f"{base}@{{ip}}", "DNSSRV": f"{base}@{{pod}}.{domain}"}
    if example.strategy not in names:
        pytest.skip("not a strategy of DNS")
    wanted = {pod: names[example.strategy].format(pod=pod, ip=ip) for pod, ip in pods.items()}
    status = example.namespace.get("elixircluster", example.name)["status"]
    assert {node["pod"]: node["node"] for node in status["nodes"]} == wanted
    # One node knows the others' names only if they have them.
    first, *others = wanted.values()
    assert example.namespace.views(example.name, pods=[f"{example.name}-0"]) == {first: set(others)}
