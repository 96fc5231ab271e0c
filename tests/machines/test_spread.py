"""Nodes are spread over the machines, and a drain takes one of them at a time."""

from __future__ import annotations

import threading

from tests.e2e.user import comes_true, together

from .stage import NAME, NODES, OPERATORS, Watch, machine_of


def test_each_machine_has_one_node_and_the_operator_two_machines(whole):
    assert {machine: len(whole.on(machine)) for machine in whole.machines()} == dict.fromkeys(whole.machines(), 1)
    assert len({machine_of(pod) for pod in whole.release.pods()}) == OPERATORS


def test_two_drains_at_once_take_one_node_at_a_time(whole, report):
    drained, counts, over = whole.machines()[:2], [], threading.Event()

    def count():
        while not over.wait(0.3):
            counts.append(whole.ready_members())

    counter = threading.Thread(target=count)
    counter.start()
    watch = Watch.started()
    try:
        together(*(lambda machine=machine: drain(whole, machine) for machine in drained))
        report.add("two machines drained at once", "drained", watch.seconds)
        assert [whole.on(machine) for machine in drained] == [[], []]
        report.add("two machines drained at once", "whole again", watch.until(whole.is_whole, 120, "whole again"))
    finally:
        over.set()
        counter.join()
        whole.kubernetes.kubectl("uncordon", *drained)
    assert min(counts) == NODES - 1
    assert whole.namespace.connected(NAME, NODES)
    assert comes_true(lambda: whole.leader_machine() not in drained, 30)


def drain(stage, machine):
    stage.kubernetes.kubectl("drain", machine, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=180s")
