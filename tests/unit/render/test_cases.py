"""Manifests of people who run Elixir on Kubernetes, each of which went wrong once, and what is right."""

from __future__ import annotations

import pytest

from elixircluster.errors import Stalled
from elixircluster.render.preview import preview

HEAD = """
apiVersion: elixircluster.dev/v1alpha1
kind: ElixirCluster
metadata: {name: tram, namespace: cases}
spec:
  image: docker.io/library/chat:1.0.0
  release: {name: chat}
"""


def rendered(spec: str):
    objects = preview(f"{HEAD}{spec}", [], [], None)
    (stateful_set,) = (item for item in objects if item["kind"] == "StatefulSet")
    return objects, stateful_set["spec"]


REFUSED = {
    # Both count as none: nodes talked in plaintext, and the resource was Ready.
    "tls-flags-in-a-variable": (
        """
  distribution: {tls: {mode: SelfSigned}}
  env: [{name: ELIXIR_ERL_OPTIONS, value: "-proto_dist inet_tls -ssl_dist_optfile /app/dist.conf"}]
""",
        "must not be repeated in a variable",
    ),
    # Never ready, and nobody said why.
    "port-in-env": ("  web: {port: 4000}\n  env: [{name: PORT, value: '8080'}]", r"PORT is web\.port"),
    # Did nothing, silently.
    "vm-args-with-a-blank": ('  vm: {args: ["+hms 4000", "-kernel shell_history enabled"]}', "one argument an entry"),
    # `kubectl apply` refused it, `elixircluster render` printed it.
    "release-node-in-env": (
        """
  env:
    - {name: RELEASE_DISTRIBUTION, value: name}
    - {name: RELEASE_NODE, value: "level@$(POD_IP)"}
    - {name: RELEASE_COOKIE, value: secret}
""",
        "are set by the operator",
    ),
    "a name that the script of the release cannot have": ("  release: {name: chat-eu}", "mix release makes names"),
}


@pytest.mark.parametrize(("spec", "said"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_where_it_can_be_seen(spec, said):
    text = HEAD.replace("  release: {name: chat}\n", "") if "release:" in spec else HEAD
    with pytest.raises(Stalled, match=said):
        preview(f"{text}{spec}", [], [], None)


def test_gigalixirs_selector_finds_endpoints():
    """libcluster's own way is to look for Endpoints, of which none carried the exported selector's labels."""
    objects, spec = rendered("  discovery: {strategy: API}")
    (app,) = spec["template"]["spec"]["containers"]
    (selector,) = (item["value"] for item in app["env"] if item["name"] == "LIBCLUSTER_KUBERNETES_SELECTOR")
    wanted = dict(item.split("=") for item in selector.split(","))
    found = [
        item for item in objects if item["kind"] == "Service" and item["metadata"]["labels"].items() >= wanted.items()
    ]
    assert [item["metadata"]["name"] for item in found] == ["tram-nodes"]
    # ... and the four lines of Gigalixir's documentation, with the labels that they name.
    fixed = {"elixircluster.dev/cluster": "tram", "app.kubernetes.io/component": "node"}
    assert found[0]["metadata"]["labels"].items() >= fixed.items()


def test_vm_args_win_over_those_of_the_release():
    _, spec = rendered("""  vm: {args: ["-kernel", "shell_history", "enabled", "-mnesia", "dir", '"/data"']}""")
    (app,) = spec["template"]["spec"]["containers"]
    said = {item["name"]: item.get("value") for item in app["env"]}
    for variable in ("ERL_AFLAGS", "ERL_FLAGS"):
        assert said[variable].endswith(r"-kernel shell_history enabled -mnesia dir \"/data\"")


def test_a_disk_per_node():
    _, spec = rendered(
        """
  discovery: {strategy: DNSSRV}
  storage: [{name: mnesia, mountPath: /var/lib/mnesia, size: 1Gi}]
"""
    )
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "mnesia"


def test_a_secret_before_the_resource_is_handed_on():
    secret = """
apiVersion: v1
kind: Secret
metadata: {name: old-cookie, namespace: cases}
stringData: {release-cookie: "ORUGS4ZANFZSA3TPOQQGCIDSMVQWYIDDN5XWW2LFFQQGEZJAONUA===="}
---
"""
    cookie = "  distribution: {cookie: {secretKeyRef: {name: old-cookie, key: release-cookie}}}"
    objects = preview(f"{secret}{HEAD}{cookie}", [], [], None)
    assert [item["metadata"]["name"] for item in objects if item["kind"] == "Secret"] == ["old-cookie"]
