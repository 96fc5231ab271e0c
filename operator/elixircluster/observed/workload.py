"""The StatefulSet, as its status says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from elixircluster.api.resource import GROUP
from elixircluster.observed.fields import written_at

Body = dict[str, Any]

TEMPLATE_ANNOTATION = f"{GROUP}/template"
"""On the StatefulSet: a short name for the pod template that was written."""


@dataclass(frozen=True, slots=True)
class Workload:
    """The StatefulSet. `revision` is the newest as far as its controller has looked: `observed` tells if it has."""

    observed: bool
    replicas: int
    revision: str
    template: str = ""
    written: str = ""
    """When the operator last wrote what is in it."""

    @classmethod
    def parse(cls, body: Body) -> Workload:
        """The StatefulSet in `body`."""
        metadata, status = body["metadata"], body.get("status") or {}
        return cls(
            observed=status.get("observedGeneration", 0) >= metadata.get("generation", 1),
            replicas=body["spec"].get("replicas", 1),
            revision=status.get("updateRevision", ""),
            template=(metadata.get("annotations") or {}).get(TEMPLATE_ANNOTATION, ""),
            written=written_at(metadata),
        )
