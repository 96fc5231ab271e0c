"""A resource as it was last seen, small: it is read when something happens to it, and most of the time nothing does."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from elixircluster.text import packed

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """What tells two views apart is kept, and the rest as text: a body of dicts takes four times the memory.

    `said` is a short name for the metadata and the spec, `status` for the status.
    """

    uid: str
    generation: int
    resource_version: str = field(compare=False)
    said: bytes
    status: bytes
    text: bytes = field(compare=False, repr=False)

    @classmethod
    def parse(cls, body: Body) -> Resource:
        """The resource in `body`, without the record of who wrote which field, which is larger than the rest."""
        metadata = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
        unversioned = {name: value for name, value in metadata.items() if name != "resourceVersion"}
        return cls(
            uid=metadata["uid"],
            generation=metadata.get("generation", 1),
            resource_version=metadata["resourceVersion"],
            said=_digest([unversioned, body.get("spec")]),
            status=_digest(body.get("status")),
            text=packed({**body, "metadata": metadata}),
        )

    def body(self) -> Body:
        """As the API server gave it; a new object each time."""
        found: Body = orjson.loads(self.text)
        return found

    def differs(self, other: Resource, *, ours: bool) -> bool:
        """Whether anything differs that somebody decides by. Of a status that we wrote ourselves nothing is new."""
        return self.said != other.said or (not ours and self.status != other.status)


def _digest(value: Any) -> bytes:
    return hashlib.blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
