"""What was not looked into is not ticked."""

from __future__ import annotations

from dataclasses import replace

from elixircluster.doctor.checks import ALL
from elixircluster.doctor.facts import Member
from elixircluster.doctor.finding import examine
from elixircluster.doctor.probe import Probe, parse

from .factory import failures, finding, healthy, node, pod

OF_THE_API = {"resource", "pods", "restarts", "ready", "policy", "stranger"}


def test_of_pods_that_told_nothing_nothing_is_ticked():
    facts = healthy()
    silent = [replace(member, probe=None, unseen="forbidden") for member in facts.members]
    hardly = [replace(item, probe=Probe({"time": 0, "flags": {"name": [node(n)]}})) for n, item in enumerate(silent)]
    for members in (silent, hardly):
        states = {item.check: item.verdict for item in examine(replace(facts, members=members), ALL)}
        ticked = {check for check, verdict in states.items() if verdict.state == "passed"} - OF_THE_API
        # The operator looked at the mesh, and says so; of the names and flags the command line was told, and no more.
        assert ticked <= {"mesh", "name", "flags", "epmd", "clock", "machines"}, ticked
        if members is silent:
            assert ticked == {"mesh"}
            assert states["mesh"].said == "the operator says: "


def test_what_was_seen_in_some_pods_only_says_in_how_many():
    facts = healthy()
    members = [*facts.members[:2], replace(facts.members[2], probe=None, unseen="forbidden")]
    said = {item.check: item.verdict.said for item in examine(replace(facts, members=members), ALL)}
    for check in ("name", "flags", "cookie", "port", "mesh", "versions"):
        assert said[check].endswith("(seen in 2 of 3 pods)"), check


def test_strangers_that_nobody_sent_are_not_said_to_be_kept_out():
    facts = replace(healthy(), knocks={})
    assert finding(facts, "stranger").verdict.state == "skipped"


def test_a_node_alone_has_no_ways_between_pods():
    facts = healthy(1)
    states = {item.check: item.verdict.state for item in examine(facts, ALL)}
    assert states["port"] == states["clock"] == "skipped"
    assert failures(facts) == []


def test_what_a_node_says_cannot_steer_the_terminal():
    told = parse('{"doctor":{"flags":{"name":["chat\\u001b[2J@x"]}}}')
    member = Member(pod(0), Probe(told))
    assert "\x1b" not in str(member.probe)
