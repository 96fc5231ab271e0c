"""Where each machine of an embedded cluster has its files, its names and its addresses."""

from ipaddress import ip_network
from itertools import combinations

import pytest

from tests.cluster import components, layout, settings, storage
from tests.cluster.embedded import Embedded
from tests.cluster.layout import MAX_NODES, MAX_PODS, NETWORKS, Layout, Shape
from tests.cluster.machine import machines, named
from tests.cluster.state import UnsupportedError


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """Makes the run folder of a cluster of a shape."""
    monkeypatch.setattr(layout, "RUN_ROOT", tmp_path)

    def make(**shape):
        made = Layout("x")
        made.run.mkdir()
        made.write_shape(Shape(**shape))
        return made

    return make


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_every_machine_has_addresses_of_its_own(network):
    pods = [ip_network(network.pods_of(number)) for number in range(MAX_NODES)]
    assert all(each.num_addresses > 2 * MAX_PODS for each in pods)
    assert all(each.subnet_of(ip_network(network.pods)) for each in pods)
    assert not any(one.overlaps(other) for one, other in combinations(pods, 2))
    addresses = {network.machine(number) for number in range(MAX_NODES)}
    assert len(addresses - {network.control_plane, network.dns_node}) == MAX_NODES


def test_a_machine_alone_is_the_control_planes(cluster):
    (machine,) = machines(cluster())
    assert machine.address == machine.layout.network.control_plane
    assert machine.holder == "holder"
    assert machine.labels == {}
    assert [each.name for each in components.all_of(machine.layout)] == list(components.ORDER)


def test_each_of_several_machines_has_its_own_programs_and_zone(cluster):
    several = cluster(nodes=3)
    names = [component.name for component in components.all_of(several)]
    assert len(set(names)) == len(names)
    for program in ("containerd", "kubelet", "proxy", "enforcer"):
        assert {f"{program}-node{number}" for number in range(3)} <= set(names)
    zones = [machine.labels["topology.kubernetes.io/zone"] for machine in machines(several)]
    assert zones == ["zone-a", "zone-b", "zone-c"]
    assert len({machine.holder for machine in machines(several)} | {"holder"}) == 4


def test_what_needs_nobody_starts_before_what_needs_the_api_server(cluster):
    programs = [component.program for component in components.all_of(cluster(nodes=2))]
    foundation = [program in components.FOUNDATION for program in programs]
    assert foundation == sorted(foundation, reverse=True)


def test_a_machine_that_is_not_there_is_told_with_those_that_are(cluster):
    with pytest.raises(LookupError, match="'node7': cluster x has node0, node1"):
        named(cluster(nodes=2), "node7")


def test_the_only_machine_cannot_be_lost(cluster):
    cluster()
    with pytest.raises(UnsupportedError, match="--nodes"):
        Embedded("x").outage("node0")


@pytest.mark.parametrize("nodes", [0, MAX_NODES + 1])
def test_a_number_of_machines_that_cannot_be_is_refused(nodes):
    with pytest.raises(ValueError, match="1 to"):
        Embedded("x").up(30, nodes=nodes)


@pytest.mark.parametrize(("annotations", "expected"), [({}, "node0"), ({storage.SELECTED_NODE: "node2"}, "node2")])
def test_a_volume_is_where_the_scheduler_put_its_pod(tmp_path, annotations, expected):
    claim = {
        "metadata": {"name": "data", "namespace": "default", "uid": "1", "annotations": annotations},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    (term,) = storage.volume_for(claim, tmp_path)["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == [expected]


def test_each_machine_gives_its_pods_its_own_addresses(cluster):
    ranges = [settings.network(machine)["plugins"][0]["ipam"]["ranges"] for machine in machines(cluster(nodes=2))]
    assert ranges == [[[{"subnet": "10.202.0.0/22"}]], [[{"subnet": "10.202.4.0/22"}]]]
