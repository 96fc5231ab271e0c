"""What the operator sees of the mesh, and what it does about it."""

from __future__ import annotations

import pytest

from tests.cluster import UnsupportedError

from .user import comes_true


def reason(example) -> str:
    return str(example.namespace.condition(example.name, "Clustered").get("reason"))


def test_every_mesh_is_told_to_be_whole(examples):
    for example in examples.values():
        assert comes_true(lambda example=example: reason(example) == "FullMesh", 60), example.name
        status = example.namespace.get("elixircluster", example.name)["status"]
        count = example.replicas
        assert status["clustered"] == f"{count}/{count}"
        assert status["mesh"]["links"] == status["mesh"]["expectedLinks"] == count * (count - 1) // 2
        assert len(status["mesh"]["islands"]) == 1
        assert {node["connected"] for node in status["nodes"]} == {count - 1}


def test_a_frozen_node_is_named_and_a_thawed_one_is_back(examples, kubernetes):
    example = examples["chat"]
    before = example.namespace.lives(example.name)
    victim = f"{example.namespace.name}/{example.name}-1"
    example.namespace.patch(example.name, mesh={"intervalSeconds": 1})
    try:
        kubernetes.fault.freeze(victim)
    except UnsupportedError as unsupported:
        pytest.skip(str(unsupported))
    try:
        assert comes_true(lambda: reason(example) == "NodeFrozen", 20)
        told = example.namespace.condition(example.name, "Clustered")
        assert told["status"] == "False"
        assert f"{example.name}-1" in told["message"]
    finally:
        kubernetes.fault.thaw(victim)
    assert comes_true(lambda: reason(example) == "FullMesh", 30)
    assert example.namespace.lives(example.name) == before


def test_nodes_that_lost_each_other_are_connected_again_with_no_restart(examples):
    example = examples["chat"]
    before = example.namespace.lives(example.name)
    example.namespace.rpc(f"{example.name}-0", "for node <- Node.list(), do: Node.disconnect(node)")
    assert example.namespace.connected(example.name, example.replicas)
    assert comes_true(lambda: reason(example) == "FullMesh", 30)
    assert example.namespace.lives(example.name) == before


def test_a_console_is_no_stranger_and_the_operator_is_in_no_list(examples):
    example = examples["chat"]
    views = example.namespace.views(example.name)
    assert not any("elixircluster" in node for seen in views.values() for node in seen)
