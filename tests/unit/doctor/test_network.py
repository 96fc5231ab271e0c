"""Ports, policies and libraries: what drops packets, and what does not."""

from __future__ import annotations

from dataclasses import replace

from .factory import broken, failures, finding, node


def test_a_port_on_which_nobody_listens_is_not_blamed_on_what_drops_packets():
    def refused(told):
        told["peers"]["chat-0"]["port"] = "econnrefused"
        told["node"]["said"]["visible"] = [node(2)]

    facts = broken(refused, 1)
    assert failures(facts) == ["port"]
    verdict = finding(facts, "port").verdict
    assert "Cilium" not in verdict.fix
    assert "kubectl -n default logs chat-0" in verdict.fix


def test_a_network_policy_that_could_not_be_listed_is_among_what_may_drop_packets():
    def dropped(told):
        told["peers"]["chat-0"]["port"] = "timeout"

    facts = replace(broken(dropped, 1), unseen={"policies": "forbidden"})
    assert "NetworkPolicy" in finding(facts, "port").verdict.fix


def test_a_library_that_the_node_knows_is_not_said_to_be_missing():
    """The libraries of a release without the runtime in it are not beside the runtime's."""

    def elsewhere(told):
        told["libraries"] = []
        told["node"]["said"] |= {"visible": [], "has": ["libcluster"], "started": ["libcluster"]}

    fix = finding(broken(elsewhere), "mesh").verdict.fix
    assert "Cluster.Supervisor" in fix
    assert "add one of them" not in fix


def test_whether_one_would_let_the_other_in_is_not_claimed_where_it_was_not_tried():
    def untried(told):
        told["node"]["said"]["visible"] = []
        told["node"]["dials"] = {"error": "late"}

    fix = finding(broken(untried), "mesh").verdict.fix
    assert "would let the others in" not in fix
    assert "kubectl -n default logs chat-0 -c app" in fix
