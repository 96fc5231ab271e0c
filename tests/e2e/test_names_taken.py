"""What is there already under a name that a resource needs."""

from __future__ import annotations

from .user import GOOD_IMAGE, comes_true

POD = {"containers": [{"name": "nobody", "image": "none"}]}
TEMPLATE = {"metadata": {"labels": {"app": "theirs"}}, "spec": POD}
SELECTOR = {"matchLabels": {"app": "theirs"}}


def theirs(api_version, kind, name, **content):
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **content}


SECRET = theirs("v1", "Secret", "chat-cookie", stringData={"cookie": "theirs"})
REST = [
    theirs("v1", "ConfigMap", "chat-config", data={"whose": "theirs"}),
    theirs("v1", "Service", "chat", spec={"ports": [{"port": 1}]}),
    theirs("v1", "Service", "chat-nodes", spec={"ports": [{"port": 1}]}),
    theirs("v1", "ServiceAccount", "chat"),
    theirs("networking.k8s.io/v1", "NetworkPolicy", "chat-distribution", spec={"podSelector": SELECTOR}),
    theirs("rbac.authorization.k8s.io/v1", "Role", "chat-discovery", rules=[]),
    theirs(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "chat-discovery",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "chat-discovery"},
    ),
    theirs("policy/v1", "PodDisruptionBudget", "chat", spec={"maxUnavailable": 0, "selector": SELECTOR}),
]
WORKLOAD = theirs(
    "apps/v1",
    "StatefulSet",
    "chat",
    spec={"replicas": 0, "serviceName": "none", "selector": SELECTOR, "template": TEMPLATE},
)


def test_what_has_the_name_already_is_left_alone_and_named_until_it_goes(operator, namespaces):
    namespace = namespaces("taken")
    namespace.apply(SECRET, *REST, WORKLOAD)
    everything = ",".join({item["kind"] for item in (SECRET, *REST, WORKLOAD)})
    before = {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in namespace.items(everything)}
    spec = {"image": GOOD_IMAGE, "imagePullPolicy": "IfNotPresent", "replicas": 1, "web": {"port": 4000}}
    spec["discovery"] = {"strategy": "API"}
    namespace.apply(theirs("elixircluster.dev/v1alpha1", "ElixirCluster", "chat", spec=spec))
    for objects in ([SECRET], REST, [WORKLOAD]):
        kinds = {item["kind"] for item in objects}

        def is_named(kinds=kinds):
            stalled = namespace.condition("chat", "Stalled")
            return stalled.get("reason") == "NameTaken" and stalled["message"].split()[0] in kinds

        assert comes_true(is_named, 30), namespace.condition("chat", "Stalled")
        for item in objects:
            found = namespace.get(item["kind"], item["metadata"]["name"])["metadata"]
            assert before[found["uid"]] == found["resourceVersion"]
            namespace.kubectl("delete", item["kind"], item["metadata"]["name"])
    namespace.wait_until_ready("chat", 60)
    namespace.kubectl("delete", "elixircluster", "chat")
    assert comes_true(lambda: not namespace.items("pods"), 60)
