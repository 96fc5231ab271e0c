"""What docs/discovery.md says to whoever joins from outside, as it is written there."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.integration.operator.client import eventually
from tests.integration.operator.conftest import ROOT
from tests.integration.operator.user import SOON, User

JOIN = "-start_epmd false -erl_epmd_port 6789 -hidden"


def manifests():
    """The YAML of the section."""
    text = (ROOT / "docs" / "discovery.md").read_text()
    section = text.partition("## Others that join\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```yaml\n(.*?)```", section, re.S)
    return list(yaml.safe_load_all(block))


@pytest.fixture
def joined(cluster, namespace, images):
    """The resource, ready, and the pod of somebody else, running."""
    user = User(cluster, namespace, images["chat"])
    secret, resource, pod = manifests()
    resource["spec"] |= {"imagePullPolicy": "IfNotPresent", "web": {}, "health": SOON}
    user.apply(secret, resource, pod)
    namespace.until("lab", "Clustered", seconds=120, reason="FullMesh")
    user.kubectl("wait", "--for=condition=Ready", "pod/notebook", "--timeout=60s")
    return user


def in_notebook(user, expression):
    """The value of an expression in the notebook's own node. What asks it must not listen on the same port."""
    script = f'export ERL_AFLAGS="{JOIN} -dist_listen false"; exec bin/chat rpc "$0"'
    return user.kubectl("exec", "notebook", "--", "/bin/sh", "-c", script, expression).strip()


def test_a_notebook_attaches_to_the_nodes_and_is_no_stranger(joined):
    """An example said that a Livebook can join; it could not without settings that nobody named."""
    eventually(lambda: in_notebook(joined, "IO.puts(Node.alive?())") == "true", 30)
    nodes = [node["node"] for node in joined.namespace.status("lab")["nodes"]]
    for node in nodes:
        assert in_notebook(joined, f'IO.puts(:erpc.call(:"{node}", Chat, :version, []))') == "1.0.0"
    asked = in_notebook(joined, f'IO.inspect(:erpc.call(:"{nodes[0]}", :erlang, :nodes, [:hidden]))')
    assert "notebook@" in asked
    assert joined.namespace.condition("lab", "Clustered")["reason"] == "FullMesh"
    assert "strangers" not in joined.namespace.status("lab")


def test_a_pod_that_nobody_has_named_does_not_get_through(joined):
    """The way is open for the labels of the recipe, and for nobody else."""
    joined.kubectl("label", "pod", "notebook", "app=somebody", "--overwrite")
    (address, *_) = (
        pod["status"]["podIP"] for pod in joined.namespace.list("Pod", labelSelector="elixircluster.dev/cluster=lab")
    )
    knock = f'IO.inspect(:gen_tcp.connect(~c"{address}", 6789, [], 1000))'
    eventually(lambda: "error" in in_notebook(joined, knock), 30)


HANDED_ON = ("imagePullSecrets", "securityContext", "volumes")
HANDED_ON_TO_IT = ("env", "envFrom", "resources", "securityContext", "volumeMounts")


def runner_of(parent):
    """The pod that FLAME's backend makes with the callback of the docs."""
    app = next(item for item in parent["spec"]["containers"] if item["name"] == "app")
    container = {key: app[key] for key in HANDED_ON_TO_IT if key in app}
    container["env"] = [{"name": "ERL_ZFLAGS", "value": "-hidden"}, *container["env"]]
    container |= {"name": "runner", "image": app["image"]}
    spec = {key: parent["spec"][key] for key in HANDED_ON if key in parent["spec"]}
    metadata = {"name": "runner", "labels": {"app": "runner"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**spec, "containers": [container]}}


def test_a_runner_that_a_node_makes_of_itself_is_called_by_it(cluster, namespace, images):
    user = User(cluster, namespace, images["chat"])
    user.run("forge", networkPolicy={"distributionFrom": [{"podSelector": {"matchLabels": {"app": "runner"}}}]})
    user.apply(runner_of(namespace.get("Pod", "forge-0")))
    user.kubectl("wait", "--for=condition=Ready", "pod/runner", "--timeout=60s")
    runner, (parent, *_) = namespace.get("Pod", "runner")["status"]["podIP"], namespace.status("forge")["nodes"]
    connect = f'IO.puts(Node.connect(:"{parent["node"]}"))'
    eventually(
        lambda: user.kubectl("exec", "runner", "--", "bin/chat", "rpc", connect, check=False).strip() == "true", 30
    )
    assert user.rpc("forge-0", f'IO.puts(:erpc.call(:"chat@{runner}", Chat, :version, []))') == "1.0.0"
    assert namespace.condition("forge", "Clustered")["reason"] == "FullMesh"
