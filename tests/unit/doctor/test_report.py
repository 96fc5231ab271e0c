"""What a person and a program are told."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import yaml
from rich.console import Console

from elixircluster.doctor.checks import ALL
from elixircluster.doctor.finding import examine
from elixircluster.doctor.report import as_json, exit_status, headline, report

from .factory import broken, condition, healthy


def another_cookie(told):
    told["cookie"]["digest"] = told["node"]["cookie"] = "bb"


def shown(facts) -> list[str]:
    screen = Console(file=io.StringIO(), width=1000)
    screen.print(*report(facts, examine(facts, ALL)), sep="\n")
    return screen.file.getvalue().splitlines()


def test_the_first_line_names_the_cause():
    lines = shown(broken(another_cookie, 1))
    assert lines[0] == "chat: the cookies differ: chat-1 has another cookie than its Secret"
    assert any(line.startswith("✗ Cookie") for line in lines)
    assert any(line.strip().startswith("fix: ") for line in lines)


def test_a_healthy_cluster_is_told_to_be_so():
    assert shown(healthy())[0] == "chat: nothing is wrong (24 checks passed, 1 skipped)"


def test_the_exit_status_tells():
    unseen = [replace(member, probe=None, unseen="forbidden") for member in healthy().members]
    for facts, status in ((healthy(), 0), (broken(another_cookie, 1), 1), (replace(healthy(), members=unseen), 2)):
        assert exit_status(facts, examine(facts, ALL)) == status


def test_where_nothing_could_be_looked_into_it_says_why():
    unseen = [replace(member, probe=None, unseen="pods/exec is forbidden") for member in healthy().members]
    facts = replace(healthy(), members=unseen)
    assert headline(facts, examine(facts, ALL)) == "chat: could not be examined: pods/exec is forbidden"


def test_what_the_operator_says_in_several_lines_is_one():
    facts = healthy()
    stalled = condition("Stalled", "True", "ApplyRefused", "first\nchat: nothing is wrong \x1b[2J")
    status = {"observedGeneration": 1, "conditions": [stalled]}
    lines = shown(replace(facts, resource={**facts.resource, "status": status}))
    assert lines[0].startswith("chat: refused: ApplyRefused: first chat: nothing is wrong \N{REPLACEMENT CHARACTER}[2J")
    assert not [line for line in lines if line.startswith("chat: nothing is wrong")]


def test_where_some_pods_could_not_be_looked_into_the_verdict_says_so():
    facts = healthy()
    members = [*facts.members[:2], replace(facts.members[2], probe=None, unseen="forbidden")]
    assert "nothing is wrong where it could be looked into" in shown(replace(facts, members=members))[0]


def test_programs_get_it_as_yaml_too():
    told = as_json(healthy(), examine(healthy(), ALL))
    assert yaml.safe_load(yaml.safe_dump(told)) == told


def test_programs_get_the_same_and_no_digest_of_a_cookie():
    facts = broken(another_cookie, 1)
    text = json.dumps(as_json(facts, examine(facts, ALL)))
    assert json.loads(text)["causes"] == ["cookie"]
    assert '"aa"' not in text
    assert '"bb"' not in text
