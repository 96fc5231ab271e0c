"""Whose an object is. What is not ours is never written."""

from __future__ import annotations

from typing import Any

from elixircluster.api.resource import GROUP, KIND, ElixirCluster, Key
from elixircluster.errors import Retry, Stalled
from elixircluster.kube.api import Kind
from elixircluster.kube.kinds import CLUSTERS
from elixircluster.render.names import CLUSTER_LABEL

Body = dict[str, Any]


def refuse_foreign(cluster: ElixirCluster, kind: str, name: str, owner: str, owner_name: str = "") -> None:
    """Raise unless the object is the resource's own. `owner` is the uid of the ElixirCluster that controls it.

    One that belongs to an earlier resource of the same name is being deleted with it, so it is waited for. One of
    another name stays: `chat-nodes` is the Service of a resource chat-nodes, and the headless one of chat.
    """
    if owner == cluster.uid:
        return
    if owner and owner_name in {"", cluster.name}:
        raise Retry(
            "WaitingForDeletion",
            f"{kind} {name} belongs to an earlier ElixirCluster {cluster.name}",
            after=0.2,
        )
    raise Stalled(
        "NameTaken",
        f"{kind} {name} exists and is not of this ElixirCluster; delete or rename it, or rename the ElixirCluster",
        # What carries no label of ours is not watched.
        again=5.0,
    )


def key_of(kind: Kind, metadata: Body) -> Key | None:
    """The resource that an object belongs to: by itself, by its owner or by its label.

    The owner comes first, so that a child whose label somebody took away is still seen, and gets it back.
    """
    owner = _owner(metadata)
    if kind == CLUSTERS:
        name = metadata["name"]
    elif owner:
        name = owner["name"]
    else:
        name = (metadata.get("labels") or {}).get(CLUSTER_LABEL)
    return Key(metadata.get("namespace", ""), name) if name else None


def owner_uid(metadata: Body) -> str:
    """The uid of the ElixirCluster that controls the object; empty where none does."""
    owner = _owner(metadata)
    return str(owner["uid"]) if owner else ""


def owner_name(metadata: Body) -> str:
    """The name of that ElixirCluster."""
    owner = _owner(metadata)
    return str(owner["name"]) if owner else ""


def _owner(metadata: Body) -> Body | None:
    for reference in metadata.get("ownerReferences") or []:
        group = reference["apiVersion"].partition("/")[0]
        if reference.get("controller") and (reference["kind"], group) == (KIND, GROUP):
            return dict(reference)
    return None
