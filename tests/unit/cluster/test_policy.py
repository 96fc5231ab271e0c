"""NetworkPolicy → nftables: what the table says about each situation."""

import re
import shutil
import subprocess

import pytest

from tests.cluster.policy import matches, ruleset

NAMESPACES = [
    {"metadata": {"name": "app", "labels": {"kubernetes.io/metadata.name": "app", "team": "a"}}},
    {"metadata": {"name": "other", "labels": {"kubernetes.io/metadata.name": "other"}}},
    {"metadata": {"name": "kube-system", "labels": {"kubernetes.io/metadata.name": "kube-system"}}},
]


def pod(name, ip, labels=None, namespace="app", ports=(), **spec):
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
        "spec": {"containers": [{"name": "c", "ports": list(ports)}], **spec},
        "status": {"phase": "Running", "podIP": ip},
    }


def policy(selector=None, name="p", namespace="app", **spec):
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": selector or {}, **spec},
    }


def rules_of(text, direction, ip):
    """The rules that decide about the packets to (or from) an address; None where nobody asks."""
    elements = re.search(rf"map {direction} \{{(.*) \}}$", text, re.M)[1]
    jump = re.search(rf"(?<![\d.]){re.escape(ip)} : jump (\w+)", elements)
    if jump is None:
        return None
    body = re.search(rf"chain {jump[1]} \{{\n(.*?)\n  \}}", text, re.S)[1]
    return [line.strip() for line in body.splitlines()]


WEB = pod("web", "10.0.0.1", {"app": "web"}, ports=[{"name": "http", "containerPort": 4000}])
API = pod("api", "10.0.0.2", {"app": "api"}, ports=[{"name": "http", "containerPort": 5000}])
GUEST = pod("guest", "10.0.0.3", {"app": "web"}, namespace="other")
PODS = [WEB, API, GUEST]
ONLY_WEB = {"matchLabels": {"app": "web"}}


def render(*policies, pods=PODS):
    return ruleset(pods, NAMESPACES, policies)


def ingress(*rules, ip="10.0.0.1"):
    text = render(policy(ONLY_WEB, policyTypes=["Ingress"], ingress=list(rules)))
    return rules_of(text, "ingress", ip)


def egress(*rules):
    return rules_of(render(policy(ONLY_WEB, policyTypes=["Egress"], egress=list(rules))), "egress", "10.0.0.1")


def test_without_a_policy_nobody_is_isolated():
    assert "jump" not in render()


def test_a_policy_without_rules_denies_everything():
    assert ingress() == ["drop"]


def test_a_policy_isolates_only_the_pods_that_it_selects_in_its_own_namespace():
    text = render(policy(ONLY_WEB, policyTypes=["Ingress"]))
    assert rules_of(text, "ingress", "10.0.0.2") is None
    assert rules_of(text, "ingress", "10.0.0.3") is None


def test_an_ingress_policy_leaves_egress_alone():
    text = render(policy(ONLY_WEB, policyTypes=["Ingress"]))
    assert rules_of(text, "egress", "10.0.0.1") is None


def test_policy_types_are_derived_where_they_are_not_given():
    text = render(policy(ONLY_WEB, egress=[{}]))
    assert rules_of(text, "ingress", "10.0.0.1") == ["drop"]
    assert rules_of(text, "egress", "10.0.0.1") == ["return", "drop"]


def test_an_empty_rule_allows_everything():
    assert ingress({}) == ["return", "drop"]


def test_a_pod_selector_means_pods_of_the_same_namespace():
    rule = {"from": [{"podSelector": {}}]}
    assert ingress(rule) == ["ip saddr { 10.0.0.1, 10.0.0.2 } return", "drop"]


def test_a_namespace_selector_means_all_pods_of_these_namespaces():
    rule = {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}]}
    assert ingress(rule) == ["ip saddr { 10.0.0.3 } return", "drop"]


