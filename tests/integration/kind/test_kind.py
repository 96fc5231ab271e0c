"""Clusters of kind, in each state that their machines can be in."""

import re
from dataclasses import replace

import pytest
import yaml
from click.testing import CliRunner

from tests import cluster
from tests.cluster import UnsupportedError, cli, get, kind
from tests.cluster.fault import Faults
from tests.cluster.kind import IMAGE_VARIABLE, configuration
from tests.cluster.provider import choose, known_names
from tests.cluster.state import read_state
from tests.standin.engine import NO_DAEMON, DaemonError

from .conftest import NAME

CONTROL_PLANE, WORKER, OTHER = MACHINES = [
    f"elixircluster-{NAME}-{role}" for role in ("control-plane", "worker", "worker2")
]
ALL_WELL = dict.fromkeys(MACHINES, "running, Ready")


def cut(docker, name):
    docker.disconnect("kind", name)


def paused_and_cut(docker, name):
    docker.pause(name)
    cut(docker, name)


def stopped_and_cut(docker, name):
    docker.kill(name)
    cut(docker, name)


# What befalls a machine, and how `status` tells it.
MISFORTUNES = {
    "stopped": (lambda docker, name: docker.kill(name), "exited"),
    "paused": (lambda docker, name: docker.pause(name), "paused"),
    "cut off": (cut, "running, cut off from the network"),
    "paused and cut off": (paused_and_cut, "paused, cut off from the network"),
    "stopped and cut off": (stopped_and_cut, "exited, cut off from the network"),
}
misfortunes = pytest.mark.parametrize("misfortune", MISFORTUNES)


def befall(laptop, misfortune, *machines):
    for machine in machines:
        MISFORTUNES[misfortune][0](laptop.docker, machine)


def invoke(*arguments):
    return CliRunner().invoke(cli.main, [*arguments, "--name", NAME])


def test_up_makes_the_machines_of_kind_config_where_nothing_is(laptop, capsys):
    """And says what kind begins with: pulling an image takes minutes in which nothing was said."""
    up = laptop.up()
    assert up.parts() == ALL_WELL
    assert yaml.safe_load(up.kubeconfig.read_text())["current-context"] == f"kind-elixircluster-{NAME}"
    assert re.search(r"kind: Ensuring node image \(kindest/node:v[\d.]+\)", capsys.readouterr().err)


def test_a_second_up_finds_it(running):
    before = [running.machine(name) for name in MACHINES]
    running.up()
    after = [running.machine(name) for name in MACHINES]
    assert [replace(machine, renewals=0) for machine in after] == [replace(machine, renewals=0) for machine in before]


@misfortunes
def test_up_brings_back_what_has_gone(running, misfortune):
    """It failed as soon as a machine was stopped, which a reboot does to all of them."""
    befall(running, misfortune, *MACHINES)
    running.kubernetes.forget()
    running.up()
    assert running.is_well


def test_up_brings_back_machines_to_each_of_which_something_else_happened(running):
    befall(running, "stopped", CONTROL_PLANE)
    befall(running, "paused", WORKER)
    befall(running, "cut off", OTHER)
    running.up()
    assert running.is_well


def test_status_tells_each_machines_state(running):
    befall(running, "paused", WORKER)
    befall(running, "stopped and cut off", OTHER)
    assert running.kind().parts() == ALL_WELL | {WORKER: "paused", OTHER: "exited, cut off from the network"}


def test_status_tells_who_is_not_ready(running):
    mute(running, WORKER)
    running.kubernetes.forget()
    how = running.kind().parts()[WORKER]
    assert how == "running, is not Ready: Kubelet stopped posting node status."


def test_status_tells_that_kubernetes_does_not_answer(running):
    running.docker.kill(CONTROL_PLANE)
    assert "running, but Kubernetes does not answer" in running.kind().parts()[WORKER]


def mute(laptop, name):
    machine = laptop.machine(name)
    machine.kubelet_works = False
    laptop.docker.save(machine)


def test_up_names_who_does_not_become_ready(running, monkeypatch):
    monkeypatch.setattr(kind, "READY_SECONDS", 0)
    mute(running, WORKER)
    running.kubernetes.forget()
    with pytest.raises(RuntimeError, match=f"not well after 0 s: {WORKER} is not Ready: Kubelet stopped posting"):
        running.up()


def test_up_does_not_believe_that_a_machine_is_ready_until_it_was_heard_of_again(running, monkeypatch):
    """What was stopped is still Ready in etcd when the control plane starts again."""
    monkeypatch.setattr(kind, "READY_SECONDS", 0.5)
    running.docker.kill(WORKER)
    mute(running, WORKER)
    with pytest.raises(RuntimeError, match=f"{WORKER} has not been heard of since"):
        running.up()


