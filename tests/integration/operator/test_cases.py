"""Manifests of people who run Elixir on Kubernetes, each of which went wrong once: what is right, with real pods."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from tests.cluster import KubectlError
from tests.integration.operator.client import eventually
from tests.integration.operator.conftest import OLDEST, ROOT
from tests.integration.operator.user import SOON, START, User, shell


@pytest.fixture
def user(cluster, namespace, images):
    return User(cluster, namespace, images["chat"])


REFUSED = {
    "tls-flags-in-a-variable": (
        {
            "distribution": {"tls": {"mode": "SelfSigned"}},
            "env": [{"name": "ELIXIR_ERL_OPTIONS", "value": "-proto_dist inet_tls -ssl_dist_optfile /app/dist.conf"}],
        },
        ("spec.env", "must not be repeated in a variable"),
    ),
    "port-in-env": ({"env": [{"name": "PORT", "value": "8080"}]}, ("spec.env", "PORT is web.port")),
    "vm-args-with-a-blank": (
        {"vm": {"args": ["+hms 4000", "-kernel shell_history enabled"]}},
        ("spec.vm.args", "one argument an entry"),
    ),
    "release-node-in-env": (
        {"env": [{"name": "RELEASE_NODE", "value": "level@$(POD_IP)"}, {"name": "RELEASE_COOKIE", "value": "secret"}]},
        ("spec.env", "are set by the operator"),
    ),
}


@pytest.mark.parametrize(("spec", "said"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_by_kubectl_apply_and_by_render_in_the_same_words(user, spec, said):
    manifest = user.manifest("level", **spec)
    with pytest.raises(KubectlError) as refused:
        user.apply(manifest)
    command = [sys.executable, "-m", "elixircluster", "render", "-f", "-"]
    rendered = subprocess.run(
        command, input=yaml.safe_dump(manifest), capture_output=True, text=True, check=False, cwd=ROOT / "operator"
    )
    assert rendered.returncode
    for answer in (str(refused.value), rendered.stderr):
        assert all(part in answer for part in said), answer


def test_tls_that_is_lost_by_a_flag_that_nobody_could_see_stalls_the_resource(cluster, namespace, images):
    """Both flags count as none: nodes talked in plaintext, and the resource was Ready, with Clustered Unknown.

    From OTP 27.1 on the first of them counts.
    """
    user = User(cluster, namespace, images[OLDEST])
    user.namespace.create("ConfigMap", "flags", {"data": {"ERL_ZFLAGS": "-proto_dist inet_tls"}})
    tls = {"distribution": {"tls": {"mode": "SelfSigned"}}}
    unseen = {"envFrom": [{"configMapRef": {"name": "flags"}}]}
    user.apply(user.manifest("vault", replicas=2, **tls, **unseen))
    told = user.namespace.until("vault", "Stalled", seconds=120, reason="TlsNotSpoken")
    assert "-proto_dist" in told["message"]
    assert user.namespace.condition("vault", "Clustered")["status"] == "False"
    eventually(lambda: any(event["reason"] == "TlsNotSpoken" for event in user.namespace.list("Event")))
    asked = user.doctor("vault").stdout
    assert "-proto_dist 2 times, from ERL_AFLAGS and ERL_ZFLAGS" in asked
    assert asked.count("✗") == 1, asked
    # ... and what the messages say helps.
    user.apply(user.manifest("vault", replicas=2, **tls))
    user.namespace.until("vault", "Clustered", seconds=120, reason="FullMesh")
    user.namespace.until("vault")
    user.namespace.until("vault", "Stalled", "False")


COMMAND = ["bin/chat", "rpc", "1 + 1"]
PACE = {"periodSeconds": 5, "timeoutSeconds": 15}
BY_COMMAND = {
    "by its field": {"health": {**SOON, "readiness": {"exec": {"command": COMMAND}, **PACE}}},
    # A null for tcpSocket does not survive kubectl apply.
    "by podTemplate": {
        "podTemplate": {
            "spec": {"containers": [{"name": "app", "readinessProbe": {"exec": {"command": COMMAND}, **PACE}}]}
        }
    },
}


@pytest.mark.parametrize("spec", BY_COMMAND.values(), ids=BY_COMMAND)
def test_a_command_takes_the_place_of_the_rendered_probe(user, spec):
    user.run("finch", **spec)
    (app,) = user.namespace.get("Pod", "finch-0")["spec"]["containers"]
    assert app["readinessProbe"]["exec"]["command"] == COMMAND
    assert "tcpSocket" not in app["readinessProbe"]
    assert app["readinessProbe"]["timeoutSeconds"] == 15


STARTED_BY_A_SHELL = 'bin/chat eval "IO.puts(:migrated)" && bin/chat start'
STOPS = {"as it comes": ({}, 5), "with no wait": ({"preStopSeconds": 0}, 0), "with another": ({"preStopSeconds": 9}, 9)}


@pytest.mark.parametrize(("shutdown", "waits"), STOPS.values(), ids=STOPS)
def test_a_pod_that_a_shell_has_started_stops_in_seconds(user, shutdown, waits):
    """SIGTERM ended at the shell: 62 s."""
    user.run("tugboat", **shell(STARTED_BY_A_SHELL), shutdown=shutdown)
    took = user.stop("tugboat-0")
    print(f"stopped in {took:.1f} s, of which {waits} s serving")
    assert waits <= took < waits + 12
    assert "FailedPreStopHook" not in {event["reason"] for event in user.namespace.list("Event")}


WRITES = 'File.write!("/app/lib/zone.tar.gz", "x")'
RESTRICTED = {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_a_release_that_dies_before_it_starts_is_told_with_its_exit_code_and_the_cause(user):
    user.apply(user.manifest("silo", **shell(f"bin/chat eval '{WRITES}' && exec bin/chat start")))
    told = user.namespace.until("silo", "Stalled", seconds=90, reason="ReadOnlyFileSystem")
    assert told["message"].startswith("pod silo-0: it writes outside of /tmp")
    eventually(lambda: all(words in user.said("silo")[0] for words in ("app: ", "(exit code 1)")))


@pytest.mark.parametrize("kind", ["init container", "native sidecar"])
def test_an_init_container_that_dies_is_told_by_its_name_with_its_exit_code_and_the_cause(user, kind):
    """After five restarts status said "its containers start"."""
    container = {
        "name": "migrate",
        "image": user.image,
        "imagePullPolicy": "IfNotPresent",
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "command": ["bin/chat", "eval", WRITES],
        "securityContext": RESTRICTED,
        **({"restartPolicy": "Always"} if kind == "native sidecar" else {}),
    }
    user.apply(user.manifest("silo", initContainers=[container]))
    told = user.namespace.until("silo", "Stalled", seconds=90, reason="ReadOnlyFileSystem")
    assert told["message"].startswith("pod silo-0: container migrate: it writes outside of /tmp")
    eventually(lambda: all(words in user.said("silo")[0] for words in ("migrate: ", "(exit code 1)")))


FLY = 'export ERL_AFLAGS="-proto_dist inet6_tcp" ECTO_IPV6=true DNS_CLUSTER_QUERY=orchard.internal; exec bin/chat start'


def test_the_variable_that_is_the_cause_is_named_and_removing_it_helps(user):
    """The advice named lines that the image did not have."""
    user.apply(user.manifest("orchard", **shell(FLY), replicas=2))
    told = user.namespace.until("orchard", "Stalled", seconds=120)
    assert told["reason"] == "NotDistributed"
    assert "ERL_AFLAGS" in told["message"]
    # Which of the variables it is the doctor sees, who looks inside.
    said = user.doctor("orchard").stdout
    assert "changes or drops ERL_AFLAGS (spec.release.command" in said
    assert "DNS_CLUSTER_QUERY comes from spec.env, spec.release.command" in said
    assert "RELEASE_NODE" not in said
    user.apply(user.manifest("orchard", **shell(FLY.replace('ERL_AFLAGS="-proto_dist inet6_tcp"', "")), replicas=2))
    user.namespace.until("orchard", seconds=120)
    user.namespace.until("orchard", "Stalled", "False")


def test_the_resource_wins_over_the_vm_args_of_the_release(user):
    ours = ["-kernel", "shell_history", "enabled", "-chat", "told", "by_the_resource", "+S", "1:1"]
    theirs = "-kernel shell_history disabled\n-chat told by_the_release\n+S 2:2\n"
    script = f"{{ cat releases/*/vm.args; echo '{theirs}'; }} > /tmp/vm.args; RELEASE_VM_ARGS=/tmp/vm.args {START}"
    user.run("tram", **shell(script), vm={"args": ours})
    asked = "[Application.get_env(:kernel, :shell_history), Application.get_env(:chat, :told)]"
    counted = "[:erlang.system_info(:schedulers)]"
    assert user.rpc("tram-0", f'IO.puts(Enum.join({asked} ++ {counted}, ", "))') == "enabled, by_the_resource, 1"


def test_a_cookie_that_mix_release_has_made_is_taken(user):
    cookie = "ORUGS4ZANFZSA3TPOQQGCIDSMVQWYIDDN5XWW2LFFQQGEZJAONUA===="
    user.namespace.create("Secret", "old-cookie", {"stringData": {"release-cookie": cookie}})
    reference = {"name": "old-cookie", "key": "release-cookie"}
    user.run("barn", replicas=2, distribution={"cookie": {"secretKeyRef": reference}})
    user.namespace.until("barn", "Clustered", reason="FullMesh", seconds=60)
    assert user.rpc("barn-0", f'IO.puts(Node.get_cookie() == :"{cookie}")') == "true"


def test_a_disk_outlives_its_pod(user):
    user.run(
        "ledger", discovery={"strategy": "DNSSRV"}, storage=[{"name": "mnesia", "mountPath": "/data", "size": "1Gi"}]
    )
    before = user.namespace.get("Pod", "ledger-0")["metadata"]["uid"]
    user.rpc("ledger-0", 'File.write!("/data/book", "kept")')
    user.stop("ledger-0")
    eventually(
        lambda: (user.namespace.get("Pod", "ledger-0") or {"metadata": {"uid": before}})["metadata"]["uid"] != before,
        60,
    )
    user.namespace.until("ledger", seconds=90)
    assert user.execute("ledger-0", "cat", "/data/book") == "kept"
