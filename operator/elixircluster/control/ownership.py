"""Whose an object is. What is not ours is never written."""

from __future__ import annotations

from elixircluster.api.resource import ElixirCluster
from elixircluster.errors import Retry, Stalled


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
