"""What a person is told to do can be done: every field and every command that a remedy names is there."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elixircluster.api.crd import crd
from elixircluster.plugin.cli import COMMANDS
from tests.unit.test_architecture import PACKAGE

ROOMS = ("doctor", "plugin")
ALSO = ("observed/diagnosis.py", "observed/events.py", "mesh/view.py", "mesh/heal.py")
KUBECTL = {"annotate", "create", "delete", "describe", "edit", "exec", "get", "logs", "patch", "port-forward", "wait"}
"""Commands of kubectl that we tell people to use."""
FIELD = re.compile(r"\bspec((?:\.[a-z]\w*)+)")
COMMAND = re.compile(r"\bkubectl (?:-n (?:\{\}|[\w-]+) )?([a-z][a-z-]+)(?: ([a-z][a-z-]+))?")
NO_COMMANDS = {"is", "on", "took", "ended", "said"}
"""Words that follow where kubectl itself is spoken of."""


def texts(path: Path) -> Iterator[str]:
    """Every text that a module may show: docstrings are not, and what is filled in stands as {}."""
    tree = ast.parse(path.read_text())
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside | silent:
            yield node.value


FILES = [*(file for room in ROOMS for file in (PACKAGE / room).rglob("*.py")), *(PACKAGE / path for path in ALSO)]
SHOWN = sorted({(path.relative_to(PACKAGE).as_posix(), text) for path in FILES for text in texts(path)})
SPEC: dict[str, Any] = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def is_field(path: str) -> bool:
    """Whether the schema knows it, or leaves what is below to Kubernetes."""
    found = SPEC
    for name in path.strip(".").split("."):
        if found.get("x-kubernetes-preserve-unknown-fields"):
            return True
        found = found.get("items", found)
        if name not in found.get("properties", {}):
            return False
        found = found["properties"][name]
    return True


FIELDS = sorted({(where, match[1]) for where, text in SHOWN for match in FIELD.finditer(text)})
COMMANDS_SAID = sorted({(where, *match.groups()) for where, text in SHOWN for match in COMMAND.finditer(text)}, key=str)


def test_fields_and_commands_are_found():
    assert len(FIELDS) > 20
    assert len(COMMANDS_SAID) > 10


@pytest.mark.parametrize(("where", "path"), FIELDS)
def test_every_field_that_a_remedy_names_is_in_the_schema(where, path):
    assert is_field(path), f"{where} names spec{path}"


@pytest.mark.skipif(not shutil.which("kubectl"), reason="needs kubectl")
def test_kubectl_knows_its_commands():
    known = subprocess.run(["kubectl", "--help"], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"(?m)^  ([a-z-]+) ", known)) >= KUBECTL


@pytest.mark.parametrize(("where", "verb", "word"), COMMANDS_SAID)
def test_every_command_that_a_remedy_names_is_one(where, verb, word):
    if verb == "elixir":
        assert word in {None, *COMMANDS}, f"{where}: kubectl elixir {word}"
    else:
        assert verb in KUBECTL | NO_COMMANDS, f"{where}: kubectl {verb}"
