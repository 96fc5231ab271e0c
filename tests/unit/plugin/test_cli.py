"""The command line: what it loads, what it takes, and how it fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from elixircluster.cli import main as elixircluster
from elixircluster.plugin.cli import COMMANDS, complete, main
from tests.unit.plugin.resources import OWNER, resource

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {"kopf", "kubernetes", "pydantic", "aiohttp", "asyncio", "yaml", "jinja2", "cryptography"}

KUBECTL = """#!/bin/sh
echo "$*" >> "$ASKED"
{body}
"""


@pytest.fixture
def kubectl(tmp_path, monkeypatch):
    """Puts a kubectl on PATH that does what it is told, and returns what it was asked."""
    asked = tmp_path / "asked"
    asked.touch()

    def put(body="""echo '{"items": []}'"""):
        program = tmp_path / "kubectl"
        program.write_text(KUBECTL.format(body=body))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
        monkeypatch.setenv("ASKED", str(asked))
        return lambda: asked.read_text().splitlines()

    return put


def run(*arguments):
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("module", sorted({"elixircluster.plugin.cli", *COMMANDS.values()}))
def test_a_command_loads_nothing_that_takes_long(module):
    code = f"import sys, {module}; print(*sys.modules)"
    environment = {"PYTHONPATH": str(ROOT / "operator")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert not HEAVY & {name.partition(".")[0] for name in done.stdout.split()}


def test_the_group_alone_does_not_load_its_commands():
    code = "import sys, elixircluster.plugin.cli; print(*sys.modules)"
    environment = {"PYTHONPATH": str(ROOT / "operator")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert not {"rich", *COMMANDS.values()} & set(done.stdout.split())


def test_every_command_says_what_it_does():
    for name in COMMANDS:
        said = run(name, "--help")
        assert said.exit_code == 0
        assert "--namespace" in said.output


def test_the_operators_program_has_the_same_commands():
    said = CliRunner().invoke(elixircluster, ["plugin", "--help"])
    assert all(name in said.output for name in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        ("-n", "web", "--context", "prod", "--kubeconfig", "/k", "status"),
        ("status", "--namespace", "web", "--context", "prod", "--kubeconfig", "/k"),
        ("-n", "other", "--context", "prod", "status", "-n", "web", "--kubeconfig", "/k"),
        ("-n=web", "--context=prod", "status", "--kubeconfig=/k"),
        ("status", "-n=web", "--context=prod", "--kubeconfig=/k"),
        ("-nweb", "--context", "prod", "--kubeconfig", "/k", "status", "-o=json"),
    ],
)
def test_kubectls_own_options_stand_before_or_after_the_command(kubectl, arguments):
    asked = kubectl()
    assert run(*arguments).exit_code == 0
    assert asked() == ["--namespace=web --context=prod --kubeconfig=/k get elixirclusters.elixircluster.dev -o json"]


def test_every_option_of_kubectl_itself_is_passed_on_to_every_kubectl(kubectl):
    asked = kubectl()
    given = [
        *("--as", "jane", "--as-group", "a", "--as-group=b", "--as-uid=7", "--cluster", "c", "--user", "u", "-v=6"),
        *("--request-timeout=5s", "--server", "https://k", "--insecure-skip-tls-verify"),
    ]
    assert run("events", "chat", *given).exit_code == 0
    (one, events) = asked()
    options = one.partition(" get ")[0]
    assert set(options.split()) == {
        *("--as=jane", "--as-group=a", "--as-group=b", "--as-uid=7", "--cluster=c", "--user=u", "--v=6"),
        *("--request-timeout=5s", "--server=https://k", "--insecure-skip-tls-verify=true"),
    }
    assert events == f"{options} get events -o json"


def test_what_kubectl_says_of_its_own_work_is_shown_and_is_no_failure(kubectl):
    kubectl("""echo 'I0101 12:00:00.1 1 loader.go:395] Config loaded' >&2; echo '{"items": []}'""")
    said = run("status", "-v", "6")
    assert said.exit_code == 0
    assert "Config loaded" in said.stderr


USAGE = {
    "no such command": (("stat",), "No such command 'stat'"),
    "no such option": (("status", "--foo"), "--foo"),
    "no name": (("mesh",), "NAME"),
    "a wrong output": (("status", "-o", "wide"), "'json', 'yaml'"),
    "a wrong time": (("restart", "chat", "--timeout", "soon"), "90s"),
    "two that exclude each other": (("logs", "chat", "-f", "-p"), "exclude each other"),
    "one pod and all": (("rpc", "chat", "1", "--pod", "chat-0", "--all"), "exclude each other"),
    "two outputs": (("mesh", "chat", "-w", "-o", "json"), "exclude each other"),
}


@pytest.mark.parametrize(("arguments", "words"), USAGE.values(), ids=USAGE)
def test_a_wrong_command_line_is_answered_in_two_lines_as_by_kubectl(kubectl, arguments, words):
    asked = kubectl()
    said = run(*arguments)
    assert said.exit_code == 2
    error, see = said.stderr.splitlines()
    assert error.startswith("Error: ")
    assert words in error
    assert see.endswith("--help' for usage.")
    assert asked() == []


def test_what_help_says_of_a_command_is_one_line():
    for line in run("--help").output.partition("Commands:")[2].splitlines():
        assert not line.endswith("...")


@pytest.mark.parametrize("command", [("status", "chat"), ("status",), ("mesh", "chat"), ("events", "chat")])
def test_programs_read_yaml_or_json_and_both_say_the_same(kubectl, command):
    body = json.dumps(resource())
    kubectl(f"""case "$*" in *elixirclusters*chat*) echo '{body}';; *) echo '{{"items": []}}';; esac""")
    told = [run(*command, "-o", output) for output in ("json", "yaml")]
    assert [item.exit_code for item in told] == [0, 0]
    assert json.loads(told[0].output) == yaml.safe_load(told[1].output)


def test_the_mesh_is_told_to_programs_by_pod(kubectl):
    kubectl(f"echo '{json.dumps(resource(2))}'")
    first = json.loads(run("mesh", "chat", "-o", "json").output)["nodes"][0]
    assert first == {"pod": "chat-0", "island": 0, "sees": ["chat-1"], "misses": [], "unknown": []}


ESCAPES = "\x1b]0;owned\x07\x1b[2J\u202echat\ud800"


def test_what_a_node_or_pod_says_cannot_steer_the_terminal(kubectl, tmp_path):
    body = resource(Clustered=("False", "PartialMesh", f"first{ESCAPES}\nchat: all is well"))
    body["status"]["nodes"][0] |= {"node": f"chat{ESCAPES}", "otpRelease": ESCAPES, "message": ESCAPES}
    (tmp_path / "body").write_text(json.dumps(body))
    (tmp_path / "list").write_text(json.dumps({"items": [body]}))
    kubectl(f'case "$*" in *elixirclusters*chat*) cat {tmp_path}/body;; *) cat {tmp_path}/list;; esac')
    for command in (("status",), ("status", "chat"), ("mesh", "chat"), ("mesh", "chat", "--svg", "-")):
        said = run(*command)
        assert said.exit_code == 0, said.output
        assert not {"\x1b", "\x07", "\u202e", "\ud800"} & set(said.output)
        assert not [line for line in said.output.splitlines() if line.startswith("chat: all is well")]


def test_what_the_api_server_says_cannot_steer_the_terminal_either(kubectl):
    kubectl("printf 'Error from server: \\033[2Jgone\\n' >&2; exit 1")
    assert "\x1b" not in run("status").output


FAILURES = {
    "no operator": (
        'echo "error: the server doesn\'t have a resource type elixirclusters" >&2; exit 1',
        "install the operator",
    ),
    "no server": ("echo 'The connection to the server localhost:8080 was refused' >&2; exit 1", "was refused"),
    "not allowed": (
        "echo 'Error from server (Forbidden): elixirclusters is forbidden: User x' >&2; exit 1",
        "is forbidden: User x",
    ),
    "says nothing": ("exit 3", "ended with 3"),
}


@pytest.mark.parametrize(("body", "words"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_one_line(kubectl, body, words):
    kubectl(body)
    said = run("status")
    assert said.exit_code == 1
    assert said.output.count("\n") == 1
    assert said.output.startswith("Error: ")
    assert words in said.output


def test_a_name_that_is_not_there_is_answered_with_those_that_are(kubectl):
    kubectl("""
