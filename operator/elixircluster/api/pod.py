"""The pods: what runs in them beside the release, where, as whom."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from elixircluster.api.schema import Annotations, Labels, Model, ObjectName, RawObject, Rule

OWNED_CONTAINER = "app"
OWNED_VOLUMES = ("tmp", "config", "cookie", "tls")
OWNED_PATHS = ("/tmp", "/etc/elixircluster", "/etc/elixircluster-cookie", "/etc/elixircluster-tls")  # noqa: S108

RESTARTED_ANNOTATION = "elixircluster.dev/restartedAt"
"""What `kubectl elixir restart` gives the pods."""

Quantity = Annotated[
    str, StringConstraints(min_length=1, max_length=32, pattern=r"^[0-9]+(\.[0-9]+)?([kMGTPE]|[KMGTPE]i)?$")
]
OWNED_LABELS = (
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/component",
    "app.kubernetes.io/managed-by",
)


def is_owned(path: str) -> str:
    """In CEL: whether a path is one of ours. Kubernetes tells /tmp/ from /tmp, and mounts one over the other."""
    ours = "|".join(owned.strip("/").replace("/", "/+") for owned in OWNED_PATHS)
    return f"{path}.matches('^/+({ours})/*$')"


class LocalReference(Model):
    """An object of the same namespace."""

    name: ObjectName = Field(description="Its name.")


class EnvVar(Model):
    """An environment variable, as in a container."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$")] = (
        Field(description="Name of the variable.")
    )
    value: Annotated[str, StringConstraints(max_length=8192)] | None = Field(
        None, description="Its value; $(NAME) stands for a variable named before."
    )
    value_from: RawObject | None = Field(None, description="Where its value comes from, as in a container.")


class Scheduling(Model):
    """Where pods run. As in a Pod."""

    node_selector: Labels | None = Field(None, description="Labels that a Kubernetes node must have.")
    affinity: RawObject | None = Field(None, description="As in a Pod.")
    tolerations: Annotated[list[RawObject], Field(max_length=32)] | None = Field(None, description="As in a Pod.")
    topology_spread_constraints: Annotated[list[RawObject], Field(max_length=16)] | None = Field(
        None,
        description="As in a Pod; [] for none. Default: over Kubernetes nodes where possible, and by a preferred "
        "podAntiAffinity over zones, unless affinity has a podAntiAffinity.",
    )
    priority_class_name: ObjectName | None = Field(None, description="As in a Pod.")


class PodMetadata(Model):
    """Metadata of the pods, beside what the operator gives them."""

    rules: ClassVar = (
        Rule(
            "!has(self.labels) || self.labels.all(k, !k.startsWith('elixircluster.dev/') && "
            f"!(k in {list(OWNED_LABELS)!r}))",
            "the pods' labels elixircluster.dev/* and app.kubernetes.io/ name, instance, component and managed-by "
            "belong to the operator; leave them out",
            "labels",
        ),
        Rule(
            "!has(self.annotations) || self.annotations.all(k, !k.startsWith('elixircluster.dev/') || "
            f"k == '{RESTARTED_ANNOTATION}')",
            "the pods' annotations elixircluster.dev/* belong to the operator; leave them out",
            "annotations",
        ),
    )

    labels: Labels = Field(default_factory=dict, description="More labels.")
    annotations: Annotations = Field(default_factory=dict, description="More annotations.")


class PodTemplate(Model):
    """What is laid over the rendered pod template."""

    metadata: PodMetadata | None = Field(None, description="Labels and annotations.")
    spec: RawObject | None = Field(None, description="As in a Pod.")


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
    automount_token: bool | None = Field(
        None,
        description="Whether pods get its token. Default: with discovery.strategy API only, which asks the API server.",
    )


class Tmp(Model):
    """The folder /tmp, the one place in which a release may write."""

    size_limit: Quantity = Field(
        "1Gi",
        description="What /tmp may hold: uploads, crash dumps, the release's own files. A pod that writes more is "
        "evicted, rather than its machine's disk filled.",
    )


