"""What may happen. Each is given the world, and does nothing where there is nothing to do it to."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

from elixircluster.api.resource import RETRY_ANNOTATION
from elixircluster.kube.kinds import CLUSTERS, PODS, SECRETS, STATEFUL_SETS
from tests.fake.server import Ref, controller
from tests.fake.world import USER, World, kind_of

Body = dict[str, Any]

MIGRATION_SECONDS = 40
SETTINGS = "settings"
"""The Secret of a user."""
RENEWED_SECONDS = 3.0
"""How old a lease's last renewal may be."""


def create(world: World, name: str, replicas: int, strategy: str) -> None:
    world.create(name, replicas=replicas, update={"strategy": strategy})


def image(world: World, name: str, wanted: str) -> None:
    world.change(name, image=wanted)


def scale(world: World, name: str, replicas: int) -> None:
    world.change(name, replicas=replicas)


def image_and_scale(world: World, name: str, wanted: str, replicas: int) -> None:
    world.change(name, image=wanted, replicas=replicas)


def strategy(world: World, name: str, wanted: str) -> None:
    """There is no canary where no old node runs beside a new one."""
    world.change(name, update={"strategy": wanted, **({"canary": None} if wanted == "Recreate" else {})})


def canary(world: World, name: str, nodes: int) -> None:
    """So many nodes of a revision first, and the others a minute later; 0 for all at once."""
    spec = (world.resource(name) or {"spec": {}})["spec"]
    if (spec.get("update") or {}).get("strategy", "Rolling") == "Rolling":
        world.change(name, update={"canary": {"nodes": nodes, "pauseSeconds": 60} if nodes else None})


def port(world: World, name: str, number: int) -> None:
    """Old nodes and new ones could not talk to each other, and all may stop for it."""
    world.change(name, distribution={"port": number}, update={"allowRecreate": True})


def migrate(world: World, name: str, wanted: bool) -> None:
    """A migration before the nodes of each image from now on, or none any more."""
    told = {"command": ["bin/migrate"], "timeoutSeconds": MIGRATION_SECONDS}
    world.change(name, migration=told if wanted else None)


def retry(world: World, name: str) -> None:
    """`kubectl elixir retry`."""
    if world.resource(name):
        patch = {"metadata": {"annotations": {RETRY_ANNOTATION: world.now()}}}
        world.server.merge(USER, CLUSTERS, name, patch)


def refer(world: World, name: str, wanted: bool) -> None:
    """Nodes have variables from a Secret of the user's, or not any more."""
    world.change(name, envFrom=[{"secretRef": {"name": SETTINGS}}] if wanted else [])


def settings(world: World, value: str) -> None:
    """That Secret is made, or holds something else."""
    data = {"MODE": base64.b64encode(value.encode()).decode()}
    body = {"apiVersion": "v1", "kind": SECRETS.kind, "metadata": {"name": SETTINGS}, "type": "Opaque", "data": data}
    if world.server.get(Ref(SECRETS.kind, SETTINGS)):
        world.server.merge(USER, SECRETS, SETTINGS, {"data": data})
    else:
        world.server.create(USER, SECRETS, body)


def lose_settings(world: World) -> None:
    """It is deleted."""
    if world.server.get(Ref(SECRETS.kind, SETTINGS)):
        world.server.delete(USER, SECRETS, SETTINGS)


def on_failure(world: World, name: str, wanted: str) -> None:
    """What becomes of a revision that gets no further for a minute."""
    world.change(name, update={"onFailure": wanted, "timeoutSeconds": 60})


def pause(world: World, name: str, paused: bool) -> None:
    world.change(name, paused=paused)


def delete(world: World, name: str) -> None:
    world.remove(name)


def recreate(world: World, name: str, replicas: int) -> None:
    """Deleted, and made again at once."""
    if world.resource(name):
        world.remove(name)
        world.create(name, replicas=replicas, image="chat:2")


def lose_child(world: World, name: str, kind: str) -> None:
    """A user deletes a child."""
    if child := world.child(name, kind):
        world.server.delete(USER, kind_of(child), child["metadata"]["name"])


def orphan_pods(world: World, name: str) -> None:
    """`kubectl delete statefulset --cascade=orphan`."""
    workload = world.child(name, "StatefulSet")
    if workload is None:
        return
    for pod in world.pods(name):
        owner = controller(pod)
        if owner and owner["uid"] == workload["metadata"]["uid"]:
            patch = {"metadata": {"ownerReferences": None}}
            world.server.merge("garbage-collector", PODS, pod["metadata"]["name"], patch)
    world.server.delete(USER, STATEFUL_SETS, workload["metadata"]["name"])


