"""Each cause is named, and nothing that only follows from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from elixircluster.doctor.checks import ALL
from elixircluster.doctor.finding import examine

from .factory import broken, failures, finding, healthy, node
from .faults import alone, another_cookie, elsewhere, shut, unanswered


def test_a_healthy_cluster_passes_every_check_that_applies():
    states = {item.check: item.verdict.state for item in examine(healthy(), ALL)}
    assert {check for check, state in states.items() if state != "passed"} == {"tls"}


def test_what_is_checked_later_depends_on_what_was_checked_before():
    seen = set()
    for check in ALL:
        assert set(check.after) <= seen, check.key
        seen.add(check.key)


def renamed(told):
    alone(told)
    told["flags"]["name"] = ["other@10.0.0.2"]


def twice(told):
    alone(told)
    told["flags"]["erl_epmd_port"] = ["6789", "6789"]
    told["listens"] = [4000, 40123]
    told["repeated"] = [{"flag": "-erl_epmd_port", "count": 2, "sources": ["ERL_AFLAGS"]}]


def with_epmd(told):
    alone(told)
    del told["flags"]["erl_epmd_port"]
    told["listens"] = [4000, 4369, 40123]


def deaf(told):
    alone(told)
    told["listens"] = [4000]


def stopped(told):
    told["state"] = ["T"]
    told["node"] = {"error": "timeout"}


def changed(told):
    told["node"] = {"error": "refused"}


def newline(told):
    told["cookie"]["newline"] = True


def full(told):
    told["node"]["said"]["ports"] = 65000


def booting(told):
    told["node"]["said"] |= {"boot": ["starting", "applications_loaded"], "starting": ["chat"]}


def configuring(told):
    told["node"]["said"] |= {"boot": ["starting", "applications_loaded"]}


def starved(told):
    told["limits"]["memory"] = "99000"


def old(told):
    told["node"]["said"]["otp"] = "21"


@pytest.mark.parametrize(
    ("change", "cause", "words"),
    [
        (another_cookie, "cookie", "chat-1 has another cookie than its Secret"),
        (newline, "cookie", "newline"),
        (renamed, "name", "chat-1 runs as other@10.0.0.2, and should as chat@10.0.0.2"),
        (twice, "flags", "chat-1: -erl_epmd_port 2 times, from ERL_AFLAGS and the image"),
        (with_epmd, "epmd", "chat-1 is to be found by epmd"),
        (deaf, "port", "chat-1 listens on 4000, and not on 6789"),
        (shut, "port", "chat-1 → chat-0:6789: etimedout"),
        (unanswered, "dns", "chat-1 asks for chat-nodes.default.svc.cluster.local: timeout"),
        (elsewhere, "discovery", "asks for other-nodes, not chat-nodes.default.svc.cluster.local."),
        (stopped, "frozen", "chat-1's node is stopped"),
        (changed, "oneself", "chat-1 refuses a connection with its own cookie"),
        (booting, "booted", "chat-1's virtual machine runs, and its release has not booted: it is starting chat"),
        (configuring, "booted", "it has not come to its first application (runtime.exs?)"),
        (full, "ports", "chat-1 has 65000 of 65536 ports open"),
        (starved, "resources", "chat-1 uses"),
        (old, "versions", "21 (chat-1), 25 (chat-0, chat-2)"),
        (alone, "mesh", f"{node(1)} does not see {node(0)}, {node(2)}"),
    ],
)
def test_a_cause_on_one_node_is_named_alone(change, cause, words):
    facts = broken(change, 1)
    assert failures(facts) == [cause]
    verdict = finding(facts, cause).verdict
    assert any(words in line for line in verdict.evidence)
    assert verdict.fix


def test_what_follows_from_a_cause_is_skipped_because_of_it():
    assert finding(broken(with_epmd, 1), "port").verdict.said == "because of: port mapper"


def test_a_clock_that_differs_is_named_before_the_certificates_that_it_spoils():
    facts = healthy()
    ahead = replace(facts.members[1], probe=replace(facts.members[1].probe, offset=86400.0, uncertainty=1.0))
    assert failures(replace(facts, members=[facts.members[0], ahead, facts.members[2]])) == ["clock"]


def test_strangers_that_get_in_are_told_and_keep_nobody_apart():
    facts = replace(healthy(), knocks={"10.0.0.1": "open"})
    assert failures(facts) == ["stranger"]
    allowed = {**facts.resource, "spec": {"networkPolicy": {"mode": "Disabled"}}}
    assert failures(replace(facts, resource=allowed)) == []


def test_nodes_that_nobody_asks_to_connect_are_told_what_is_missing():
    def unasked(told):
        told["node"]["said"]["visible"] = []
        told["libraries"] = []

    assert "strategy Static" in finding(broken(unasked), "mesh").verdict.fix