def test_both_selectors_in_one_peer_must_hold_together():
    rule = {"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "api"}}}]}
    assert ingress(rule) == ["ip saddr { 10.0.0.2 } return", "drop"]


def test_a_peer_that_selects_nobody_allows_nobody():
    assert ingress({"from": [{"podSelector": {"matchLabels": {"app": "none"}}}]}) == ["drop"]


def test_a_block_is_allowed_without_its_exceptions():
    rule = {"from": [{"ipBlock": {"cidr": "10.1.0.0/16", "except": ["10.1.2.0/24", "10.1.3.0/24"]}}]}
    assert ingress(rule) == ["ip saddr 10.1.0.0/16 ip saddr != { 10.1.2.0/24, 10.1.3.0/24 } return", "drop"]


def test_ports_and_peers_multiply():
    rule = {
        "from": [{"podSelector": {"matchLabels": {"app": "api"}}}, {"ipBlock": {"cidr": "10.1.0.0/16"}}],
        "ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}],
    }
    assert ingress(rule) == [
        "ip saddr 10.1.0.0/16 tcp dport 80 return",
        "ip saddr 10.1.0.0/16 udp dport 53 return",
        "ip saddr { 10.0.0.2 } tcp dport 80 return",
        "ip saddr { 10.0.0.2 } udp dport 53 return",
        "drop",
    ]


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ({"port": 80}, ["tcp dport 80 return", "drop"]),
        ({"port": 8000, "endPort": 8100, "protocol": "TCP"}, ["tcp dport 8000-8100 return", "drop"]),
        ({"protocol": "UDP"}, ["meta l4proto udp return", "drop"]),
        ({"port": "http"}, ["tcp dport 4000 return", "drop"]),
        ({"port": "http", "protocol": "UDP"}, ["drop"]),
        ({"port": "unknown"}, ["drop"]),
    ],
)
def test_a_port_is_a_number_a_range_a_protocol_or_a_name_of_the_pod(port, expected):
    assert ingress({"ports": [port]}) == expected


def test_a_named_egress_port_is_the_one_of_each_pod_that_it_leads_to():
    rule = {"to": [{"podSelector": {}}], "ports": [{"port": "http"}]}
    assert egress(rule) == [
        "ip daddr { 10.0.0.1 } tcp dport 4000 return",
        "ip daddr { 10.0.0.2 } tcp dport 5000 return",
        "drop",
    ]


def test_dns_is_a_pod_of_kube_system():
    peer = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    rule = {"to": [peer], "ports": [{"port": 53, "protocol": "UDP"}]}
    assert egress(rule) == ["ip daddr { 10.201.0.53 } udp dport 53 return", "drop"]


def test_what_any_policy_allows_is_allowed():
    text = render(
        policy(ONLY_WEB, "deny", policyTypes=["Ingress"]),
        policy({}, "some", policyTypes=["Ingress"], ingress=[{"ports": [{"port": 80}]}]),
        policy({}, "more", policyTypes=["Ingress"], ingress=[{"ports": [{"port": 81}]}]),
    )
    assert rules_of(text, "ingress", "10.0.0.1") == ["tcp dport 81 return", "tcp dport 80 return", "drop"]


def test_pods_with_the_same_rules_share_a_chain():
    text = render(policy({}, policyTypes=["Ingress"]))
    assert text.count("chain ingress_") == 1
    assert rules_of(text, "ingress", "10.0.0.1") == rules_of(text, "ingress", "10.0.0.2") == ["drop"]


@pytest.mark.parametrize(
    "gone",
    [
        pod("job", "10.0.0.9") | {"status": {"phase": "Succeeded", "podIP": "10.0.0.9"}},
        pod("host", "10.0.0.9", hostNetwork=True),
        pod("new", ""),
    ],
    ids=["ended", "on the host's network", "without an address"],
)
def test_a_pod_without_an_address_of_its_own_is_left_out(gone):
    text = render(policy({}, policyTypes=["Ingress"], ingress=[{"from": [{"podSelector": {}}]}]), pods=[WEB, gone])
    assert "10.0.0.9" not in text


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ({"operator": "In", "values": ["web", "api"]}, True),
        ({"operator": "NotIn", "values": ["web"]}, False),
        ({"operator": "Exists"}, True),
        ({"operator": "DoesNotExist"}, False),
    ],
)
def test_a_match_expression_selects(expression, selected):
    assert matches({"matchExpressions": [{"key": "app", **expression}]}, {"app": "web"}) is selected


def test_not_in_and_does_not_exist_select_what_has_no_such_label():
    for expression in ({"operator": "NotIn", "values": ["web"]}, {"operator": "DoesNotExist"}):
        assert matches({"matchExpressions": [{"key": "app", **expression}]}, {})


@pytest.mark.skipif(shutil.which("nft") is None, reason="needs nft")
def test_nftables_accepts_the_table():
    everything = policy(
        {},
        ingress=[
            {"from": [{"ipBlock": {"cidr": "10.1.0.0/16", "except": ["10.1.2.0/24"]}}], "ports": [{"port": "http"}]},
            {"from": [{"podSelector": {}}], "ports": [{"port": 1, "endPort": 9, "protocol": "SCTP"}]},
        ],
        egress=[{"to": [{"namespaceSelector": {}}], "ports": [{"protocol": "UDP"}]}],
        policyTypes=["Ingress", "Egress"],
    )
    command = ["unshare", "--net", "--map-root-user", "nft", "--check", "-f", "-"]
    done = subprocess.run(command, input=render(everything), capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr:
        pytest.skip("no network namespaces here")
    assert done.returncode == 0, done.stderr
