"""Each cause is named, and nothing that only follows from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from elixircluster.doctor.checks import ALL
from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import examine

from .factory import NOW, PORT, broken, certificate, condition, failures, finding, healthy, node, pod, topology


def alone(told):
    """Not connected, and not let in: what most causes look like from within."""
    told["node"]["said"]["visible"] = []
    told["node"]["dials"] = dict.fromkeys(told["node"]["dials"], False)


def test_a_healthy_cluster_passes_every_check_that_applies():
    states = {item.check: item.verdict.state for item in examine(healthy(), ALL)}
    assert {check for check, state in states.items() if state != "passed"} == {"tls"}


def test_what_is_checked_later_depends_on_what_was_checked_before():
    seen = set()
    for check in ALL:
        assert set(check.after) <= seen, check.key
        seen.add(check.key)


def another_cookie(told):
    alone(told)
    told["cookie"]["digest"] = told["node"]["cookie"] = "bb"


def renamed(told):
    alone(told)
    told["flags"]["name"] = ["other@10.0.0.2"]


def twice(told):
    alone(told)
    told["flags"]["erl_epmd_port"] = ["6789", "6789"]
    told["listens"] = [4000, 40123]
    told["repeated"] = [{"flag": "-erl_epmd_port", "count": 2, "sources": ["ERL_AFLAGS"]}]


def with_epmd(told):
    alone(told)
    del told["flags"]["erl_epmd_port"]
    told["listens"] = [4000, 4369, 40123]


def deaf(told):
    alone(told)
    told["listens"] = [4000]


def unanswered(told):
    told["dns"]["service"] = {"error": "timeout"}


def shut(told):
    alone(told)
    for peer in told["peers"].values():
        peer["port"] = "etimedout"


def elsewhere(told):
    told["node"]["said"]["topologies"] = [topology(service="other-nodes")]


def stopped(told):
    told["state"] = ["T"]
    told["node"] = {"error": "timeout"}


def changed(told):
    told["node"] = {"error": "refused"}


def newline(told):
    told["cookie"]["newline"] = True


def full(told):
    told["node"]["said"]["ports"] = 65000


def starved(told):
    told["limits"]["memory"] = "99000"


def old(told):
    told["node"]["said"]["otp"] = "21"


@pytest.mark.parametrize(
    ("change", "cause", "words"),
    [
        (another_cookie, "cookie", "chat-1 has another cookie than its Secret"),
        (newline, "cookie", "newline"),
        (renamed, "name", "chat-1 runs as other@10.0.0.2, and should as chat@10.0.0.2"),
        (twice, "flags", "chat-1: -erl_epmd_port 2 times, from ERL_AFLAGS and the image"),
        (with_epmd, "epmd", "chat-1 is to be found by epmd"),
        (deaf, "port", "chat-1 listens on 4000, and not on 6789"),
        (shut, "port", "chat-1 → chat-0:6789: etimedout"),
        (unanswered, "dns", "chat-1 asks for chat-nodes.default.svc.cluster.local: timeout"),
        (elsewhere, "discovery", "asks for other-nodes, not chat-nodes.default.svc.cluster.local."),
        (stopped, "frozen", "chat-1's node is stopped"),
        (changed, "oneself", "chat-1 refuses a connection with its own cookie"),
        (full, "ports", "chat-1 has 65000 of 65536 ports open"),
        (starved, "resources", "chat-1 uses"),
        (old, "versions", "21 (chat-1), 25 (chat-0, chat-2)"),
        (alone, "mesh", f"{node(1)} does not see {node(0)}, {node(2)}"),
    ],
)
def test_a_cause_on_one_node_is_named_alone(change, cause, words):
    facts = broken(change, 1)
    assert failures(facts) == [cause]
    verdict = finding(facts, cause).verdict
    assert any(words in line for line in verdict.evidence)
    assert verdict.fix


def test_what_follows_from_a_cause_is_skipped_because_of_it():
    assert finding(broken(with_epmd, 1), "port").verdict.said == "because of: port mapper"


def test_without_the_secret_in_the_pods_the_minority_has_the_wrong_cookie():
    def unmounted(told):
        told["cookie"]["mounted"] = None

    facts = broken(unmounted, facts=broken(another_cookie, 1))
    assert "chat-1 has another cookie than most of the others" in finding(facts, "cookie").verdict.evidence


def test_a_cookie_that_was_rotated_while_the_nodes_ran_is_no_fault():
    def rotated(told):
        told["cookie"]["mounted"] = told["node"]["cookie"] = "cc"

    assert failures(broken(rotated)) == []


def test_a_clock_that_differs_is_named_before_the_certificates_that_it_spoils():
    facts = healthy()
    ahead = replace(facts.members[1], probe=replace(facts.members[1].probe, offset=86400.0, uncertainty=1.0))
    assert failures(replace(facts, members=[facts.members[0], ahead, facts.members[2]])) == ["clock"]


def test_strangers_that_get_in_are_told_and_keep_nobody_apart():
    facts = replace(healthy(), knocks={"10.0.0.1": "open"})
    assert failures(facts) == ["stranger"]
    allowed = {**facts.resource, "spec": {"networkPolicy": {"mode": "Disabled"}}}
    assert failures(replace(facts, resource=allowed)) == []


def test_nodes_that_nobody_asks_to_connect_are_told_what_is_missing():
    def unasked(told):
        told["node"]["said"]["visible"] = []
        told["libraries"] = []

    assert "strategy Static" in finding(broken(unasked), "mesh").verdict.fix


def test_nodes_that_have_just_started_are_given_their_time():
    facts = broken(alone)
    status = {"observedGeneration": 1, "conditions": [condition("Clustered", "False", "Forming", "1 of 3")]}
    assert failures(replace(facts, resource={**facts.resource, "status": status})) == []


# ---- What the operator and Kubernetes say, where nothing can be looked into


def refused(reason: str, message: str = "the message") -> Facts:
    facts = healthy()
    status = {"observedGeneration": 1, "conditions": [condition("Stalled", "True", reason, message)]}
    return replace(facts, resource={**facts.resource, "status": status})


def test_a_resource_that_is_stalled_is_told_by_the_operators_own_words():
    facts = refused("CertificateExpired", "the certificate of Secret x has expired")
    assert failures(facts) == ["resource"]
    assert finding(facts, "resource").verdict.evidence == ["the certificate of Secret x has expired"]


@pytest.mark.parametrize("reason", ["MeshNotHealed", "NotDistributed"])
def test_what_the_operator_sees_from_outside_is_what_is_to_be_explained(reason):
    assert failures(refused(reason)) == []


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
    assert "chat-1: CrashLoopBackOff, last ended with Error (1)" in verdict.evidence
    assert "kubectl logs chat-1 -c app --previous" in verdict.fix
    assert not any("no such database" in line for line in verdict.evidence)


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


# ---- TLS


def encrypted(change=lambda _told: None, *ordinals: int) -> Facts:
    def sealed(told):
        told["flags"] |= {"proto_dist": ["inet_tls"], "ssl_dist_optfile": ["/etc/elixircluster/inet_tls.config"]}
        told["tls"] = {
            "client": certificate(),
            "server": certificate(),
            "handshakes": dict.fromkeys(told["peers"], "ok"),
        }

    facts = healthy()
    facts = replace(
        facts,
        members=[replace(item, pod=pod(n, "inet_tls/6789/no-epmd/address")) for n, item in enumerate(facts.members)],
        resource={**facts.resource, "spec": {"replicas": 3, "distribution": {"tls": {"mode": "SelfSigned"}}}},
    )
    return broken(change, *ordinals, facts=broken(sealed, facts=facts))


def test_certificates_of_one_authority_that_are_valid_pass():
    assert failures(encrypted()) == []


def both(**changes):
    def change(told):
        for role in ("client", "server"):
            told["tls"][role] |= changes

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (both(until=1_700_000_000), "chat-1: its certificate expired on 2023-11-14"),
        (both(**{"from": 1_900_000_000}), "chat-1: its certificate is not valid before"),
        (both(signers=["x"], authorities=["x"], issuer="X"), "chat-0 does not know the CA (X) that signed chat-1"),
        (both(signed=False, signers=[]), "which its own ca.crt does not hold"),
        (both(fits_key=False), "its key is not that of its certificate"),
        (lambda told: told.update(tls=None), "speaks no TLS"),
        (
            lambda told: told["tls"]["handshakes"].update({"chat-0": {"alert": "unknown_ca", "by": "peer"}}),
            "chat-1 → chat-0: chat-0 says unknown ca",
        ),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said(change, words):
    facts = encrypted(change, 1)
    assert failures(facts) == ["tls"]
    assert any(words in line for line in finding(facts, "tls").verdict.evidence)


def test_a_port_that_is_closed_is_not_blamed_on_the_certificates():
    def change(told):
        shut(told)
        told["tls"]["handshakes"] = dict.fromkeys(told["peers"], "timeout")

    assert failures(encrypted(change, 1)) == ["port"]


def test_without_dns_nodes_that_are_named_by_host_are_told_so_at_once():
    def unanswered_hosts(told):
        unanswered(told)
        told["dns"]["hosts"] = {"chat-0.chat-nodes.default.svc.cluster.local": {"error": "late"}}

    facts = healthy()
    facts = replace(facts, resource={**facts.resource, "spec": {"discovery": {"strategy": "Static"}}})
    assert failures(broken(unanswered_hosts, facts=facts)) == ["dns"]


@pytest.mark.parametrize(("age", "causes"), [(5, []), (600, ["dns"])])
def test_a_pod_that_dns_does_not_list_is_missed_once_no_old_answer_can_be_the_reason(age, causes):
    def unlisted(told):
        told["dns"]["service"]["answers"] = ["10.0.0.1", "10.0.0.2"]

    facts = broken(unlisted)
    started = datetime.fromtimestamp(NOW - age, UTC).isoformat()
    facts.members[2].container_status["state"]["running"]["startedAt"] = started
    assert failures(facts) == causes


# ---- With the port mapper


def mapped(change=lambda _told: None, *ordinals: int) -> Facts:
    def known(told):
        del told["flags"]["erl_epmd_port"]
        for peer in told["peers"].values():
            peer["epmd"] = {"names": [{"name": "chat", "port": PORT}]}

    facts = healthy()
    facts = replace(
        facts, members=[replace(item, pod=pod(n, "inet_tcp/6789/epmd/address")) for n, item in enumerate(facts.members)]
    )
    return broken(change, *ordinals, facts=broken(known, facts=facts))


def test_nodes_that_are_found_by_epmd_pass():
    assert failures(mapped()) == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "timeout"}, "chat-1 → chat-0:4369: timeout"),
        ({"names": []}, "chat-1 → chat-0:4369: epmd there knows no chat"),
    ],
)
def test_a_port_mapper_that_is_needed_and_does_not_tell_is_named(answer, words):
    facts = mapped(lambda told: told["peers"]["chat-0"].update(epmd=answer), 1)
    assert failures(facts) == ["port"]
    assert words in finding(facts, "port").verdict.evidence


def test_an_answer_that_the_probe_did_not_wait_for_says_nothing():
    def late(told):
        told["dns"]["service"] = {"error": "late"}
        told["peers"] = {key: {"error": "late"} for key in told["peers"]}
        told["node"] = {"error": "late"}

    assert failures(broken(late)) == []


# ---- Policies


def lockdown(*ports: dict[str, object]) -> dict[str, object]:
    selected = {"matchLabels": {"elixircluster.dev/cluster": "chat"}}
    spec = {"podSelector": selected, "policyTypes": ["Egress"], "egress": [{"ports": list(ports)}] if ports else []}
    return {"metadata": {"name": "lockdown"}, "spec": spec}


def test_a_policy_that_closes_the_port_is_named_in_place_of_the_port():
    facts = replace(broken(shut), policies=[lockdown({"protocol": "UDP", "port": 53})])
    assert failures(facts) == ["policy"]


def test_a_policy_that_keeps_dns_out_is_named_in_place_of_dns():
    facts = replace(broken(unanswered), policies=[lockdown({"protocol": "TCP", "port": PORT})])
    assert failures(facts) == ["policy"]


def test_a_policy_that_nobody_enforces_is_no_cause():
    assert failures(replace(healthy(), policies=[lockdown()])) == []


# ---- Discovery


@pytest.mark.parametrize(
    "service", ["chat-nodes", "chat-nodes.default", "chat-nodes.default.svc.cluster.local", "chat-nodes.default.svc."]
)
def test_any_name_that_leads_to_the_service_will_do(service):
    def asks(told):
        told["node"]["said"]["topologies"] = [topology(service=service)]

    assert failures(broken(asks)) == []


@pytest.mark.parametrize(
    ("strategy", "config", "words"),
    [
        ("Kubernetes.DNS", {"application_name": "other"}, "names the nodes other@…, and they are chat@…"),
        ("DNSPoll", {"query": "x", "node_basename": "chat"}, "asks for x"),
        (
            "Kubernetes.DNSSRV",
            {"service": "chat-nodes", "application_name": "chat", "namespace": "prod"},
            "asks in namespace prod, not default",
        ),
        (
            "Kubernetes",
            {"kubernetes_selector": "app=x", "kubernetes_node_basename": "chat", "kubernetes_namespace": "default"},
            "selects app=x, which the pods are not labelled",
        ),
        ("Epmd", {"hosts": [node(0), node(1)]}, f"does not name {node(2)}"),
    ],
)
def test_a_topology_that_cannot_find_the_peers_is_told(strategy, config, words):
    def asks(told):
        options = {**topology()["config"], **config} if strategy == "Kubernetes.DNS" else config
        said = {"name": "mine", "strategy": f"Elixir.Cluster.Strategy.{strategy}", "config": options}
        told["node"]["said"]["topologies"] = [said]

    facts = broken(asks, 1)
    assert failures(facts) == ["discovery"]
    assert any(words in line for line in finding(facts, "discovery").verdict.evidence)


def test_a_query_of_dns_cluster_that_leads_elsewhere_is_told():
    def asks(told):
        told["environment"]["DNS_CLUSTER_QUERY"] = "other.default.svc.cluster.local"

    assert failures(broken(asks, 1)) == ["discovery"]