class Disruption(Model):
    """How much a drain may take at once."""

    max_unavailable: Annotated[int, Field(ge=0, le=1000)] = Field(
        1, description="How many nodes an eviction may take at once (PodDisruptionBudget)."
    )


class Canary(Model):
    """Some nodes of a new revision first, and then a pause."""

    nodes: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="How many nodes are of it during the pause.")
    pause_seconds: Annotated[int, Field(ge=1, le=604800)] | None = Field(
        None,
        description="For how long these must be up before the update goes on by itself. Default: until somebody says "
        "so, with `kubectl elixir promote NAME`.",
    )


class Update(Model):
    """How a new revision replaces the old one."""

    rules: ClassVar = (
        Rule(
            "!has(self.minReadySeconds) || self.minReadySeconds < self.timeoutSeconds",
            "update.minReadySeconds must be less than update.timeoutSeconds, or no change would end in time",
            "minReadySeconds",
        ),
        Rule(
            "self.minMeshedSeconds < self.timeoutSeconds",
            "update.minMeshedSeconds must be less than update.timeoutSeconds, or no change would end in time",
            "minMeshedSeconds",
        ),
        Rule(
            "!has(self.canary) || self.strategy == 'Rolling'",
            "update.canary needs update.strategy Rolling: with Recreate no old node runs beside a new one",
            "canary",
        ),
    )

    strategy: Literal["Rolling", "Recreate"] = Field(
        "Rolling",
        description="Rolling: one node after the other, highest ordinal first, each up and in the mesh before the "
        "next. "
        "Recreate: all at once, for changes with which old and new nodes must not meet.",
    )
    allow_recreate: bool = Field(
        False,
        description="Some changes cannot roll, because old and new nodes could not talk to each other: TLS, the "
        "distribution's port, epmd, its tick, the address family, the strategy's way of naming and what names are made "
        "of. With this they are made as Recreate; without it the resource is Stalled and nothing happens.",
    )
    min_ready_seconds: Annotated[int, Field(ge=0, le=3600)] | None = Field(
        None,
        description="For how long each new node must be ready before a rolling update takes the next. It is also how "
        "long a node that does not tell whether it has booted must be ready before that is believed. Default: 10 for "
        "such a node and for the first one of a new revision, else 0.",
    )
    min_meshed_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        5,
        description="For how long every new node must have been connected with all others, by what they say, before a "
        "rolling update takes the next one. Without meaning where nodes are not asked (`mesh.probe: Disabled`), or are "
        "not meant to be all connected.",
    )
    timeout_seconds: Annotated[int, Field(ge=10, le=86400)] = Field(
        600,
        description="After how many seconds in which a change gets no further a person is asked to act: Stalled, "
        "reason ProgressDeadlineExceeded. By itself nothing is undone, and it goes on once it can; see onFailure.",
    )
    canary: Canary | None = Field(
        None,
        description="A new revision comes to some nodes, and to the others once it is promoted. A revision that was "
        "complete before needs no promotion: the way back is never held up.",
    )
    on_reference_change: Literal["Roll", "Ignore"] = Field(
        "Roll",
        description="What becomes of nodes when a Secret or ConfigMap of yours, from which they have env, envFrom or "
        "volumes, holds something else. Roll: they are replaced, as for a change of the spec. Ignore: they stay as "
        "they are. Of cookie and certificates neither is meant.",
    )
    on_failure: Literal["Pause", "Rollback"] = Field(
        "Pause",
        description="What becomes of a new revision that gets no further for timeoutSeconds. Pause: it stays where it "
        "stands, and goes on by itself once it can. Rollback: the last revision whose nodes were all up and meshed "
        "takes its place, and the resource is Stalled, reason RolledBack, until its spec changes. Either way no node "
        "is taken while one of a newer revision is not up.",
    )
