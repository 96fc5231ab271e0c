"""Whatever happens to `up`, `down` leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import cluster, standin
from tests.cluster import images, processes
from tests.cluster.layout import REPOSITORY, Layout, known_names
from tests.cluster.provider import choose

pytestmark = pytest.mark.cluster

NAME = "self-killed"


def leftovers(layout):
    """Everything that is still there of a cluster, in words."""
    found = [f"process {pid}" for pid in processes.members(layout)]
    found += [f"cgroup {path}" for path in processes.cgroups(layout.cgroup)]
    found += [f"files {layout.run}"] if layout.run.exists() else []
    found += [
        f"mount {line}" for line in Path("/proc/self/mounts").read_text().splitlines() if layout.full_name in line
    ]
    return found


def traces():
    """Places where a container runtime leaves things on the machine itself."""
    patterns = ("run/netns/cni-*", "run/containerd/**/*", "var/lib/cni/**/*", "var/lib/kubelet/**/*", "var/log/pods/*")
    return {str(path) for pattern in patterns for path in Path("/").glob(pattern)}


def command(*arguments):
    return [sys.executable, "-m", "tests.cluster", *arguments, "--name", NAME]


@pytest.fixture
def layout(embedded_only):
    layout = Layout(NAME)
    yield layout
    subprocess.run(command("down"), cwd=REPOSITORY, check=True)


def kill_up_when(layout, component):
    """Start `up`, and kill it as soon as one component is there."""
    up = subprocess.Popen(command("up"), cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (layout.pid_files / component).exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(up.pid, signal.SIGKILL)
    up.wait()


def test_down_leaves_nothing_of_a_cluster_with_pods(layout):
    before = traces()
    running = cluster.up(NAME)
    running.load(images.busybox())
    running.kubectl(
        "create", "deployment", "d", f"--image={images.BUSYBOX_IMAGE}", "--replicas=5", "--", "sleep", "999"
    )
    running.kubectl("rollout", "status", "deployment", "d", "--timeout=60s")
    inside = subprocess.Popen(running.run_inside(["sleep", "1000"]))
    assert len(list(processes.members(layout))) > 20
    running.down()
    assert leftovers(layout) == []
    assert traces() == before
    assert NAME not in known_names()
    assert inside.wait(5) == -signal.SIGKILL


@pytest.mark.parametrize("component", ["holder", "apiserver", "kubelet"])
def test_down_cleans_up_after_an_up_that_was_killed(layout, component):
    kill_up_when(layout, component)
    assert leftovers(layout)
    subprocess.run(command("down"), cwd=REPOSITORY, check=True)
    assert leftovers(layout) == []


def test_an_unfinished_cluster_stays_an_embedded_one_where_kind_is_to_be_had(layout, tmp_path, monkeypatch):
    """It was taken for one of kind, which had nothing to delete, and its processes stayed."""
    kill_up_when(layout, "apiserver")
    standin.install(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert choose("another").kind == "kind"
    subprocess.run(command("down"), cwd=REPOSITORY, check=True)
    assert leftovers(layout) == []


def test_the_next_up_begins_anew_after_one_that_was_killed(layout):
    kill_up_when(layout, "scheduler")
    done = subprocess.run(command("up"), cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(layout.kubeconfig)
    assert "node0" in cluster.get(NAME).kubectl("get", "nodes")


def test_up_starts_again_what_died(layout):
    running = cluster.up(NAME)
    running.kubectl("create", "configmap", "kept")
    processes.kill([running.pids()["etcd"], running.pids()["forwarder"]])
    again = cluster.up(NAME)
    assert again.pids().keys() >= {"etcd", "forwarder"}
    assert "kept" in again.kubectl("get", "configmaps", "-o", "name")