def test_a_machine_that_comes_back_with_another_address_is_started_again(running):
    """Docker gives the lowest free one, and kubelets know their own from their start."""
    before = running.machine(WORKER).networks["kind"], running.machine(OTHER).networks["kind"]
    faults = Faults(running.kind(), pytest.fail)
    for name in (WORKER, OTHER):
        faults.machine_cut(name)
    for name in sorted((WORKER, OTHER), key=lambda name: before[(WORKER, OTHER).index(name)], reverse=True):
        faults.machine_back(name)
    assert (running.machine(OTHER).networks["kind"], running.machine(WORKER).networks["kind"]) == before
    assert running.is_well


@pytest.mark.parametrize(("fault", "told"), [("cut", "cut off"), ("kill", "stopped"), ("freeze", "paused")])
def test_a_machine_has_the_faults_of_an_embedded_ones_and_comes_back(running, fault, told):
    assert invoke("fault", f"machine-{fault}", WORKER).exit_code == 0
    assert running.kind().parts()[WORKER] == MISFORTUNES[told][1]
    assert invoke("fault", "machine-back", WORKER).exit_code == 0
    assert running.is_well


def test_back_leaves_a_machine_alone_that_is_well(running):
    before = running.machine(WORKER)
    Faults(running.kind(), pytest.fail).machine_back(WORKER)
    assert running.machine(WORKER) == before


def test_a_machine_that_is_not_there_is_named_with_those_that_are(running):
    result = invoke("fault", "machine-kill", "node1")
    assert result.exit_code == 1
    assert f"machine 'node1': cluster {NAME} has {', '.join(MACHINES)}" in result.output


def test_faults_of_pods_are_not_to_be_had(running):
    with pytest.raises(UnsupportedError, match="embedded"):
        Faults(running.kind(), pytest.fail).freeze("chat-0")


def unfinished(laptop):
    laptop.layout.state.unlink()


def half_created(laptop):
    unfinished(laptop)
    for name in MACHINES:
        machine = laptop.machine(name)
        machine.state, machine.networks = "created", {}
        laptop.docker.save(machine)


def machine_removed(laptop):
    laptop.docker.remove(OTHER)


def all_removed(laptop):
    for name in MACHINES:
        laptop.docker.remove(name)


@pytest.mark.parametrize("left", [unfinished, half_created, machine_removed, all_removed])
def test_up_begins_anew_where_the_cluster_is_not_whole(running, left):
    for name in MACHINES:
        machine = running.machine(name)
        machine.loaded.append("before")
        running.docker.save(machine)
    left(running)
    running.up()
    assert running.is_well
    assert [each.loaded for each in running.docker.containers()] == [[], [], []]


@pytest.mark.parametrize("left", [half_created, all_removed])
def test_down_leaves_nothing_of_what_is_not_whole(running, left):
    left(running)
    assert invoke("down").exit_code == 0
    assert (running.states(), running.layout.run.exists(), known_names()) == ({}, False, [])


def test_down_leaves_nothing_and_can_be_called_again(running):
    befall(running, "paused and cut off", WORKER)
    befall(running, "stopped", OTHER)
    for _ in range(2):
        running.kind().down()
        assert (running.states(), running.layout.run.exists()) == ({}, False)


def test_a_cluster_whose_files_have_gone_is_known_and_can_go(running):
    """A reboot clears /tmp, and Docker's containers stay."""
    for file in running.layout.run.iterdir():
        file.unlink()
    running.layout.run.rmdir()
    assert known_names() == [NAME]
    assert invoke("down").exit_code == 0
    assert (running.states(), known_names()) == ({}, [])


