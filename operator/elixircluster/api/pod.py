"""The pods: what runs in them beside the release, where, as whom."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from elixircluster.api.schema import Annotations, Labels, Model, ObjectName, RawObject, Rule

# What the operator sets in every container of a node; a second value would break node names or discovery.
OWNED_ENV = (
    "POD_NAME",
    "POD_NAMESPACE",
    "POD_IP",
    "RELEASE_NODE",
    "RELEASE_COOKIE",
    "RELEASE_DISTRIBUTION",
    "RELEASE_REMOTE_VM_ARGS",
    "RELX_COOKIE",
    "VMARGS_PATH",
    "ERL_DIST_PORT",
    "ERLANG_NODE",
    "ERLANG_COOKIE",
    "ERL_AFLAGS",
    "ERL_FLAGS",
)
OWNED_LABELS = (
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/component",
    "app.kubernetes.io/managed-by",
)


class LocalReference(Model):
    """An object of the same namespace."""

    name: ObjectName = Field(description="Its name.")


class EnvVar(Model):
    """An environment variable, as in a container."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$")] = (
        Field(description="Name of the variable.")
    )
    value: Annotated[str, StringConstraints(max_length=65536)] | None = Field(
        None, description="Its value; $(NAME) stands for a variable named before."
    )
    value_from: RawObject | None = Field(None, description="Where its value comes from, as in a container.")


class Scheduling(Model):
    """Where pods run. As in a Pod."""

    node_selector: Labels | None = Field(None, description="Labels that a Kubernetes node must have.")
    affinity: RawObject | None = Field(None, description="As in a Pod.")
    tolerations: Annotated[list[RawObject], Field(max_length=32)] | None = Field(None, description="As in a Pod.")
    topology_spread_constraints: Annotated[list[RawObject], Field(max_length=16)] | None = Field(
        None, description="As in a Pod. Default: spread over Kubernetes nodes where possible."
    )
    priority_class_name: ObjectName | None = Field(None, description="As in a Pod.")


class PodMetadata(Model):
    """What is added to the pods' metadata."""

    rules: ClassVar = (
        Rule(
            "!has(self.labels) || self.labels.all(k, !k.startsWith('elixircluster.dev/') && "
            f"!(k in {list(OWNED_LABELS)!r}))",
            "podMetadata.labels: elixircluster.dev/* and the app.kubernetes.io labels name, instance, component and "
            "managed-by belong to the operator",
            "labels",
        ),
    )

    labels: Labels = Field(default_factory=dict, description="More labels.")
    annotations: Annotations = Field(default_factory=dict, description="More annotations.")


class ServiceAccount(Model):
    """As whom the pods run."""

    rules: ClassVar = (
        Rule(
            "!(has(self.name) && has(self.annotations) && self.annotations.size() > 0)",
            "serviceAccount.annotations are for the ServiceAccount that the operator makes; leave them out "
            "where serviceAccount.name names one of yours",
        ),
    )

    name: ObjectName | None = Field(
        None, description="A ServiceAccount of yours. Default: one that the operator makes, with no rights."
    )
    annotations: Annotations = Field(
        default_factory=dict, description="Annotations of the ServiceAccount that the operator makes."
    )


class Disruption(Model):
    """How much a drain may take at once."""

    max_unavailable: Annotated[int, Field(ge=0, le=1000)] = Field(
        1, description="How many nodes an eviction may take at once (PodDisruptionBudget)."
    )


class Update(Model):
    """How a new revision replaces the old one."""

    strategy: Literal["Rolling", "Recreate"] = Field(
        "Rolling",
        description="Rolling: one node after the other, highest ordinal first, each ready before the next. "
        "Recreate: all at once, for changes with which old and new nodes must not meet.",
    )
    allow_recreate: bool = Field(
        False,
        description="Some changes cannot roll, because old and new nodes could not talk to each other: TLS, the "
        "distribution's port, epmd, the address family, the strategy's way of naming. With this they are made as "
        "Recreate; without it the resource is Stalled and nothing happens.",
    )
