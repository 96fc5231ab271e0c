"""What the children of a resource are called and labelled."""

from __future__ import annotations

from dataclasses import dataclass

from elixircluster.api.distribution import SecretKeyReference
from elixircluster.api.resource import GROUP, ElixirCluster

MANAGED_BY = {"app.kubernetes.io/managed-by": "elixircluster"}
MANAGED_SELECTOR = "app.kubernetes.io/managed-by=elixircluster"
CLUSTER_LABEL = f"{GROUP}/cluster"
COMPONENT_LABEL = "app.kubernetes.io/component"
CONTAINER = "app"
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
        authority=f"{name}-ca",
        role=f"{name}-discovery",
    )


def labels(cluster: ElixirCluster) -> dict[str, str]:
    """On every child."""
    return {
        "app.kubernetes.io/name": cluster.base_name,
        "app.kubernetes.io/instance": cluster.name,
        **MANAGED_BY,
        CLUSTER_LABEL: cluster.name,
    }


def selector(cluster: ElixirCluster) -> dict[str, str]:
    """The members: pods of the resource that are meant to be in the mesh."""
    return {CLUSTER_LABEL: cluster.name, COMPONENT_LABEL: "node"}


def pod_name(cluster: ElixirCluster, ordinal: int) -> str:
    """The pod with this ordinal."""
    return f"{cluster.name}-{ordinal}"


def headless_host(cluster: ElixirCluster) -> str:
    """The headless Service's name in DNS, without a trailing dot."""
    return f"{names(cluster).headless}.{cluster.namespace}.svc.{cluster.spec.discovery.cluster_domain}"


def certificate_secret(cluster: ElixirCluster) -> str:
    """The Secret with the nodes' certificate: the user's own, or the one that is made."""
    reference = cluster.spec.distribution.tls.secret_ref
    return reference.name if reference else names(cluster).certificate


def cookie_key(cluster: ElixirCluster) -> SecretKeyReference:
    """Where the cookie is: in a Secret of the user's, or in the one that is made."""
    reference = cluster.spec.distribution.cookie.secret_ref
    return reference or SecretKeyReference(name=names(cluster).cookie, key=GENERATED_COOKIE_KEY)
