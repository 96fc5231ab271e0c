"""The port mapper: what it has to tell, and what a probe that is late says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from elixircluster.doctor.facts import Facts

from .factory import PORT, broken, failures, finding, healthy, pod
from .faults import encrypted


def mapped(change=lambda _told: None, *ordinals: int) -> Facts:
    def known(told):
        del told["flags"]["erl_epmd_port"]
        for peer in told["peers"].values():
            peer["epmd"] = {"names": [{"name": "chat", "port": PORT}]}

    facts = healthy()
    facts = replace(
        facts, members=[replace(item, pod=pod(n, "inet_tcp/6789/epmd/address")) for n, item in enumerate(facts.members)]
    )
    return broken(change, *ordinals, facts=broken(known, facts=facts))


def test_nodes_that_are_found_by_epmd_pass():
    assert failures(mapped()) == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "timeout"}, "chat-1 → chat-0:4369: timeout"),
        ({"names": []}, "chat-1 → chat-0:4369: epmd there knows no chat"),
    ],
)
def test_a_port_mapper_that_is_needed_and_does_not_tell_is_named(answer, words):
    facts = mapped(lambda told: told["peers"]["chat-0"].update(epmd=answer), 1)
    assert failures(facts) == ["port"]
    assert words in finding(facts, "port").verdict.evidence


def test_an_answer_that_the_probe_did_not_wait_for_says_nothing():
    def late(told):
        told["dns"]["service"] = {"error": "late"}
        told["peers"] = {key: {"error": "late"} for key in told["peers"]}
        told["node"] = {"error": "late"}

    assert failures(broken(late)) == []


@pytest.mark.parametrize("late", [{"error": "late"}, {"error": "crashed"}])
def test_a_whole_part_that_the_probe_did_not_wait_for_says_nothing(late):
    """Where even the parts of a part had no time, there was a word in place of the answers by pod."""

    def change(told):
        told |= {"dns": late, "peers": late, "epmd": late, "tls": late, "node": late}

    def inner(told):
        told["dns"] = {"service": late, "srv": late, "hosts": late}
        told["node"]["dials"] = told["node"]["said"] = late

    for facts in (broken(change), broken(inner), broken(change, facts=encrypted())):
        assert failures(facts) == []
