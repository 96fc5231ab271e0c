"""The suites that need a Kubernetes, and what they tell, on tests that need none."""

from __future__ import annotations

import pytest

from tests import suites
from tests.suites import MOST_BY_CHANCE, Suite, last_words

ONCE = """
from pathlib import Path
def test_a():
    mark = Path(__file__).with_name("mark")
    before = mark.exists()
    mark.touch()
    assert before
"""
PASSES = "def test_b(): pass\n"
FAILS = "def test_c(): assert False\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(suites, "LOGS", tmp_path)
    monkeypatch.setattr(suites, "ROOT", tmp_path)

    def _run(text):
        (tmp_path / "test_it.py").write_text(text)
        suite = Suite("it", ("test_it.py",))
        suite.run()
        return suite

    return _run


@pytest.mark.parametrize(
    ("text", "passed", "told"),
    [
        (PASSES, True, "it passed"),
        (ONCE + PASSES, True, "it passed (1 AT THE SECOND TRY)"),
        (ONCE + FAILS, False, "it FAILED"),
        (FAILS, False, "it FAILED"),
        ("import nothing_of_this_name\n", False, "it FAILED"),
    ],
)
def test_a_suite_tells_how_it_ended(run, text, passed, told):
    suite = run(text)
    assert (suite.passed, suite.told()) == (passed, told)


def test_what_failed_at_first_is_told_though_it_passed_then(run):
    assert "assert before" in last_words(run(ONCE).log)


def test_what_passed_is_not_run_again(run):
    suite = run(ONCE + PASSES)
    assert (suite.done, "test_b" in suite.second_log.read_text()) == (1, False)


def test_many_failures_are_no_chance(run):
    suite = run("".join(f"def test_{n}(): assert False\n" for n in range(MOST_BY_CHANCE + 1)))
    assert (suite.passed, suite.second_log.exists()) == (False, False)
