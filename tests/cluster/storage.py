"""The default StorageClass's provisioner: a folder of a machine for every claim."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

from .layout import STORAGE_PROVISIONER
from .watch import Api, Mirror, Object, connect, read_access

PROVISIONER_ANNOTATIONS = (
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
)
# The scheduler's choice, where a class waits for the first pod.
SELECTED_NODE = "volume.kubernetes.io/selected-node"
DEFAULT_NODE = "node0"
CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"


def volume_for(claim: Object, folder: Path) -> Object:
    """The volume that a claim is to be bound to."""
    meta, spec = claim["metadata"], claim["spec"]
    reference = {"kind": "PersistentVolumeClaim", "apiVersion": "v1"}
    reference |= {key: meta[key] for key in ("name", "namespace", "uid")}
    chosen = meta.get("annotations", {}).get(SELECTED_NODE, DEFAULT_NODE)
    on_node = {"key": "kubernetes.io/hostname", "operator": "In", "values": [chosen]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": f"pvc-{meta['uid']}",
            "annotations": {"pv.kubernetes.io/provisioned-by": STORAGE_PROVISIONER},
        },
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": {"storage": _requested(claim)},
            "claimRef": reference,
            # Not hostPath: the kubelet gives a local volume to the pod's fsGroup, as a cloud's disk.
            "local": {"path": str(folder / f"pvc-{meta['uid']}")},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [on_node]}]}},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": spec["storageClassName"],
        },
    }


def waits_for_volume(claim: Object) -> bool:
    """Bound to nothing, ours, and wanted by a pod (or by nobody, where a class binds at once)."""
    notes = claim["metadata"].get("annotations", {})
    ours = any(notes.get(name) == STORAGE_PROVISIONER for name in PROVISIONER_ANNOTATIONS)
    return ours and not claim["spec"].get("volumeName") and "deletionTimestamp" not in claim["metadata"]


def wants_to_grow(claim: Object, volume: Object | None) -> bool:
    """A bound claim of ours that asks for another size than it has."""
    if volume is None or not _is_ours(volume) or claim["status"].get("phase") != "Bound":
        return False
    return bool(claim["status"].get("capacity", {}).get("storage") != _requested(claim))


def is_released(volume: Object) -> bool:
    policy = volume["spec"]["persistentVolumeReclaimPolicy"]
    return _is_ours(volume) and volume["status"].get("phase") == "Released" and policy == "Delete"


def _is_ours(volume: Object) -> bool:
    notes = volume["metadata"].get("annotations", {})
    return bool(notes.get("pv.kubernetes.io/provisioned-by") == STORAGE_PROVISIONER)


def _requested(claim: Object) -> str:
    return str(claim["spec"]["resources"]["requests"]["storage"])


def _make_folder(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)


class Provisioner:
    """Makes, grows and removes volumes until nothing is left to do, each time something changed."""

    def __init__(self, api: Api, folder: Path) -> None:
        self._api = api
        self._folder = folder
        self._wake = asyncio.Event()
        self._claims = Mirror(api, CLAIMS, self._wake.set)
        self._volumes = Mirror(api, VOLUMES, self._wake.set)

    async def run(self) -> None:
        await asyncio.gather(self._claims.run(), self._volumes.run(), self._work())

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not (self._claims.synced and self._volumes.synced):
                continue
            try:
                await self._step()
            except (RuntimeError, OSError) as error:
                print(error, flush=True)
                await asyncio.sleep(0.5)
                self._wake.set()

    async def _step(self) -> None:
        for claim in list(self._claims.objects.values()):
            volume = self._volumes.objects.get(f"/{claim['spec'].get('volumeName', '')}")
            if waits_for_volume(claim):
                await self._provision(claim)
            elif wants_to_grow(claim, volume):
                await self._grow(claim)
        for volume in list(self._volumes.objects.values()):
            if is_released(volume):
                await self._remove(volume)

    async def _provision(self, claim: Object) -> None:
        volume = volume_for(claim, self._folder)
        if f"/{volume['metadata']['name']}" in self._volumes.objects:
            return
        _make_folder(Path(volume["spec"]["local"]["path"]))
        created = await self._api.request("POST", VOLUMES, volume)
        self._volumes.objects[f"/{volume['metadata']['name']}"] = created

    async def _grow(self, claim: Object) -> None:
        meta, capacity = claim["metadata"], {"capacity": {"storage": _requested(claim)}}
        merge = "merge-patch+json"
        await self._api.request("PATCH", f"{VOLUMES}/{claim['spec']['volumeName']}", {"spec": capacity}, merge)
        path = f"/api/v1/namespaces/{meta['namespace']}/persistentvolumeclaims/{meta['name']}/status"
        await self._api.request("PATCH", path, {"status": capacity}, merge)

    async def _remove(self, volume: Object) -> None:
        name = volume["metadata"]["name"]
        shutil.rmtree(volume["spec"]["local"]["path"], ignore_errors=True)
        self._volumes.objects.pop(f"/{name}", None)
        await self._api.request("DELETE", f"{VOLUMES}/{name}")


async def main(kubeconfig: Path, folder: Path) -> None:
    async with connect(read_access(kubeconfig)) as api:
        await Provisioner(api, folder).run()


if __name__ == "__main__":
    asyncio.run(main(*map(Path, sys.argv[1:])))
