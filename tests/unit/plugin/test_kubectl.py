"""How kubectl is called: what it prints, what it watches, and what becomes of it on a system without exec."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time

import pytest

from elixircluster.plugin import changes
from elixircluster.plugin.kubectl import Kubectl, KubectlError
from elixircluster.plugin.logs import Log, Wanted
from elixircluster.plugin.plain import plain, plain_line
from elixircluster.plugin.target import GLOBAL
from tests.unit.plugin.resources import resource


@pytest.fixture
def kubectl(tmp_path, monkeypatch):
    """Puts a program in the place of kubectl, and returns how to call it."""

    def put(body):
        program = tmp_path / "kubectl"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
        return Kubectl()

    return put


def event(body, kind="MODIFIED"):
    return json.dumps({"type": kind, "object": body})


def rolling():
    return resource(Ready=("False", "Rolling", "replacing pod chat-0, 1 to go"))


def test_who_waits_with_a_timeout_is_told_in_time_that_the_work_goes_on(kubectl):
    seen = kubectl(f"echo '{event(rolling())}'; exec sleep 30")
    began = time.monotonic()
    with pytest.raises(KubectlError, match=r"not done after 0\.3 s, and the operator goes on: 3 of 3 new: replacing"):
        changes.wait(seen, "chat", changes.rollout, 0.3)
    assert time.monotonic() - began < 10


def test_a_watch_that_the_server_ends_with_an_error_is_begun_anew(kubectl, tmp_path, monkeypatch):
    monkeypatch.setattr("elixircluster.plugin.kubectl.PAUSE_SECONDS", 0.0)
    gone, done = event({"code": 410}, "ERROR"), event(resource())
    seen = kubectl(f"if [ -e {tmp_path}/again ]; then echo '{done}'; else touch {tmp_path}/again; echo '{gone}'; fi")
    changes.wait(seen, "chat", changes.rollout, 10)


def test_what_kubectl_says_at_length_does_not_block_it(tmp_path, kubectl):
    kubectl(f"head -c 100000 /dev/zero | tr '\\0' 'x' >&2; echo '{event(resource())}'; sleep 1")
    (seen,) = [body for body, _ in zip(Kubectl({"v": "9"}).watch("x", seconds=20), range(1), strict=False)]
    assert seen["metadata"]["name"] == "chat"


def test_a_kubectl_that_would_ask_for_a_password_fails_in_place_of_waiting(kubectl):
    """Its question is in a pipe, where nobody sees it."""
    seen = kubectl("read -r name || { echo 'error: EOF' >&2; exit 1; }")
    with pytest.raises(KubectlError, match="EOF"):
        seen.text("get", "pods")
    with seen.start("get", "pods") as process:
        assert process.wait(10) == 1


@pytest.mark.skipif(not shutil.which("kubectl"), reason="needs kubectl")
def test_every_option_that_is_passed_on_is_one_of_kubectls_own():
    known = subprocess.run(["kubectl", "options"], capture_output=True, text=True, check=True).stdout
    for row in GLOBAL:
        assert re.search(rf"(?m)^ +{f'-{row.short}, ' if row.short else ''}--{row.name}=", known), row.name


def test_a_system_without_exec_keeps_the_prompt_until_kubectl_has_ended(kubectl, monkeypatch, capfd):
    seen = kubectl("echo ran; exit 3")
    monkeypatch.setattr("elixircluster.plugin.kubectl.os.name", "nt")
    with pytest.raises(SystemExit) as left:
        seen.become("exec", "chat-0")
    assert left.value.code == 3
    assert capfd.readouterr().out == "ran\n"


def test_a_log_that_is_no_text_is_shown_as_far_as_it_is_one(kubectl):
    log = Log.of(kubectl(r"printf 'a\377b\nc\fd\n'"), "chat-0", Wanted())
    assert log.lines == ["a\N{REPLACEMENT CHARACTER}b", "c\fd"]


def test_a_pod_without_a_log_says_why_and_the_others_are_shown(kubectl):
    seen = kubectl("""
case "$*" in
*chat-1*) echo 'Error from server (BadRequest): previous terminated container "app" not found' >&2; exit 1 ;;
*) echo "$*" ;;
esac
""")
    wanted = Wanted("sidecar", ["--previous"])
    assert Log.of(seen, "chat-0", wanted).lines == ["logs chat-0 -c sidecar --previous"]
    assert "not found" in str(Log.of(seen, "chat-1", wanted).error)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ünïcode and 日本語\tstay\n", "plain, ünïcode and 日本語\tstay\n"),
        ("\x1b[2J", "\ufffd[2J"),
        ("\x9b2J\x07\x08\x7f\r", "\ufffd2J\ufffd\ufffd\ufffd\ufffd"),
        ("a\u202eb\u2028c\ud800", "a\ufffdb\ufffdc\ufffd"),
    ],
)
def test_what_does_more_than_show_is_replaced(text, shown):
    assert plain(text) == shown


def test_a_line_is_a_line():
    assert plain_line("one\n\ttwo \x1b") == "one two \ufffd"
