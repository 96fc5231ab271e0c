"""What the pages for newcomers tell to type can be typed, and what they tell to write is accepted."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from elixircluster.render.preview import preview
from tests.documents import blocks, commands

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "docs" / "quickstart.md", ROOT / "deploy" / "helm" / "elixircluster" / "README.md"]
DOCS, PACKAGE = ROOT / "docs", ROOT / "operator" / "elixircluster"
HOLD_A_REASON = {"Stalled", "Retry", "Plan", "Wait", "Fault", "Diagnosis"}
EXECUTABLE = {
    "cd", "curl", "docker", "elixircluster", "helm", "kind", "kubectl", "make", "mix", "sed",
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_every_block_of_commands_begins_with_one(page):
    for block in blocks(page, "console"):
        assert block.startswith("$ "), block


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_commands_are_of_programs_that_a_reader_was_told_to_have(page):
    assert {command.split()[0] for command in commands(page)} <= EXECUTABLE


def test_files_that_commands_name_are_there():
    named = {
        word.strip("'\"")
        for page in PAGES
        for command in commands(page)
        for word in command.split()
        if re.match(r"(deploy|examples|crds)(/|$)", word)
    }
    assert {"deploy/Dockerfile", "deploy/helm/elixircluster", "examples/chat.yaml", "crds"} <= named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_wait_ends():
    """Without --timeout `kubectl wait` gives up after 30 s, which a first pull of an image takes."""
    waits = [command for page in PAGES for command in commands(page) if "kubectl wait" in command]
    assert waits
    assert [command for command in waits if "--timeout" not in command] == []


def test_the_resource_of_the_quickstart_is_accepted():
    text = blocks(ROOT / "docs" / "quickstart.md", "yaml")[0]
    assert text.startswith("# shop.yaml\n")
    made = preview(text, [], (), None)
    (job,) = [each for each in made if each["kind"] == "Job"]
    (migrate,) = job["spec"]["template"]["spec"]["containers"]
    assert (migrate["image"], migrate["command"]) == (yaml.safe_load(text)["spec"]["image"], ["/app/bin/migrate"])


def test_links_within_the_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s:]+)\)", page.read_text()):
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            assert file.exists(), target
            if anchor:
                titles = re.findall(r"^#+ (.*)$", file.read_text(), re.M)
                anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
                assert anchor in anchors, target


def test_every_reason_is_explained():
    """Of what is raised, planned and judged, for which the user finds a reason in status."""
    found = {reason for file in PACKAGE.rglob("*.py") for reason in reasons(file)}
    assert {"NameTaken", "WaitingForMesh", "CertificateExpired", "Rolling", "TlsNotInRelease"} <= found
    text = (DOCS / "troubleshooting.md").read_text()
    assert sorted(reason for reason in found if f"`{reason}`" not in text) == []


def reasons(file: Path) -> set[str]:
    """The first word in the call of something that holds a reason."""
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in HOLD_A_REASON
        if call.args and isinstance(call.args[0], ast.Constant)
    }


def test_what_the_architecture_names_is_there():
    text = (DOCS / "architecture.md").read_text()
    named = re.findall(r"`([a-z_]+(?:/[a-z_]+)+(?:\.py)?)`", text)
    assert {"rollout/gates.py", "status/conditions.py", "certificates/judge.py", "control/reconcile.py"} <= set(named)
    assert [name for name in named if not ((PACKAGE / name).exists() or (ROOT / name).exists())] == []
