"""`ElixirCluster.status`: what the operator sees. Nothing here changes merely because it looked again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from elixircluster.api.schema import Model, keyed

Short = Annotated[str, StringConstraints(max_length=512)]
Message = Annotated[str, StringConstraints(max_length=32768)]

MOST_STRANGERS = 100
MOST_REVISIONS = 10
MOST_IMAGES = 10
MOST_REFERENCES = 256
LONGEST_SPEC = 16384
MOST_MISSING = 16
"""How many pods one node's entry names; beyond, the islands tell more."""


class Condition(Model):
    """A `metav1.Condition`."""

    type: Annotated[str, StringConstraints(max_length=316)] = Field(description="What this is about, CamelCase.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1024)] = Field(description="Why, CamelCase.")
    message: Message = Field(description="Why, for a person.")
    observed_generation: int = Field(ge=0, description="The metadata.generation that this is about.")
    last_transition_time: Annotated[str, StringConstraints(max_length=64)] = Field(
        description="When status last changed.", json_schema_extra={"format": "date-time"}
    )


class NodeStatus(Model):
    """One pod that is meant to be a member."""

    pod: Short = Field(description="The pod.")
    node: Short | None = Field(None, description="The BEAM node's name.")
    revision: Short | None = Field(None, description="The revision that it is of.")
    ready: bool = Field(description="Whether the pod is ready, and its node has booted.")
    up_since: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None, description="When it was first seen so.", json_schema_extra={"format": "date-time"}
    )
    meshed_since: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None,
        description="When it was first seen connected with all others, and since then always.",
        json_schema_extra={"format": "date-time"},
    )
    machine: Short | None = Field(None, description="The Kubernetes Node that the pod is on.")
    lost_since: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None,
        description="Since when that machine does not answer, by what Kubernetes says.",
        json_schema_extra={"format": "date-time"},
    )
    booted: bool | None = Field(
        None, description="Whether the node says that its applications are up; absent where it does not say."
    )
    connected: int | None = Field(None, description="How many members it sees.")
    missing: Annotated[list[Short], Field(max_length=MOST_MISSING)] | None = Field(
        None, description=f"Pods of the members that it does not see, the first {MOST_MISSING} of them."
    )
    otp_release: Short | None = Field(None, description="Its OTP release.")
    elixir_version: Short | None = Field(None, description="Its Elixir, where it has one.")
    image: Short | None = Field(None, description="The image that the pod runs.")
    message: Message | None = Field(None, description="Why it is not ready.")


class RevisionStatus(Model):
    """A revision of the nodes, and what became of it."""

    revision: Short = Field(description="The StatefulSet's name for it, without the resource's.")
    image: Short = Field(description="The image of its nodes.")
    started_at: Annotated[str, StringConstraints(max_length=64)] = Field(
        description="When it was first seen.", json_schema_extra={"format": "date-time"}
    )
    ended_at: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None, description="When its result came.", json_schema_extra={"format": "date-time"}
    )
    result: Literal["Progressing", "Complete", "Failed", "RolledBack", "Superseded"] = Field(
        description="Progressing: its nodes are being made. Complete: all were up and meshed. Failed: not all came up, "
        "see message. RolledBack: the same, and the last that was complete is in its place. Superseded: another one "
        "came before it was complete."
    )
    message: Message | None = Field(None, description="Why it has failed.")
    spec: Annotated[str, StringConstraints(max_length=LONGEST_SPEC)] | None = Field(
        None,
        description="The spec that it was made of, as JSON without defaults, `replicas`, `paused` and `update`. Absent "
        f"where that has more than {LONGEST_SPEC} characters: there is no way back to it.",
    )


class UpdateStatus(Model):
    """Where a change of the nodes stands."""

    revision: Short = Field(description="The newest revision.")
    strategy: Short = Field(description="How it replaces the old one.")
    step: Short = Field(description="What happens now, CamelCase.")
    message: Message = Field(description="What happens now, for a person.")
    progressed_at: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None,
        description="Since when it has got no further, while something is waited for.",
        json_schema_extra={"format": "date-time"},
    )


class ReferredStatus(Model):
    """A Secret or ConfigMap of yours that nodes read at their start."""

    kind: Short = Field(description="Secret or ConfigMap.")
    name: Short = Field(description="Its name.")
    version: Short = Field(description="Its resourceVersion when it was looked at; empty where it was not there.")
    contents: Short = Field(description="A short name for what was in it.")