COMMANDS = [("up",), ("down",), ("status",), ("load", __file__), ("fault", "machine-kill", WORKER), ("logs", "kubelet")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_docker_each_command_says_so_and_loses_nothing(running, command):
    before = running.states()
    running.docker.stop_daemon()
    result = invoke(*command)
    assert result.exit_code == 1
    assert NO_DAEMON in result.output
    assert (running.states(), bool(read_state(running.layout))) == (before, True)


def test_without_kind_on_path_it_is_told(running):
    (running.folder / "bin" / "kind").unlink()
    result = invoke("down")
    assert (result.exit_code, result.output) == (1, "Error: kind is not on PATH\n")
    assert len(running.states()) == len(MACHINES)


@pytest.fixture
def archive(tmp_path):
    file = tmp_path / "image.tar"
    file.write_bytes(b"")
    return file


@pytest.mark.parametrize(("nodes", "expected"), [(None, MACHINES), ([WORKER], [WORKER])])
def test_images_are_loaded_on_all_machines_or_on_those_that_are_named(running, archive, nodes, expected):
    get(NAME).load(archive, nodes=nodes)
    assert [name for name in MACHINES if running.machine(name).loaded == [str(archive)]] == expected


@pytest.mark.parametrize(("misfortune", "why"), [("stopped", "is not running"), ("paused", "is paused")])
def test_an_image_is_not_silently_left_out_on_a_machine_that_does_not_run(running, archive, misfortune, why):
    befall(running, misfortune, WORKER)
    with pytest.raises(RuntimeError, match=f"Error response from daemon: .* {why}"):
        get(NAME).load(archive)


def test_an_unknown_machine_gets_no_image(running, archive):
    result = invoke("load", "--node", "node7", str(archive))
    assert result.exit_code == 1
    assert "unknown node: node7" in result.output


def test_the_node_image_is_the_one_that_is_named(laptop):
    laptop.kind(**{IMAGE_VARIABLE: "kindest/node:v1.34.0"}).up(dns_ttl=30)
    assert {each.image for each in laptop.docker.containers()} == {"kindest/node:v1.34.0"}


def test_another_kubernetes_is_one_of_a_node_image(laptop):
    with pytest.raises(UnsupportedError, match=IMAGE_VARIABLE):
        laptop.up(kubernetes="1.34")


def test_a_node_image_that_cannot_be_had_is_told_and_leaves_nothing(laptop):
    with pytest.raises(RuntimeError, match=r'failed to pull image "mine:1"[^$]*manifest unknown'):
        laptop.kind(**{IMAGE_VARIABLE: "mine:1"}).up(dns_ttl=30)
    assert laptop.states() == {}
    laptop.up()
    assert laptop.is_well


@pytest.mark.parametrize(
    ("environment", "options", "what"),
    [
        ({IMAGE_VARIABLE: "kindest/node:v1.34.0"}, {}, "another node image"),
        ({}, {"ip_family": "IPv6"}, "another address family"),
        ({}, {"nodes": 3}, "fewer than 3 machines for pods"),
    ],
)
def test_a_cluster_of_another_shape_is_not_taken_for_it(running, environment, options, what):
    with pytest.raises(RuntimeError, match=f"is up with {what}; take it down"):
        running.kind(**environment).up(dns_ttl=30, **options)


@pytest.mark.parametrize(("nodes", "expected"), [(1, 2), (2, 2), (3, 3)])
def test_there_are_as_many_workers_as_machines_are_asked_for(nodes, expected):
    roles = [node["role"] for node in configuration("IPv4", nodes)["nodes"]]
    assert roles == ["control-plane", *["worker"] * expected]


def test_more_machines_and_another_address_family_reach_kind(laptop):
    laptop.up(nodes=4, ip_family="IPv6")
    assert len(laptop.states()) == 5
    config = yaml.safe_load((laptop.layout.run / "kind-config.yaml").read_text())
    assert config["networking"] == {"ipFamily": "ipv6"}


def test_dns_answers_are_kept_as_long_as_asked_for(running):
    running.up(dns_ttl=5)
    assert re.findall(r"\b(ttl|cache) (\d+)", running.kubernetes.corefile) == [("ttl", "5"), ("cache", "5")]
    assert running.kubernetes.restarts == 1
    running.up(dns_ttl=5)
    assert running.kubernetes.restarts == 1


def test_a_components_log_is_found_among_the_exported_ones(running):
    assert running.kind().log("kubelet").read_text() == f"kubelet.log of {CONTROL_PLANE}\n"
    with pytest.raises(UnsupportedError, match="no log of nothing"):
        running.kind().log("nothing")


def test_status_on_the_command_line(running):
    result = invoke("status")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-3:] == [f"{name}\trunning, Ready" for name in MACHINES]


def test_status_of_what_is_not_there_fails(laptop):
    result = invoke("status")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"nothing of cluster {NAME} runs here" in result.output


def test_a_cluster_of_kind_stays_one(running):
    assert choose(NAME, {}).kind == "kind"
    running.docker.stop_daemon()
    assert choose(NAME, {}).kind == "kind"


def test_it_is_told_that_docker_is_why_the_cluster_is_not_of_kind(laptop, monkeypatch, capsys):
    """Ten minutes of compiling begin, where Docker only had to be started."""
    laptop.docker.stop_daemon()
    monkeypatch.setattr("tests.cluster.embedded.os.geteuid", lambda: 1000)
    with pytest.raises(PermissionError):
        cluster.up(NAME)
    assert NO_DAEMON in " ".join(capsys.readouterr().err.split())


@misfortunes
def test_docker_refuses_what_the_real_one_refuses(running, misfortune):
    """Or a call of ours would be proved that the real one does not take."""
    befall(running, misfortune, WORKER)
    docker, state = running.docker, running.machine(WORKER).state
    refused = {"exited": ["kill", "pause", "unpause"], "paused": ["start", "pause"], "running": ["unpause"]}[state]
    for name in refused:
        with pytest.raises(DaemonError):
            getattr(docker, name)(WORKER)
