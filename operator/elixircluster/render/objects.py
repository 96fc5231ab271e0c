"""From a resource to its children: the context of the templates, and what they make of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from elixircluster.api.migration import Migration
from elixircluster.api.pod import PodMetadata, PodTemplate
from elixircluster.api.resource import API_VERSION, KIND, ElixirCluster
from elixircluster.errors import Stalled
from elixircluster.render.config import config_files
from elixircluster.render.discovery import node_name, strategy
from elixircluster.render.migration import migration_job, without_a_node
from elixircluster.render.names import headless_host, labels, members, names, pod_name, selector
from elixircluster.render.network_policy import policy
from elixircluster.render.overlay import overlay
from elixircluster.render.pod import pod
from elixircluster.render.taken import refuse_taken_variables
from elixircluster.render.templates import Templates
from elixircluster.render.tls import hosts

Object = dict[str, Any]

COOKIE_TEMPLATE = "cookie-secret.yaml.j2"
TLS_TEMPLATE = "tls-secret.yaml.j2"
MIGRATION_TEMPLATE = "migration-job.yaml.j2"
MADE_ONCE = {COOKIE_TEMPLATE, TLS_TEMPLATE, MIGRATION_TEMPLATE}
LONGEST_DNS_NAME = 253
LONGEST_ATOM = 255


def render(cluster: ElixirCluster, templates: Templates, cookie_identity: str, contents: str = "") -> list[Object]:
    """All children that the resource wants, but for what is made once: Secrets of cookie and certificates, migrations.

    `cookie_identity` tells one Secret from another without telling what is in it, `contents` is the revision of what
    pods read of others' objects. Raises `Stalled` where the resource cannot be rendered.
    """
    refuse_long_names(cluster)
    said = context(cluster, cookie_identity, templates.operator_namespace, contents)
    objects = list(templates.render(said, skip=MADE_ONCE))
    patch = cluster.spec.pod_template
    if patch:
        for item in objects:
            if item["kind"] == "StatefulSet" and item["metadata"]["name"] == names(cluster).statefulset:
                rendered = item["spec"]["template"]
                item["spec"]["template"] = overlay(rendered, known(patch))
                refuse_taken_variables(cluster, rendered, item["spec"]["template"])
    return objects


def known(patch: PodTemplate) -> Object:
    """What the API server keeps of it: a directive beside the labels, say, would take all of ours away."""
    metadata = patch.metadata or PodMetadata()
    return {
        "metadata": {"labels": metadata.labels, "annotations": metadata.annotations},
        **({"spec": patch.spec} if patch.spec else {}),
    }


def render_cookie_secret(cluster: ElixirCluster, templates: Templates, cookie: str) -> Object:
    """The Secret with a new cookie."""
    return _made(cluster, templates, COOKIE_TEMPLATE, "Secret", {"cookie": cookie})


def render_tls_secret(
    cluster: ElixirCluster, templates: Templates, name: str, data: dict[str, str], annotations: dict[str, str]
) -> Object:
    """A Secret with a certificate and its key."""
    said = {"name": name, "data": data, "annotations": annotations}
    return _made(cluster, templates, TLS_TEMPLATE, "Secret", {"secret": said})


def render_migration(cluster: ElixirCluster, migration: Migration, templates: Templates) -> Object:
    """The Job of a migration, with the podTemplate laid over its pod as over a node's."""
    job = migration_job(cluster, migration, config_files(cluster))
    item = _made(cluster, templates, MIGRATION_TEMPLATE, "Job", {"migration": job, "pod": job["pod"]})
    if patch := cluster.spec.pod_template:
        item["spec"]["template"] = without_a_node(overlay(item["spec"]["template"], known(patch)))
    return item


def _made(cluster: ElixirCluster, templates: Templates, template: str, kind: str, said: dict[str, Any]) -> Object:
    """What a template makes that is for one object. A user's own may make none, and no cluster can do without."""
    items = templates.render_one(template, {**context(cluster, "", templates.operator_namespace), **said})
    found = next(items, None)
    if found is None or found["kind"] != kind or not isinstance(found["metadata"].get("labels"), dict):
        raise Stalled("TemplateFailed", f"template {template}: no {kind} with labels")
    return found


def context(
    cluster: ElixirCluster, cookie_identity: str, operator_namespace: str, contents: str = ""
) -> dict[str, Any]:
    """What a template sees. `docs/templates.md` describes it for users."""
    config = config_files(cluster)
    return {
        "name": cluster.name,
        "namespace": cluster.namespace,
        "spec": cluster.spec,
        "names": asdict(names(cluster)),
        "labels": labels(cluster),
        "members": members(cluster),
        "selector": selector(cluster),
        "owner": owner(cluster),
        "config": config,
        "asks_api": strategy(cluster).asks_api,
        "policy": policy(cluster, operator_namespace),
        "tls_hosts": list(hosts(cluster)),
        "pod": pod(cluster, config, cookie_identity, contents),
    }


def owner(cluster: ElixirCluster) -> dict[str, Any]:
    """The reference by which Kubernetes deletes the children with the resource."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": cluster.name,
        "uid": cluster.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def refuse_long_names(cluster: ElixirCluster) -> None:
    """The API server cannot check these, because a rule does not see the namespace."""
    last = pod_name(cluster, max(cluster.spec.replicas - 1, 0))
    host = f"{last}.{headless_host(cluster)}"
    if len(host) > LONGEST_DNS_NAME:
        raise Stalled(
            "NameTooLong",
            f"the pods' DNS name {host} is longer than {LONGEST_DNS_NAME}; shorten metadata.name",
        )
    node = node_name(cluster).replace("$(POD_NAME)", last)
    if len(node) > LONGEST_ATOM:
        raise Stalled(
            "NameTooLong",
            f"the nodes' name {node} is longer than the {LONGEST_ATOM} characters of an atom; shorten release.name",
        )
