"""The kinds that a resource owns, and what may happen to each: a row a kind."""

from __future__ import annotations

from dataclasses import dataclass

from elixircluster.api.resource import GROUP, KIND, PLURAL, VERSION
from elixircluster.kube.api import Kind

CLUSTERS = Kind(GROUP, VERSION, PLURAL, KIND)
PODS = Kind("", "v1", "pods", "Pod")
SECRETS = Kind("", "v1", "secrets", "Secret")
CONFIG_MAPS = Kind("", "v1", "configmaps", "ConfigMap")
STATEFUL_SETS = Kind("apps", "v1", "statefulsets", "StatefulSet")
JOBS = Kind("batch", "v1", "jobs", "Job")
EVENTS = Kind("", "v1", "events", "Event")
LEASES = Kind("coordination.k8s.io", "v1", "leases", "Lease")
ROLES = Kind("rbac.authorization.k8s.io", "v1", "roles", "Role")
ROLE_BINDINGS = Kind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
CERTIFICATES = Kind("cert-manager.io", "v1", "certificates", "Certificate")


@dataclass(frozen=True)
class Owned:
    """A kind of child.

    `prunable`: deleted when the spec no longer wants it, which data never is, nor what somebody else sees to.
    `watched`: not so where the API server may not know the kind, or not let us at it, since a watch on it would never
    begin. `needed`: no pod is made without it, since it could not start, or would start unprotected. `right`: the
    chart's value that gives the right to the kind, where that is not given to everybody. `applied`: from a template,
    and again where it changes; not so what is made once and stays as it is.
    """

    kind: Kind
    prunable: bool
    watched: bool = True
    needed: bool = True
    right: str = ""
    applied: bool = True


OWNED = {
    row.kind.kind: row
    for row in (
        Owned(SECRETS, prunable=False),
        Owned(CONFIG_MAPS, prunable=True),
        Owned(Kind("", "v1", "services", "Service"), prunable=True),
        Owned(Kind("", "v1", "serviceaccounts", "ServiceAccount"), prunable=True),
        Owned(Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"), prunable=True, needed=False),
        Owned(Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy"), prunable=True),
        Owned(ROLES, prunable=True, watched=False, needed=False, right="rbac.apiDiscovery"),
        Owned(ROLE_BINDINGS, prunable=True, watched=False, needed=False, right="rbac.apiDiscovery"),
        Owned(CERTIFICATES, prunable=True, watched=False, right="rbac.certManager"),
        Owned(JOBS, prunable=False, applied=False),
        Owned(STATEFUL_SETS, prunable=False),
    )
}
WATCHED = (*(row.kind for row in OWNED.values() if row.watched), PODS)
SOMETIMES_KNOWN = tuple(row.kind for row in OWNED.values() if not row.watched)
"""Kinds that are listed, where the API server knows them and lets us, and not watched."""
