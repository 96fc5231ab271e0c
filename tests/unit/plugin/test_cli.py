"""The command line: what it loads, what it takes, and how it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from elixircluster.cli import main as elixircluster
from elixircluster.plugin.cli import COMMANDS, complete, main

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
    ],
)
def test_kubectls_own_options_stand_before_or_after_the_command(kubectl, arguments):
    asked = kubectl()
    assert run(*arguments).exit_code == 0
    assert asked() == ["--namespace=web --context=prod --kubeconfig=/k get elixirclusters.elixircluster.dev -o json"]


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
        (["re"], ["restart", "resume", ":4"]),
        (["mesh", "c"], ["chat", ":4"]),
        (["-n", "default", "mesh", ""], ["chat", "web", ":4"]),
        (["mesh", "--sv"], ["--svg", ":4"]),
    ],
)
def test_kubectl_is_told_how_words_go_on(kubectl, monkeypatch, capsys, words, lines):
    kubectl("""echo '{"items": [{"metadata": {"name": "chat"}}, {"metadata": {"name": "web"}}]}'""")
    monkeypatch.setattr(sys, "argv", ["kubectl_complete-elixir", *words])
    complete()
    assert capsys.readouterr().out.splitlines() == lines
