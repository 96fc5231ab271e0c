"""Members are apart from each other, as far as the cluster lets them."""

from __future__ import annotations

import pytest

from elixircluster.render.names import selector
from tests.unit.factory import children, cluster

BY_ZONE = {
    "podAntiAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {
                "weight": 100,
                "podAffinityTerm": {
                    "topologyKey": "topology.kubernetes.io/zone",
                    "labelSelector": {"matchLabels": selector(cluster())},
                },
            }
        ]
    }
}
NODES = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}
APART = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": []}}
HOST = "kubernetes.io/hostname"

SPREADS = {
    "over Kubernetes nodes and zones": ({}, [HOST], BY_ZONE),
    "as the user says": ({"topologySpreadConstraints": [{"topologyKey": "rack"}]}, ["rack"], None),
    "not at all": ({"topologySpreadConstraints": []}, [], None),
    "with an affinity for machines": ({"affinity": NODES}, [HOST], {**NODES, **BY_ZONE}),
    "apart as the user says": ({"affinity": APART}, [HOST], APART),
    "all as the user says": ({"affinity": NODES, "topologySpreadConstraints": []}, [], NODES),
}


# Two constraints that may be broken would do nothing where machines have no zone: the scheduler scores none of those
# that lack a key.
@pytest.mark.parametrize(("scheduling", "keys", "affinity"), SPREADS.values(), ids=SPREADS)
def test_members_are_spread(scheduling, keys, affinity):
    spec = children(cluster(scheduling=scheduling))["StatefulSet"]["spec"]["template"]["spec"]
    assert [constraint["topologyKey"] for constraint in spec["topologySpreadConstraints"]] == keys
    assert spec.get("affinity") == affinity


def test_scheduling_is_handed_to_the_pods():
    said = {
        "nodeSelector": {"disk": "ssd"},
        "affinity": APART,
        "tolerations": [{"operator": "Exists"}],
        "priorityClassName": "high",
    }
    spec = children(cluster(scheduling=said))["StatefulSet"]["spec"]["template"]["spec"]
    assert spec.items() >= said.items()
