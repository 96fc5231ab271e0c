"""`kubectl elixir` with a real kubectl, on real nodes."""

from __future__ import annotations

import base64
import json
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from elixircluster.plugin import observer
from elixircluster.plugin.kubectl import Kubectl
from elixircluster.plugin.picture import LINK
from tests.cluster import UnsupportedError
from tests.images import erlang

from .shell import opened
from .user import ROOT, comes_true, together

CLUSTERS = ("chat", "pond", "reef")
ASK = """
true = net_kernel:connect_node('NODE'),
io:format("~w~n", [lists:sort(['NODE' | rpc:call('NODE', erlang, nodes, [])])]), halt(0)."""


@pytest.fixture(scope="module")
def shell(operator, namespaces, kubernetes, tmp_path_factory):
    """Three clusters that are ready, and a shell."""
    namespace = namespaces("plugin")
    for name in CLUSTERS:
        namespace.apply(*yaml.safe_load_all((ROOT / "examples" / f"{name}.yaml").read_text()))
    together(*(lambda name=name: namespace.wait_until_ready(name) for name in CLUSTERS))
    for name in CLUSTERS:
        assert comes_true(lambda name=name: namespace.condition(name, "Clustered").get("reason") == "FullMesh", 90)
    return opened(namespace, tmp_path_factory.mktemp("path"))


@pytest.fixture(scope="module")
def cookies(shell):
    """The cookies before any test has changed one."""
    return {name: cookie(shell, name) for name in CLUSTERS}


def cookie(shell, name):
    return base64.b64decode(shell.namespace.get("secret", f"{name}-cookie")["data"]["cookie"]).decode()


def test_all_clusters_are_a_line_each(shell, cookies):
    lines = shell.run("status").splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [[name, "True", "3/3", "3/3"] for name in sorted(CLUSTERS)]
    assert "\x1b" not in "".join(lines)
    assert shell.namespace.name in shell.run("status", "-A")


def test_one_cluster_is_told_in_detail(shell):
    told = shell.run("status", "chat")
    assert "bin/chat remote" in told
    nodes = [line for line in told.splitlines() if line.startswith("chat-")]
    assert len(nodes) == 3
    assert all("2/2" in line and "Elixir" in line for line in nodes)
    assert {node["restarts"] for node in json.loads(shell.run("status", "chat", "-o", "json"))["nodes"]} == {0}


def test_on_a_terminal_there_are_colours_and_the_mesh_is_live(shell):
    with shell.screen("mesh", "chat", "--watch") as screen:
        assert screen.shows("all 3 nodes see each other")
        assert screen.shows("\x1b[32m✔")
        assert screen.interrupt() == 0


@pytest.mark.parametrize(
    ("name", "expression", "value"),
    [
        ("chat", "length(Node.list()) + 40", "42"),
        ("pond", "length(nodes()) + 40", "42"),
        ("reef", "length(nodes()) + 40.", "42"),
    ],
)
def test_every_runtime_evaluates(shell, name, expression, value):
    assert shell.run("rpc", name, expression).strip() == value
    assert shell.run("rpc", name, expression, "--pod", f"{name}-1").strip() == value
    everywhere = shell.run("rpc", name, expression, "--all").splitlines()
    assert everywhere == [f"{name}-{ordinal} {value}" for ordinal in range(3)]


def test_an_expression_that_fails_fails(shell):
    shell.run("rpc", "chat", 'raise "no"', status=1)
    assert (
        shell.run("rpc", "reef", "erlang:error(no)", "--all", status=1).splitlines()[-1].endswith("did not evaluate it")
    )


def test_a_console_opens_on_the_node(shell):
    with shell.screen("console", "chat", "chat-2") as screen:
        assert screen.shows("iex(chat@")
        screen.type("40 + length(Node.list())\r")
        assert screen.shows("42")


@pytest.mark.parametrize("name", ["chat", "reef"])
def test_an_erlang_of_this_machine_reaches_a_node_by_address_or_by_host(shell, name, monkeypatch):
    monkeypatch.setenv("PATH", f"{erlang()}:{shell.environment['PATH']}")
    kubectl = Kubectl({"namespace": shell.namespace.name, "kubeconfig": shell.environment["KUBECONFIG"]})
    body = shell.namespace.get("elixircluster", name)
    with observer.attached(kubectl, observer.peer(body, f"{name}-0")) as erl:
        done = erl.run(ASK)
        left = Path(erl.folder)
    shell.told += [done.stdout, done.stderr, *erl.command(ASK)]
    assert sorted(node["node"] for node in body["status"]["nodes"]) == done.stdout.strip("[]\n").replace("'", "").split(
        ","
    )
    assert not left.exists()


def test_a_cut_is_in_the_matrix_and_in_the_picture(shell, kubernetes, tmp_path):
    others = [f"{shell.namespace.name}/chat-{ordinal}" for ordinal in (1, 2)]
    shell.namespace.patch("chat", mesh={"intervalSeconds": 1, "heal": "Alert"})
    try:
        kubernetes.fault.partition(f"{shell.namespace.name}/chat-0", others)
    except UnsupportedError as unsupported:
        pytest.skip(str(unsupported))
    try:
        shell.run("rpc", "chat", "for node <- Node.list(), do: Node.disconnect(node)", "--pod", "chat-0")
        assert comes_true(lambda: "island 2: chat-0" in shell.run("mesh", "chat"), 60, pause=0.5)
        lines = shell.run("mesh", "chat").splitlines()
        assert "chat-0  ·  ✘  ✘" in lines
        shell.run("mesh", "chat", "--svg", str(tmp_path / "mesh.svg"))
        drawn = list(ET.parse(tmp_path / "mesh.svg").getroot().iter("{http://www.w3.org/2000/svg}line"))
        assert len(drawn) == 3
        assert [line.get("stroke") for line in drawn].count(LINK) == 1
    finally:
        kubernetes.fault.heal()
    shell.namespace.patch("chat", mesh={"intervalSeconds": 1, "heal": "Reconnect"})
    assert comes_true(lambda: "all 3 nodes see each other" in shell.run("mesh", "chat"), 90, pause=0.5)


