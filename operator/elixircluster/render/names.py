"""What the children of a resource are called and labelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elixircluster.api.distribution import SecretKeyReference
from elixircluster.api.pod import OWNED_CONTAINER
from elixircluster.api.resource import GROUP, ElixirCluster

MANAGED_BY = {"app.kubernetes.io/managed-by": "elixircluster"}
MANAGED_SELECTOR = "app.kubernetes.io/managed-by=elixircluster"
CLUSTER_LABEL = f"{GROUP}/cluster"
COMPONENT_LABEL = "app.kubernetes.io/component"
NODE, MIGRATION = "node", "migration"
"""Components."""
CONTAINER = OWNED_CONTAINER
SLOT_LABEL = f"{GROUP}/slot"
SLOT = "a"
"""Which of a resource's StatefulSets: there is one today. It is in selectors, which can never be changed, from the
beginning; a second one would be called after its slot, and this one keeps the resource's name."""
GENERATED_COOKIE_KEY = "cookie"


@dataclass(frozen=True)
class Names:
    """Names of the children."""

    statefulset: str
    headless: str
    web: str
    config: str
    cookie: str
    service_account: str
    budget: str
    network_policy: str
    certificate: str
    issued: str
    authority: str
    role: str


def names(cluster: ElixirCluster) -> Names:
    """The children's names follow from the resource's alone."""
    name = cluster.name
    return Names(
        statefulset=name,
        headless=f"{name}-nodes",
        web=name,
        config=f"{name}-config",
        cookie=f"{name}-cookie",
        service_account=cluster.spec.service_account.name or name,
        budget=name,
        network_policy=f"{name}-distribution",
        certificate=f"{name}-tls",
        issued=issued_secret(name),
        authority=f"{name}-ca",
        role=f"{name}-discovery",
    )


def issued_secret(name: str) -> str:
    """The Secret that cert-manager fills for the resource of this name."""
    return f"{name}-tls-issued"


def labels(cluster: ElixirCluster) -> dict[str, str]:
    """On every child."""
    return {
        "app.kubernetes.io/name": cluster.base_name,
        "app.kubernetes.io/instance": cluster.name,
        **MANAGED_BY,
        CLUSTER_LABEL: cluster.name,
    }


def members(cluster: ElixirCluster) -> dict[str, str]:
    """The nodes of a resource, whatever their slot."""
    return {CLUSTER_LABEL: cluster.name, COMPONENT_LABEL: NODE}


def selector(cluster: ElixirCluster) -> dict[str, str]:
    """The nodes that are meant to be in one mesh: those of a slot."""
    return {**members(cluster), SLOT_LABEL: SLOT}


def selector_text(wanted: Mapping[str, str]) -> str:
    """Labels as Kubernetes takes them in a list."""
    return ",".join(f"{key}={value}" for key, value in wanted.items())


def pod_name(cluster: ElixirCluster, ordinal: int) -> str:
    """The pod with this ordinal."""
    return f"{cluster.name}-{ordinal}"


def headless_host(cluster: ElixirCluster) -> str:
    """The headless Service's name in DNS, without a trailing dot."""
    return f"{names(cluster).headless}.{cluster.namespace}.svc.{cluster.spec.discovery.cluster_domain}"


def certificate_secret(cluster: ElixirCluster) -> str:
    """The Secret with the nodes' certificate: the user's own, cert-manager's, or the one that is made here.

    Each has a name of its own: nobody writes into another's, and nodes of one authority never read of another.
    """
    tls = cluster.spec.distribution.tls
    if tls.secret_ref:
        return tls.secret_ref.name
    return names(cluster).issued if tls.mode == "CertManager" else names(cluster).certificate


def cookie_key(cluster: ElixirCluster) -> SecretKeyReference:
    """Where the cookie is: in a Secret of the user's, or in the one that is made."""
    reference = cluster.spec.distribution.cookie.secret_key_ref
    return reference or SecretKeyReference(name=names(cluster).cookie, key=GENERATED_COOKIE_KEY)
