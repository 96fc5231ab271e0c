"""A disk for every node."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from elixircluster.api.pod import OWNED_PATHS, OWNED_VOLUMES, is_owned
from elixircluster.api.schema import DNS_LABEL, Model, ObjectName, Rule


class Storage(Model):
    """A disk that every node has for itself, and that follows it to another machine."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=DNS_LABEL)] = Field(
        description="What it is called; the claim of node 0 is NAME-RESOURCE-0."
    )
    mount_path: Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^/")] = Field(
        description="Where the release finds it."
    )
    size: Annotated[str, StringConstraints(max_length=16, pattern=r"^[1-9][0-9]*(Mi|Gi|Ti|M|G|T)$")] = Field(
        description="How large it is, as in 10Gi. Cannot change."
    )
    storage_class_name: ObjectName | None = Field(
        None, description="Its StorageClass. Default: the default one of Kubernetes. Cannot change."
    )
    when_deleted: Literal["Retain", "Delete"] = Field(
        "Retain", description="Whether the disks stay when the resource is deleted; the same for all of them."
    )


# A StatefulSet's claims can never be changed.
STORAGE_RULES = (
    Rule(
        f"!has(self.storage) || self.storage.all(s, !(s.name in {list(OWNED_VOLUMES)!r}) && "
        f"!{is_owned('s.mountPath')})",
        f"the names {', '.join(OWNED_VOLUMES)} and the paths {', '.join(OWNED_PATHS)} are the operator's; "
        "choose others",
        "storage",
    ),
    Rule(
        "!has(self.storage) || !has(self.volumes) || self.storage.all(s, !self.volumes.exists(v, v.name == s.name))",
        "one of volumes has the same name; choose another",
        "storage",
    ),
    Rule(
        "!has(self.storage) || self.storage.all(s, s.whenDeleted == self.storage[0].whenDeleted)",
        "whenDeleted is the same for all, because Kubernetes keeps it once a StatefulSet",
        "storage",
    ),
    Rule(
        "(has(self.storage) ? self.storage.size() : 0) == (has(oldSelf.storage) ? oldSelf.storage.size() : 0) && "
        "(!has(self.storage) || self.storage.all(s, oldSelf.storage.exists(o, o.name == s.name && o.size == s.size && "
        "has(o.storageClassName) == has(s.storageClassName) && "
        "(!has(s.storageClassName) || o.storageClassName == s.storageClassName))))",
        "disks cannot be added, removed, resized or moved to another class; make a new ElixirCluster for that",
        "storage",
    ),
)
