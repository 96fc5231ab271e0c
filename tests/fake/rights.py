"""What the operator may ask for: the roles that `deploy/` installs, as an API server holds them against a request."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from elixircluster.kube.api import Kind

ROLES = Path(__file__).resolve().parents[2] / "deploy" / "kustomize" / "rbac"
VERBS = {"apply": "patch", "merge": "patch", "replace": "update"}
"""Of requests that are named after how they write."""


class Right(NamedTuple):
    """One verb on one resource, a subresource after a slash."""

    group: str
    resource: str
    verb: str


def needed(kind: Kind, verb: str, subresource: str = "") -> Right:
    """What a request needs. An apply that makes its object needs `create`, too."""
    resource = f"{kind.plural}/{subresource}" if subresource else kind.plural
    return Right(kind.group, resource, VERBS.get(verb, verb))


@cache
def granted() -> frozenset[Right]:
    """All that is bound to the operator's ServiceAccount, with what is given only when it is asked for."""
    documents = [body for path in ROLES.rglob("rbac.yaml") for body in yaml.safe_load_all(path.read_text())]
    bindings = [body for body in documents if body["kind"] in {"RoleBinding", "ClusterRoleBinding"}]
    bound = {(body["roleRef"]["kind"], body["roleRef"]["name"]) for body in bindings}
    roles = [body for body in documents if (body["kind"], body["metadata"]["name"]) in bound]
    return frozenset(right for role in roles for rule in role["rules"] for right in rights(rule))


def rights(rule: dict[str, Any]) -> Iterator[Right]:
    """Every right in a rule."""
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                yield Right(group, resource, verb)
