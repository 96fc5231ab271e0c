"""A disk for every node."""

from __future__ import annotations

import pytest

from elixircluster.errors import Stalled
from tests.unit.factory import children, cluster, container

DISK = {"name": "mnesia", "mountPath": "/var/lib/mnesia", "size": "1Gi"}


def test_every_node_has_a_claim_of_its_own_and_the_release_sees_it():
    resource = cluster(storage=[DISK, {**DISK, "name": "b", "mountPath": "/b", "storageClassName": "fast"}])
    spec = children(resource)["StatefulSet"]["spec"]
    assert spec["volumeClaimTemplates"] == [
        {
            "metadata": {"name": "mnesia"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        },
        {
            "metadata": {"name": "b"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
                "storageClassName": "fast",
            },
        },
    ]
    assert {"name": "mnesia", "mountPath": "/var/lib/mnesia"} in container(resource)["volumeMounts"]


@pytest.mark.parametrize("when", ["Retain", "Delete"])
def test_disks_outlive_a_scale_down_and_the_resource_where_that_is_not_said_otherwise(when):
    policy = children(cluster(storage=[{**DISK, "whenDeleted": when}]))["StatefulSet"]["spec"]
    assert policy["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": when, "whenScaled": "Retain"}


def test_without_disks_there_are_no_claims():
    assert "volumeClaimTemplates" not in children(cluster())["StatefulSet"]["spec"]


REFUSED = {
    "a name of ours": ([{**DISK, "name": "tmp"}], "are the operator's"),
    "a path of ours": ([{**DISK, "mountPath": "/tmp"}], "are the operator's"),
    "a path of ours with a slash": ([{**DISK, "mountPath": "/tmp/"}], "are the operator's"),
    "two endings": ([DISK, {**DISK, "name": "b", "whenDeleted": "Delete"}], "the same for all"),
    "one name twice": ([DISK, DISK], "a second entry of name mnesia"),
    "a size without a unit": ([{**DISK, "size": "1"}], "size"),
}


@pytest.mark.parametrize(("storage", "said"), REFUSED.values(), ids=REFUSED)
def test_a_disk_that_cannot_be_is_refused(storage, said):
    with pytest.raises(Stalled, match=said):
        cluster(storage=storage)


@pytest.mark.parametrize(
    "path", ["/tmp/chat", "/etc", "/etc/elixircluster/mine", "/etc/elixircluster-mine", "/srv/tmp"]
)
def test_a_path_that_is_merely_like_one_of_ours_is_the_users(path):
    assert {"name": "mnesia", "mountPath": path} in container(cluster(storage=[{**DISK, "mountPath": path}]))[
        "volumeMounts"
    ]


def test_a_volume_has_another_name_than_a_disk():
    with pytest.raises(Stalled, match="one of volumes has the same name"):
        cluster(storage=[DISK], volumes=[{"name": "mnesia", "emptyDir": {}}])
