"""Labels by which objects are seen, given back where somebody took them away."""

from __future__ import annotations

from collections.abc import Mapping

from elixircluster.kube.api import Api, Body, Kind


async def labelled(api: Api, kind: Kind, body: Body, labels: Mapping[str, str]) -> Body:
    """The object with these labels, which it is given where it lacks them. Raises `ApiError` where that cannot be."""
    metadata = body["metadata"]
    if labels.items() <= (metadata.get("labels") or {}).items():
        return body
    patch = {"metadata": {"uid": metadata["uid"], "labels": dict(labels)}}
    return await api.merge(kind, metadata["namespace"], metadata["name"], patch)