class ReferencesStatus(Model):
    """What nodes read at their start of objects that are yours."""

    revision: Short | None = Field(None, description="Pods are made with this; another one where any has changed.")
    objects: Annotated[list[ReferredStatus], Field(max_length=MOST_REFERENCES)] | None = Field(
        None, description="The objects, as they were last looked at."
    )


class MigrationStatus(Model):
    """How the migration of the image stands."""

    image: Short | None = Field(None, description="The image that is wanted.")
    job: Short | None = Field(None, description="The Job of the last attempt.")
    result: Literal["Pending", "Running", "Complete", "Failed"] | None = Field(
        None, description="What became of it. Pending: it has not begun."
    )
    started_at: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None, description="When it began.", json_schema_extra={"format": "date-time"}
    )
    ended_at: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None, description="When it ended.", json_schema_extra={"format": "date-time"}
    )
    message: Message | None = Field(None, description="Why it does not run, or has failed.")
    images: Annotated[list[Short], Field(max_length=MOST_IMAGES)] | None = Field(
        None, description="The images whose migration has run, newest first: of none of them it runs again."
    )


Island = Annotated[list[Short], Field(max_length=1000)]


class MeshStatus(Model):
    """What the nodes say of each other."""

    links: int = Field(description="Links that both ends see.")
    expected_links: int = Field(description="Links of a full mesh of all nodes that are wanted.")
    largest_island: int | None = Field(None, description="Nodes of the largest island.")
    islands: Annotated[list[Island], Field(max_length=1000)] = Field(
        description="Pods whose nodes reach each other; more than one island is a split."
    )


class ElixirClusterStatus(Model):
    """What the operator sees."""

    observed_generation: int | None = Field(None, description="The metadata.generation that was looked at.")
    applied_generation: int | None = Field(
        None, description="The newest metadata.generation of which everything was written; behind while paused."
    )
    written: Short | None = Field(
        None,
        description="A short name for what was written and how it was found then; an operator that starts compares it.",
    )
    replicas: int | None = Field(None, description="Pods that exist.")
    ready_replicas: int | None = Field(None, description="Pods that are ready and whose nodes have booted.")
    updated_replicas: int | None = Field(None, description="Pods of the newest revision.")
    ready_nodes: Short | None = Field(None, description="readyReplicas of the wanted ones, as in 2/3.")
    selector: Short | None = Field(None, description="Label selector of the pods, for kubectl scale and autoscalers.")
    wanted_replicas: int | None = Field(None, description="Pods that are wanted.")
    nodes: Annotated[list[NodeStatus], Field(max_length=1000)] | None = Field(
        None, description="The pods.", json_schema_extra=keyed("pod")
    )
    clustered: Short | None = Field(None, description="Nodes of the largest island, of the wanted ones.")
    mesh: MeshStatus | None = Field(None, description="What the nodes say of each other.")
    strangers: Annotated[list[Short], Field(max_length=MOST_STRANGERS)] | None = Field(
        None, description="Nodes that members are connected with and that are no pods of this cluster."
    )
    update: UpdateStatus | None = Field(None, description="Where a change of the nodes stands.")
    history: Annotated[list[RevisionStatus], Field(max_length=MOST_REVISIONS)] | None = Field(
        None, description=f"The last {MOST_REVISIONS} revisions, newest first, and what became of them."
    )
    references: ReferencesStatus | None = Field(
        None, description="What nodes read at their start of Secrets and ConfigMaps that are yours."
    )
    migration: MigrationStatus | None = Field(None, description="How the migration of the image stands.")
    console: Annotated[str, StringConstraints(max_length=1024)] | None = Field(
        None, description="Command that opens a remote console, on a node that answers where there is one."
    )
    cookie_rotation: Short | None = Field(
        None,
        description="The value of the annotation elixircluster.dev/rotate-cookie for which the cookie was changed.",
    )
    conditions: Annotated[list[Condition], Field(max_length=32)] | None = Field(
        None,
        description="Ready, Reconciling and Stalled (kstatus), Available, Progressing, Clustered, Paused; Migrated, "
        "where spec.migration is set.",
        json_schema_extra=keyed("type"),
    )
