"""The StatefulSet, as its status says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from elixircluster.api.resource import GROUP
from elixircluster.observed.fields import written_at
from elixircluster.render.pod import CONTENTS_ANNOTATION, DISTRIBUTION_ANNOTATION

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
    distribution: str = ""
    """How the nodes of its template are reached."""
    contents: str = ""
    """Which revision of others' Secrets and ConfigMaps its template names."""
    pods: int = 0
    """How many pods its controller counts."""

    @classmethod
    def parse(cls, body: Body) -> Workload:
        """The StatefulSet in `body`."""
        metadata, status = body["metadata"], body.get("status") or {}
        return cls(
            observed=status.get("observedGeneration", 0) >= metadata.get("generation", 1),
            replicas=body["spec"].get("replicas", 1),
            revision=status.get("updateRevision", ""),
            template=annotation(body, TEMPLATE_ANNOTATION),
            written=written_at(metadata),
            distribution=annotation(body["spec"].get("template") or {}, DISTRIBUTION_ANNOTATION),
            contents=annotation(body["spec"].get("template") or {}, CONTENTS_ANNOTATION),
            pods=status.get("replicas", 0),
        )

    @property
    def is_empty(self) -> bool:
        """Whether it has no pod and is to have none."""
        return not (self.replicas or self.pods)


def annotation(body: Body, name: str) -> str:
    """An annotation of an object; empty where it has none of this name."""
    return str(((body.get("metadata") or {}).get("annotations") or {}).get(name, ""))
