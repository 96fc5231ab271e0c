"""The resource as a whole: its identity, and how a dict from the API server becomes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import ValidationError

from elixircluster.api.spec import ElixirClusterSpec
from elixircluster.errors import Stalled

GROUP = "elixircluster.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ElixirCluster"
PLURAL = "elixirclusters"

ROTATE_ANNOTATION = f"{GROUP}/rotate-cookie"
"""Any new value of it on a resource asks for a new cookie; on the cookie's Secret, the value that was begun with."""

LONGEST_ROTATION = 512
"""Of what the annotation says; more is not told from less."""

# A pod's controller-revision-hash label is the StatefulSet's name, a dash and ten characters; a label holds 63.
MAX_NAME = 52


class Key(NamedTuple):
    """Namespace and name of a resource: all that an event leaves behind."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class ElixirCluster:
    """A resource that was parsed.

    `status` is as it stands in the API server; a new value of `rotate_cookie`, an annotation, asks for a new cookie.
    """

    key: Key
    uid: str
    generation: int
    spec: ElixirClusterSpec
    status: dict[str, Any]
    rotate_cookie: str = ""

    @property
    def name(self) -> str:
        """`metadata.name`."""
        return self.key.name

    @property
    def namespace(self) -> str:
        """`metadata.namespace`."""
        return self.key.namespace

    @property
    def base_name(self) -> str:
        """The part of every node's name before the @."""
        return self.spec.release.name or self.name.replace("-", "_")


def parse(body: dict[str, Any]) -> ElixirCluster:
    """The resource in `body`.

    Raises `Stalled` where the spec breaks the schema: the API server refuses such a spec, but one that was
    stored under an older CRD can still come up.
    """
    metadata = body["metadata"]
    try:
        spec = ElixirClusterSpec.model_validate(body.get("spec", {}))
    except ValidationError as error:
        raise Stalled("InvalidSpec", explain(error)) from None
    return ElixirCluster(
        key=Key(metadata.get("namespace", "default"), metadata["name"]),
        uid=metadata.get("uid", ""),
        generation=metadata.get("generation", 1),
        spec=spec,
        status=body.get("status") or {},
        rotate_cookie=(metadata.get("annotations") or {}).get(ROTATE_ANNOTATION, "")[:LONGEST_ROTATION],
    )


def explain(error: ValidationError) -> str:
    """The first errors, one a line: field, what is wrong."""
    lines = []
    for detail in error.errors(include_url=False, include_input=False)[:5]:
        path = ".".join(str(part) for part in ("spec", *detail["loc"]))
        lines.append(f"{path}: {detail['msg'][0].lower()}{detail['msg'][1:]}")
    return "; ".join(lines)