DRIFTS: dict[str, Body] = {
    "Job": {"metadata": {"labels": {"team": "shop"}}},
    "StatefulSet": {"spec": {"replicas": 1}},
    "ConfigMap": {"data": {"remote.vm.args": "-spoiled"}},
    "Service": {"spec": {"publishNotReadyAddresses": False}},
    "PodDisruptionBudget": {"spec": {"maxUnavailable": 2}},
    "NetworkPolicy": {"spec": {"ingress": []}},
    "ServiceAccount": {"automountServiceAccountToken": True},
    "Secret": {"metadata": {"labels": {"app.kubernetes.io/name": "another"}}},
}


def drift(world: World, name: str, kind: str) -> None:
    """A user writes into a child."""
    if child := world.child(name, kind):
        world.server.merge(USER, kind_of(child), child["metadata"]["name"], DRIFTS[kind])


def touch_labels(world: World, name: str, kind: str, label: str) -> None:
    """A user takes a label of ours away."""
    if child := world.child(name, kind):
        patch = {"metadata": {"labels": {label: None}}}
        world.server.merge(USER, kind_of(child), child["metadata"]["name"], patch)


def squat(world: World, name: str, kind: str) -> None:
    """A user deletes a child, and makes one of the same name."""
    if child := world.child(name, kind):
        lose_child(world, name, kind)
        metadata = {"name": child["metadata"]["name"]}
        world.server.create(
            USER, kind_of(child), {"apiVersion": child["apiVersion"], "kind": kind, "metadata": metadata}
        )


def strange_pod(world: World, name: str, of_job: bool) -> None:
    """`kubectl debug --copy-to`, or the pod of a Job, with all our labels."""
    members = world.pods(name)
    ref = Ref(PODS.kind, "job-pod-1" if of_job else "debug-1")
    if not members or world.server.get(ref):
        return
    job = {"apiVersion": "batch/v1", "kind": "Job", "name": "job", "uid": "job", "controller": True}
    metadata = {
        "name": ref.name,
        "labels": members[0]["metadata"]["labels"],
        "annotations": members[0]["metadata"].get("annotations", {}),
        **({"ownerReferences": [job]} if of_job else {}),
    }
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": members[0]["spec"]}
    world.server.create(USER, PODS, body)


def unready(world: World, name: str, ordinal: int, seconds: float) -> None:
    world.kubelets.unready(f"{name}-{ordinal}", seconds)


def die(world: World, name: str, ordinal: int) -> None:
    """Somebody else deletes a pod."""
    if world.server.get(Ref(PODS.kind, f"{name}-{ordinal}")):
        world.server.delete("node-controller", PODS, f"{name}-{ordinal}")


def lose_machine(world: World, machine: str) -> None:
    """Its cable is pulled, or its power."""
    world.machines.lose(machine)


def machine_back(world: World, machine: str) -> None:
    world.machines.back(machine)


def give_up_machine(world: World, machine: str) -> None:
    """`kubectl taint node … out-of-service`."""
    world.machines.give_up(machine)


def gap(world: World, kinds: tuple[str, ...], seconds: float) -> None:
    """Watches break."""
    for operator in world.running:
        operator.break_watches(seconds, kinds)


def quota(world: World, pods: int | None) -> None:
    """Kubernetes makes no more pods of a StatefulSet than these."""
    world.statefulsets.quota = pods


def errors(world: World, rate: float) -> None:
    world.set_errors(rate)


def restart(world: World) -> None:
    """The operator is killed, and comes back with an empty memory."""
    for operator in world.running:
        operator.stop()
        world.start(elects=operator.elects)


def change_leader(world: World) -> None:
    """The leader cannot reach its lease any more, while another stands by."""
    leader = world.running[0]
    if leader.elects:
        leader.lease_api.faults.rate = 1.0
        world.start(elects=True)


def restore(world: World, ago: int) -> None:
    """etcd, from a backup that was made so many steps ago, and before the lease was renewed last."""
    latest = asyncio.get_running_loop().time() - RENEWED_SECONDS
    backups = [backup for made, backup in world.backups if made <= latest]
    if len(backups) >= ago:
        world.restore(backups[-ago])
        # Another one of the time that never was would go forth.
        world.backups.clear()


ACTIONS: dict[str, Callable[..., None]] = {
    action.__name__: action
    for action in (
        create,
        image,
        scale,
        image_and_scale,
        strategy,
        canary,
        port,
        migrate,
        retry,
        refer,
        settings,
        lose_settings,
        on_failure,
        pause,
        delete,
        recreate,
        lose_child,
        orphan_pods,
        drift,
        touch_labels,
        squat,
        strange_pod,
        unready,
        die,
        lose_machine,
        machine_back,
        give_up_machine,
        gap,
        quota,
        errors,
        restart,
        change_leader,
        restore,
    )
}
