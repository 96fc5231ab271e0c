"""An object that a resource made, without what nobody here reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from elixircluster.api.resource import GROUP
from elixircluster.kube.api import Kind
from elixircluster.kube.kinds import JOBS, SECRETS, STATEFUL_SETS
from elixircluster.observed.fields import fields_of
from elixircluster.observed.job import Job
from elixircluster.observed.ownership import owner_uid
from elixircluster.observed.workload import Workload
from elixircluster.text import packed

Body = dict[str, Any]
Identity = tuple[str, str]
"""Kind and name of a child; its namespace is the resource's."""

Mark = tuple[str, str, str]
"""Whose a child is, what was wanted when it was written, and which of its fields are still ours."""

INTENT_ANNOTATION = f"{GROUP}/intent"
"""On every child: a short name for what was wanted when it was written."""


@dataclass(frozen=True, slots=True)
class Child:
    """An object of a resource. Two views are equal where nothing differs that anybody decides by.

    `state` changes when somebody writes what a resource may have a say in. A status, which its controller writes all
    the time, is not part of it.
    """

    kind: str
    name: str
    uid: str
    resource_version: str = field(compare=False)
    owner_uid: str
    state: str
    intent: str = ""
    fields: str = ""
    """Which of its fields are ours."""
    annotations: dict[str, str] = field(default_factory=dict)
    workload: Workload | None = None
    job: Job | None = None
    secret: bytes = field(default=b"", compare=False, repr=False)
    """Of a Secret with a cookie, what is in it: a start reads thousands of them with one list."""

    @classmethod
    def parse(cls, kind: Kind, body: Body) -> Child:
        """The object in `body`."""
        metadata = body["metadata"]
        annotations = own_annotations(metadata)
        return cls(
            kind=kind.kind,
            name=metadata["name"],
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            owner_uid=owner_uid(metadata),
            state=str(metadata.get("generation") or metadata["resourceVersion"]),
            intent=annotations.pop(INTENT_ANNOTATION, ""),
            fields=fields_of(metadata),
            annotations=annotations,
            workload=Workload.parse(body) if kind == STATEFUL_SETS else None,
            job=Job.parse(body) if kind == JOBS else None,
            secret=secret_of(body) if kind == SECRETS else b"",
        )

    @property
    def mark(self) -> Mark:
        """Another one where somebody has written what we want."""
        return self.owner_uid, self.intent, self.fields

    def body(self) -> Body | None:
        """The Secret, where it was kept."""
        found: Body | None = orjson.loads(self.secret) if self.secret else None
        return found


def secret_of(body: Body) -> bytes:
    """The Secret as text, without whose each field is. Certificates, which are larger, are left out."""
    if body.get("type") != "Opaque":
        return b""
    metadata = body["metadata"]
    written = [{"time": entry.get("time", "")} for entry in metadata.get("managedFields") or []]
    return packed({"metadata": {**metadata, "managedFields": written}, "data": body.get("data") or {}})


def own_annotations(metadata: Body) -> dict[str, str]:
    """The operator's own annotations."""
    said = metadata.get("annotations") or {}
    return {key: value for key, value in said.items() if key.startswith(f"{GROUP}/")}
