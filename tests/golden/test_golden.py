"""What is rendered is what was agreed on."""

from __future__ import annotations

import difflib

import pytest

from tests.golden import ENDING, FOLDER, golden, names, rendered


@pytest.mark.parametrize("name", names())
def test_what_is_rendered_is_what_was_agreed_on(name):
    before = golden(name).read_text() if golden(name).exists() else ""
    after = rendered(name)
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), golden(name).name, "rendered now", lineterm="")
    if before != after:
        pytest.fail("\n".join([*diff, "", "If this is meant: python -m tests.golden"]), pytrace=False)


def test_every_golden_file_has_its_resource():
    assert {path.name.removesuffix(ENDING) for path in FOLDER.glob(f"*{ENDING}")} == set(names())
