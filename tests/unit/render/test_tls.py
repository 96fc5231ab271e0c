"""What certificates are for, and how nodes are told to check them."""

from __future__ import annotations

import pytest

from elixircluster.render.config import config_files
from elixircluster.render.tls import capacity, hosts
from tests.unit.factory import children, cluster, variables

TLS = {"tls": {"mode": "SelfSigned"}}


@pytest.mark.parametrize(("replicas", "size"), [(0, 32), (3, 32), (32, 32), (33, 64), (512, 512), (513, 1000)])
def test_a_certificate_is_good_for_more_nodes_than_there_are(replicas, size):
    assert capacity(replicas) == size


def test_it_names_every_ordinal_and_no_wildcard():
    named = list(hosts(cluster(discovery={"strategy": "DNSSRV"})))
    assert named[0] == "chat-0.chat-nodes.default.svc.cluster.local"
    assert len(named) == 32
    assert not any("*" in name for name in named)


def test_scaling_within_the_size_changes_no_name():
    sizes = (cluster(replicas=size, discovery={"strategy": "DNSSRV"}) for size in (3, 7, 32))
    assert len({tuple(hosts(resource)) for resource in sizes}) == 1


def test_both_sides_verify():
    options = config_files(cluster(distribution=TLS, discovery={"strategy": "DNSSRV"}))["inet_tls.config"]
    assert options.count("{verify,verify_peer}") == 2
    assert "{fail_if_no_peer_cert,true}" in options
    assert "match_fun" not in options


def test_nodes_named_by_address_check_the_authority_only():
    assert "match_fun" in config_files(cluster(distribution=TLS))["inet_tls.config"]


RUNTIMES = ["Mix", "Relx", "Gleam", "Erl"]


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("epmd", ["Enabled", "Disabled"])
def test_each_distribution_flag_is_given_once(runtime, epmd):
    resource = cluster(runtime=runtime, distribution={**TLS, "epmd": epmd, "ipFamily": "IPv6"})
    said = [value for value in variables(resource).values() if isinstance(value, str)]
    text = "\n".join([*said, config_files(resource).get("vm.args", "")])
    assert text.count("-proto_dist inet6_tls") == text.count("-proto_dist") == 1
    assert text.count("-ssl_dist_optfile") == 1
    # relx gives -erl_epmd_port by itself, from ERL_DIST_PORT.
    assert text.count("-erl_epmd_port") == (1 if epmd == "Disabled" and runtime != "Relx" else 0)
    assert ("ERL_DIST_PORT" in variables(resource)) == (epmd == "Disabled" and runtime == "Relx")


def test_the_key_is_mounted_and_in_no_config_map():
    rendered = children(cluster(distribution=TLS))
    volumes = rendered["StatefulSet"]["spec"]["template"]["spec"]["volumes"]
    assert {"name": "tls", "secret": {"secretName": "chat-tls"}} in volumes
    assert "PRIVATE KEY" not in str(rendered)


ISSUERS = {
    "cert-manager's own": ({"name": "ca"}, {"name": "ca", "kind": "Issuer", "group": "cert-manager.io"}),
    "another group's": (
        {"name": "ca", "kind": "AWSPCAClusterIssuer", "group": "awspca.cert-manager.io"},
        {"name": "ca", "kind": "AWSPCAClusterIssuer", "group": "awspca.cert-manager.io"},
    ),
}


@pytest.mark.parametrize(("said", "reference"), ISSUERS.values(), ids=ISSUERS)
def test_any_issuer_may_sign(said, reference):
    tls = {"mode": "CertManager", "issuerRef": said}
    certificate = children(cluster(discovery={"strategy": "DNSSRV"}, distribution={"tls": tls}))["Certificate"]
    assert certificate["spec"]["issuerRef"] == reference
    assert certificate["spec"]["usages"] == ["digital signature", "server auth", "client auth"]
