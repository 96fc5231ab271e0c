"""Inside of a node's pod."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import time

import pytest

from tests.cluster import binary

from .user import is_ready

LOOK_AROUND = """
id -u
touch /app/file 2>/dev/null || echo read-only
sed -n 's/^CapEff:\\t//p; s/^CapBnd:\\t//p; s/^NoNewPrivs:\\t//p' /proc/self/status
ls /var/run/secrets/kubernetes.io 2>/dev/null || echo no-token
"""
LOCKED_UP = ["65534", "read-only", "0000000000000000", "0000000000000000", "1", "no-token"]
QUIT_SHELL = b"\x1c"


@pytest.mark.parametrize("variant", ["chat", "chat-dnssrv"])
def test_rpc_answers_in_every_pod(examples, variant):
    example = examples[variant]
    for pod in example.namespace.pods(example.name):
        assert example.namespace.rpc(pod["metadata"]["name"], "IO.puts(6 * 7)").strip() == "42"


@pytest.mark.parametrize("variant", ["chat", "chat-dnssrv"])
def test_remote_opens_a_console_on_the_node_that_outlives_it(examples, variant):
    namespace, pod = examples[variant].namespace, f"{variant}-0"
    node = namespace.rpc(pod, "IO.puts(node())").strip()
    before = namespace.lives(variant)
    console = Console(namespace, pod)
    try:
        # Not what was typed, which the terminal shows as well.
        console.type(b"{node(), 6 * 7}\r")
        assert console.says(f'{{:"{node}", 42}}'), console.text()
        console.type(QUIT_SHELL)
        assert console.ends(), console.text()
    finally:
        console.close()
    assert namespace.rpc(pod, "IO.puts(node())").strip() == node
    assert namespace.lives(variant) == before


class Console:
    """`bin/chat remote` on a terminal."""

    def __init__(self, namespace, pod):
        self._ours, theirs = pty.openpty()
        command = [binary("kubectl"), "--kubeconfig", namespace.kubernetes.kubeconfig, "--namespace", namespace.name]
        command += ["exec", "-it", pod, "-c", "app", "--", "bin/chat", "remote"]
        self._process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)
        os.set_blocking(self._ours, False)
        self._said = b""
        assert self.says("iex("), self.text()

    def type(self, keys):
        os.write(self._ours, keys)

    def says(self, wanted, seconds=20):
        deadline = time.monotonic() + seconds
        while wanted not in self.text() and time.monotonic() < deadline:
            time.sleep(0.1)
        return wanted in self.text()

    def ends(self, seconds=20):
        deadline = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < deadline:
            self.text()
            time.sleep(0.1)
        return self._process.poll() is not None

    def text(self):
        try:
            while read := os.read(self._ours, 65536):
                self._said += read
        except OSError:  # nothing more for now, or nothing more at all
            pass
        return self._said.decode(errors="replace")

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


@pytest.mark.parametrize(("variant", "container"), [("chat", "app"), ("chat-sidecar", "transcript")])
def test_a_container_has_no_rights_no_token_and_a_root_that_cannot_be_written(examples, variant, container):
    namespace = examples[variant].namespace
    said = namespace.kubectl("exec", f"{variant}-0", "-c", container, "--", "sh", "-c", LOOK_AROUND).split()
    assert said == LOCKED_UP


def test_no_pod_of_any_example_has_a_service_account_token(examples):
    for example in examples.values():
        pods = example.namespace.pods(example.name)
        assert all(is_ready(pod) for pod in pods)
        assert "serviceAccountToken" not in json.dumps(pods)
