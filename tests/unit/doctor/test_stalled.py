"""What the operator and Kubernetes say, where nothing can be looked into."""

from __future__ import annotations

from dataclasses import replace

import pytest

from elixircluster.doctor.facts import Member

from .factory import failures, finding, healthy, pod
from .faults import refused


def test_a_resource_that_is_stalled_is_told_by_the_operators_own_words():
    facts = refused("CertificateExpired", "the certificate of Secret x has expired")
    assert failures(facts) == ["resource"]
    assert finding(facts, "resource").verdict.evidence == ["the certificate of Secret x has expired"]


@pytest.mark.parametrize("reason", ["MeshNotHealed", "NotDistributed", "TlsNotSpoken"])
def test_what_the_operator_sees_from_outside_is_what_is_to_be_explained(reason):
    assert failures(refused(reason)) == ["mesh"]


def test_an_operator_that_does_not_look_is_named():
    facts = healthy()
    assert failures(replace(facts, resource={**facts.resource, "status": {}})) == ["resource"]


def crashed(message: str) -> Member:
    body = pod(1)
    body["status"]["containerStatuses"][0] |= {
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": "Error", "exitCode": 1, "message": message}},
    }
    return Member(body, unseen="its container does not run")


def test_a_pod_that_crashes_over_its_name_is_told_to_be_named_wrongly():
    facts = healthy()
    last_words = "Can't set long node name! Please check your configuration"
    assert failures(replace(facts, members=[facts.members[0], crashed(last_words), facts.members[2]])) == ["name"]


def test_a_pod_that_crashes_for_a_reason_of_its_own_is_named_with_the_way_to_its_log():
    facts = healthy()
    facts = replace(facts, members=[facts.members[0], crashed("no such database"), facts.members[2]])
    assert failures(facts) == ["pods"]
    verdict = finding(facts, "pods").verdict
    assert "chat-1: CrashLoopBackOff, last ended with Error (exit code 1): no such database" in verdict.evidence
    assert "kubectl -n default logs chat-1 -c app --previous" in verdict.fix


def test_a_doubled_flag_is_seen_in_the_pods_variables_where_nothing_runs():
    member = crashed("register/listen error")
    member.container["env"] += [
        {"name": "ERL_AFLAGS", "value": "-start_epmd false -erl_epmd_port 6789"},
        {"name": "ERL_ZFLAGS", "value": "-erl_epmd_port 6789"},
    ]
    facts = healthy()
    facts = replace(facts, members=[facts.members[0], member, facts.members[2]])
    assert failures(facts) == ["flags"]


def test_missing_pods_are_missed():
    facts = healthy()
    assert failures(replace(facts, members=facts.members[:2])) == ["pods"]
