"""A machine is lost, with the operator's leader on it or without: the others go on, and it comes back."""

from __future__ import annotations

import pytest

from tests.e2e.user import comes_true

from .conftest import CAMPAIGN, only_in_campaigns
from .stage import NAME, NODES, Watch

WORDS = {"machine_kill": "killed", "machine_cut": "cut off", "machine_freeze": "frozen"}
# A sample has the two that differ most.
SAMPLE = {("machine_kill", True), ("machine_cut", False)}
LOSSES = [(outage, with_leader) for outage in WORDS for with_leader in (True, False)]

LED_SECONDS = 120
TOLD_SECONDS = 120
UNREADY_SECONDS = 180
BACK_SECONDS = 300


@pytest.mark.parametrize(
    ("outage", "with_leader"),
    [loss for loss in LOSSES if CAMPAIGN or loss in SAMPLE],
    ids=lambda value: {True: "leader", False: "node"}.get(value, value),
)
def test_the_others_go_on_without_a_lost_machine_and_it_comes_back(whole, report, outage, with_leader):
    leader = whole.leader_machine()
    lost = leader if with_leader else next(machine for machine in whole.machines() if machine != leader)
    story = f"{WORDS[outage]}, with the operator's leader" if with_leader else WORDS[outage]
    (gone,), rest = whole.on(lost), whole.elsewhere(lost)
    before, watch = whole.namespace.lives(NAME), Watch.started()
    getattr(whole.kubernetes.fault, outage)(lost)
    try:
        if with_leader:
            elsewhere = watch.until(lambda: whole.leader_machine() != lost, LED_SECONDS, "another leader")
            report.add(story, "another leader", elsewhere)
        report.add(story, "told", watch.until(lambda: not whole.tells_whole(), TOLD_SECONDS, "told"))
        assert gone in whole.clustered()["message"]
        assert sees_each_other(whole, rest)
        if CAMPAIGN:
            unready = watch.until(lambda: not whole.is_up(lost), UNREADY_SECONDS, "Node not Ready")
            report.add(story, "Node not Ready", unready)
            served = watch.until(lambda: whole.served_by() == set(rest), UNREADY_SECONDS, "out of the Service")
            report.add(story, "out of the Service", served)
    finally:
        watch = Watch.started()
        whole.kubernetes.fault.machine_back(lost)
    report.add(story, "whole after its return", watch.until(whole.is_whole, BACK_SECONDS, "whole again"))
    assert whole.namespace.connected(NAME, NODES)
    after = whole.namespace.lives(NAME)
    assert {pod: after[pod] for pod in rest} == {pod: before[pod] for pod in rest}
    assert after[gone][0] == before[gone][0], "the pod waits for its machine"


def sees_each_other(stage, pods):
    """Whether the nodes of these pods do, and see nobody else."""

    def complete():
        views = stage.namespace.views(NAME, pods)
        return all(seen == set(views) - {node} for node, seen in views.items())

    return comes_true(complete, 90, pause=1.0)


@only_in_campaigns
@pytest.mark.parametrize("way", ["Node deleted", "Node tainted out-of-service"])
def test_a_machine_that_is_given_up_gives_its_node_to_another(whole, report, way):
    leader = whole.leader_machine()
    lost = next(machine for machine in whole.machines() if machine != leader)
    (gone,) = whole.on(lost)
    whole.kubernetes.fault.machine_kill(lost)
    try:
        assert comes_true(lambda: not whole.is_up(lost), UNREADY_SECONDS)
        watch = Watch.started()
        if way == "Node deleted":
            whole.kubernetes.kubectl("delete", "node", lost)
        else:
            taint = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
            whole.kubernetes.kubectl("taint", "node", lost, taint)
        report.add(f"killed, then {way}", "whole elsewhere", watch.until(whole.is_whole, 300, "whole elsewhere"))
        assert gone in whole.elsewhere(lost)
        assert whole.namespace.connected(NAME, NODES)
    finally:
        whole.kubernetes.fault.machine_back(lost)
        assert comes_true(lambda: lost in whole.machines() and whole.is_up(lost), BACK_SECONDS)
        whole.kubernetes.kubectl("taint", "node", lost, "node.kubernetes.io/out-of-service-", check=False)
    assert whole.namespace.connected(NAME, NODES)