def test_kubectl_completes_names(shell):
    command = ["kubectl", "__complete", "elixir", "mesh", "--namespace", shell.namespace.name, "p"]
    done = subprocess.run(command, env=shell.environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["pond", ":4"]


SAY = 'Process.group_leader(self(), Process.whereis(:user)); IO.puts("greetings")'


def test_logs_are_those_of_all_pods(shell):
    shell.run("rpc", "chat", SAY, "--all")
    lines = shell.run("logs", "chat", "--tail", "5").splitlines()
    assert [line for line in lines if "greetings" in line] == [f"chat-{ordinal} greetings" for ordinal in range(3)]


def test_a_cluster_that_is_paused_is_not_restarted(shell):
    shell.run("pause", "chat")
    before = shell.namespace.lives("chat")
    assert "resume" in shell.run("restart", "chat", status=1)
    assert shell.namespace.get("elixircluster", "chat")["spec"]["paused"] is True
    shell.run("resume", "chat")
    assert shell.namespace.lives("chat") == before


def test_a_restart_replaces_every_pod_and_its_lines_are_followed(shell):
    before = shell.namespace.lives("reef")
    with shell.screen("logs", "reef", "--follow", "--since", "1s") as screen:
        told = shell.run("restart", "reef")
        assert told.splitlines()[-1].startswith("3 of 3 new")
        shell.run("rpc", "reef", 'io:format(user, "here again~n", [])', "--all")
        for ordinal in range(3):
            assert screen.shows(f"reef-{ordinal}\x1b[0m here again")
        assert screen.interrupt() == 0
    after = shell.namespace.lives("reef")
    assert all(after[pod][0] != before[pod][0] for pod in before)


def test_a_restart_is_a_revision_that_one_can_go_back_from(shell):
    newest, first = [line.split()[:3] for line in shell.run("history", "reef").splitlines()[1:]]
    assert [newest[1:], first[1:]] == [["Complete", first[2]]] * 2
    would = shell.run("rollback", "reef", "--dry-run")
    assert f"revision {first[0]}" in would
    assert "restartedAt" in would
    told = shell.run("rollback", "reef")
    assert told.splitlines()[-1].startswith("3 of 3 new")
    assert [line.split()[0] for line in shell.run("history", "reef").splitlines()[1:]] == [
        first[0],
        newest[0],
        first[0],
    ]
    assert "of revision" in shell.run("rollback", "reef", first[0], status=1)


def test_a_canary_waits_until_it_is_promoted(shell):
    assert "no canary" in shell.run("promote", "reef", status=1)
    marked = {"annotations": {"example.com/tried": "first"}}
    shell.namespace.patch("reef", update={"canary": {"nodes": 1}}, podMetadata=marked)
    step = ("elixircluster", "reef", "-o", "jsonpath={.status.update.step}")
    assert comes_true(lambda: shell.namespace.kubectl("get", *step) == "Canary", 90)
    lines = shell.run("rollout", "reef", "--no-watch").splitlines()
    assert lines[:3] == ["reef-0: old, up", "reef-1: old, up", "reef-2: new, up"]
    assert shell.run("promote", "reef").splitlines()[-1].startswith("3 of 3 new")


def test_a_rollout_is_told_a_line_a_node(shell):
    lines = shell.run("rollout", "reef").splitlines()
    assert lines[:3] == [f"reef-{ordinal}: new, up" for ordinal in range(3)]
    assert lines[3].startswith("3 of 3 new")


def test_console_and_rpc_know_the_new_cookie(shell, cookies):
    assert "has another cookie" in shell.run("rotate-cookie", "chat")
    assert cookie(shell, "chat") != cookies["chat"]
    assert comes_true(lambda: shell.run("rpc", "chat", "40 + 2").strip() == "42", 1)


def test_events_tell_of_the_resource_and_of_its_pods(shell):
    told = shell.run("events", "chat")
    assert "ElixirCluster/chat" in told
    assert "Pod/chat-0" in told
    assert "reef" not in told


MISTAKES = {
    "a name that is not there": (("status", "chatt"), "there are chat, pond, reef"),
    "a pod that is not there": (("rpc", "chat", "1", "--pod", "chat-9"), "its pods are chat-0, chat-1, chat-2"),
    "a context that is not there": (("--context", "nowhere", "status"), "nowhere"),
}


@pytest.mark.parametrize(("arguments", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_in_one_line(shell, arguments, words):
    said = shell.run(*arguments, status=1)
    assert said.count("\n") == 1
    assert words in said


def test_with_no_ready_pod_there_is_nobody_to_ask(shell):
    shell.namespace.kubectl("scale", "elixircluster/pond", "--replicas=0")
    assert comes_true(lambda: not shell.namespace.pods("pond"), 60)
    assert "no pod of pond is ready" in shell.run("rpc", "pond", "nodes()", status=1)


def test_no_command_has_told_a_cookie(shell, cookies):
    secrets = {*cookies.values(), *(cookie(shell, name) for name in CLUSTERS)}
    secrets |= {base64.b64encode(secret.encode()).decode() for secret in secrets}
    assert len(shell.told) > 40
    assert not [text for text in shell.told if any(secret in text for secret in secrets)]
