"""The resource as a whole: its identity, and how a dict from the API server becomes one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from pydantic import ValidationError

from elixircluster.api.schema import Rule
from elixircluster.api.spec import ElixirClusterSpec
from elixircluster.api.structural import JsonSchema, structural
from elixircluster.api.validation import broken, defaulted
from elixircluster.errors import Stalled

GROUP = "elixircluster.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ElixirCluster"
PLURAL = "elixirclusters"

ROTATE_ANNOTATION = f"{GROUP}/rotate-cookie"
"""Any new value of it on a resource asks for a new cookie; on the cookie's Secret, the value that was begun with."""

PROMOTE_ANNOTATION = f"{GROUP}/promote"
"""Names the revision that may go on from its first nodes to the others."""

RETRY_ANNOTATION = f"{GROUP}/retry"
"""Any new value of it on a resource asks for another attempt at a migration that has failed."""

LONGEST_REQUEST = 512
"""Of what an annotation asks for; more is not told from less."""

MOST_TOLD = 5
"""Of what is wrong with a spec."""

MOST_REMEMBERED = 10_000
"""Specs of which it is remembered whether the rules refuse them."""

# A pod's controller-revision-hash label is the StatefulSet's name, a dash and ten characters; a label holds 63.
MAX_NAME = 52


NAME_RULES = (
    Rule(
        f"self.metadata.name.size() <= {MAX_NAME}",
        f"metadata.name is longer than {MAX_NAME} characters, and would not fit into the labels of its pods; "
        "choose a shorter name",
    ),
    Rule(
        "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "metadata.name must begin with a letter and hold only small letters, digits and -, because Services are "
        "named after it",
    ),
)


class Key(NamedTuple):
    """Namespace and name of a resource: all that an event leaves behind."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class ElixirCluster:
    """A resource that was parsed.

    `status` is as it stands in the API server. Annotations: a new value of `rotate_cookie` asks for a new cookie, one
    of `retry` for a migration once more.
    `promoted`: the revision that may go on from its first nodes to the others. `failed`: why `spec` is not what the
    resource wants, but what its nodes were made of before.
    """

    key: Key
    uid: str
    generation: int
    spec: ElixirClusterSpec
    status: dict[str, Any]
    rotate_cookie: str = ""
    retry: str = ""
    promoted: str = ""
    failed: str = ""

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

    Raises `Stalled` where it breaks the schema or a rule: the API server refuses such a resource, but one that was
    stored under an older CRD can still come up.
    """
    metadata = body["metadata"]
    wanted = defaulted(schema(), {"metadata": {"name": metadata["name"]}, "spec": body.get("spec")})
    try:
        spec = ElixirClusterSpec.model_validate(wanted.get("spec", {}), strict=True)
    except ValidationError as error:
        raise Stalled("InvalidSpec", explain(error)) from None
    if said := refused(wanted):
        raise Stalled("InvalidSpec", "; ".join(said[:MOST_TOLD]))
    asked = metadata.get("annotations") or {}
    return ElixirCluster(
        key=Key(metadata.get("namespace") or "default", metadata["name"]),
        uid=metadata.get("uid", ""),
        generation=metadata.get("generation", 1),
        spec=spec,
        status=body.get("status") or {},
        rotate_cookie=(asked.get(ROTATE_ANNOTATION) or "")[:LONGEST_REQUEST],
        retry=(asked.get(RETRY_ANNOTATION) or "")[:LONGEST_REQUEST],
        promoted=(asked.get(PROMOTE_ANNOTATION) or "")[:LONGEST_REQUEST],
    )


@cache
def schema() -> JsonSchema:
    """What of a resource is checked: its name and its spec."""
    return {
        "type": "object",
        "required": ["spec"],
        "properties": {"metadata": {"type": "object"}, "spec": structural(ElixirClusterSpec)},
        "x-kubernetes-validations": [rule.schema() for rule in NAME_RULES],
    }


def refused(wanted: dict[str, Any]) -> tuple[str, ...]:
    """What the rules say against a resource. Asked at every reconcile, so that the answer for a spec is remembered."""
    spec = wanted.get("spec", {})
    text = json.dumps(spec, default=str)
    digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=16).digest()
    if digest not in _answers:
        if len(_answers) >= MOST_REMEMBERED:
            _answers.clear()
        _answers[digest] = tuple(broken(schema()["properties"]["spec"], spec, "spec"))
    rules = {"x-kubernetes-validations": schema()["x-kubernetes-validations"]}
    return (*broken(rules, {"metadata": wanted["metadata"]}), *_answers[digest])


_answers: dict[bytes, tuple[str, ...]] = {}


def explain(error: ValidationError) -> str:
    """The first errors: field, what is wrong."""
    lines = []
    for detail in error.errors(include_url=False, include_input=False)[:MOST_TOLD]:
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"])
        lines.append(f"spec{path}: {detail['msg'][0].lower()}{detail['msg'][1:]}")
    return "; ".join(lines)
