"""A pod that goes serves on until nobody sends it anything, and its node stops whatever process 1 is."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from elixircluster.render.shutdown import TELL_EVERY_BEAM
from tests.unit.factory import children, cluster, container

TELL = {"exec": {"command": ["/bin/sh", "-c", TELL_EVERY_BEAM]}}


def waits(seconds):
    return {"exec": {"command": ["/bin/sh", "-c", f"sleep {seconds}\n{TELL_EVERY_BEAM}"]}}


# Bandit closes its listener at SIGTERM, before endpoints follow: requests were lost in every update.
HOOKS = {
    "nobody sends it anything": ({}, TELL, 55),
    "web": ({"web": {}}, waits(5), 60),
    "longer": ({"web": {}, "shutdown": {"preStopSeconds": 20}}, waits(20), 75),
    "at once": ({"web": {}, "shutdown": {"preStopSeconds": 0}}, TELL, 55),
    "asked for without web": ({"shutdown": {"preStopSeconds": 3}}, waits(3), 58),
    "all of it": ({"web": {}, "shutdown": {"gracePeriodSeconds": 600}}, waits(5), 600),
    "by Kubernetes": ({"web": {}, "shutdown": {"hook": "Sleep"}}, {"sleep": {"seconds": 5}}, 60),
    "by Kubernetes, at once": ({"shutdown": {"hook": "Sleep"}}, None, 55),
}


@pytest.mark.parametrize("runtime", ["Mix", "Relx", "Gleam", "Erl"])
@pytest.mark.parametrize(("spec", "hook", "seconds"), HOOKS.values(), ids=HOOKS)
def test_a_pod_serves_on_before_its_node_is_told_to_stop(spec, hook, seconds, runtime):
    resource = cluster(runtime=runtime, **spec)
    assert container(resource).get("lifecycle") == (hook and {"preStop": hook})
    template = children(resource)["StatefulSet"]["spec"]["template"]["spec"]
    assert template["terminationGracePeriodSeconds"] == seconds


@pytest.fixture
def hook(tmp_path):
    """The hook, with a folder in the place of /proc, so that no other BEAM of this machine hears of it."""
    processes = tmp_path / "proc"
    processes.mkdir()
    script = TELL_EVERY_BEAM.replace("/proc", str(processes)).replace("sleep 5", "sleep 0.2")
    started, watchers = [], []

    def start(name, text):
        """A shell that the kernel calls by this name."""
        program = tmp_path / name
        if not program.exists():
            program.symlink_to("/bin/sh")
        process = subprocess.Popen([program, "-c", text], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"up\n"
        (processes / str(process.pid)).symlink_to(f"/proc/{process.pid}")
        started.append(process)
        return process

    def run():
        """It ends at once, and what it leaves behind goes on."""
        ended = subprocess.run(["/bin/sh", "-c", f"{script}echo $!"], capture_output=True, timeout=5, check=True)
        watchers.append(int(ended.stdout))

    yield start, run
    for watcher in watchers:
        os.kill(watcher, signal.SIGKILL)
    for process in started:
        process.kill()
        process.wait()


NODE = "echo up; while :; do sleep 0.05; done"
BOOTING = f"trap 'trap - TERM' TERM; {NODE}"


# Each pod of `sh -c "migrate && start"` took 62 s to stop: a shell as process 1 ignores SIGTERM.
def test_every_beam_is_told_to_stop_also_one_that_comes_later_and_nothing_else(hook):
    start, run = hook
    node, other = start("beam.smp", NODE), start("epmd", NODE)
    run()
    assert node.wait(5) == -signal.SIGTERM
    assert start("beam.smp", NODE).wait(5) == -signal.SIGTERM
    assert other.poll() is None


# The BEAM loses a signal that comes early in its boot: such a pod took 57 s.
def test_a_beam_that_did_not_hear_of_it_is_told_again(hook):
    start, run = hook
    node = start("beam.debug.smp", BOOTING)
    run()
    assert node.wait(5) == -signal.SIGTERM