case "$*" in
*chatt*) echo 'Error from server (NotFound): elixirclusters "chatt" not found' >&2; exit 1 ;;
*) echo '{"items": [{"metadata": {"name": "chat"}}, {"metadata": {"name": "web"}}]}' ;;
esac
""")
    said = run("status", "chatt")
    assert (said.exit_code, said.output) == (
        1,
        "Error: no ElixirCluster is called chatt here; there are chat, web\n",
    )


def test_without_kubectl_it_says_where_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    said = run("status")
    assert said.exit_code == 1
    assert said.output.startswith("Error: kubectl is not on PATH")


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["re"], ["retry", "restart", "resume", ":4"]),
        (["mesh", "c"], ["chat", ":4"]),
        (["-n", "default", "mesh", ""], ["chat", "web", ":4"]),
        (["mesh", "--sv"], ["--svg", ":4"]),
        (["-n=default", "mesh", "c"], ["chat", ":4"]),
        (["console", "chat", "w"], ["web", ":4"]),
        (["rpc", "chat", "1", "--pod", ""], ["chat", "web", ":4"]),
    ],
)
def test_kubectl_is_told_how_words_go_on(kubectl, monkeypatch, capsys, words, lines):
    owned = {"ownerReferences": [OWNER]}
    names = json.dumps({"items": [{"metadata": {"name": name, **owned}} for name in ("chat", "web")]})
    kubectl(f"echo '{names}'")
    monkeypatch.setattr(sys, "argv", ["kubectl_complete-elixir", *words])
    complete()
    assert capsys.readouterr().out.splitlines() == lines
