"""The question that goes into a pod, and the answer that comes out."""

from __future__ import annotations

import subprocess
from importlib.resources import files

import pytest

from elixircluster.doctor.probe import Peer, UnfitError, parse, question


def test_a_question_is_one_erlang_term():
    peer = Peer("chat-1", "10.0.0.2", 6789, "chat@10.0.0.2")
    asked = question("chat-nodes.default.svc.cluster.local.", "inet", [peer], "5a17")
    assert asked.endswith("}.\n")
    assert 'peers=>[#{pod=>"chat-1",address=>"10.0.0.2",port=>6789,host=>"10.0.0.2",node=>"chat@10.0.0.2"}]' in asked


def test_an_answer_is_found_among_what_else_is_said():
    assert parse('a warning\n{"doctor":{"listens":[6789]}}\n') == {"listens": [6789]}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('{"doctor":{"unfit":"the image has no readlink"}}', "no readlink"),
        ("", "did not answer"),
    ],
)
def test_a_pod_that_cannot_be_looked_into_says_why(said, why):
    with pytest.raises(UnfitError, match=why):
        parse(said)


@pytest.mark.parametrize("script", ["probe.sh", "stranger.sh"])
def test_the_scripts_are_for_any_shell(script):
    done = subprocess.run(
        ["sh", "-n", str(files("elixircluster.doctor") / script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
