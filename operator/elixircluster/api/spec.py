"""`ElixirCluster.spec`: the one source of the CRD, its rules and the reference page."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from elixircluster.api.distribution import EPMD_PORT, Distribution, Mesh, NetworkPolicy
from elixircluster.api.node import Discovery, Release, Vm
from elixircluster.api.pod import (
    OWNED_ENV,
    Disruption,
    EnvVar,
    LocalReference,
    PodMetadata,
    Scheduling,
    ServiceAccount,
    Update,
)
from elixircluster.api.schema import Model, RawObject, Rule
from elixircluster.api.service import Health, Web

FileName = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
FileText = Annotated[str, StringConstraints(max_length=65536)]


class ElixirClusterSpec(Model):
    """What the user wants."""

    rules: ClassVar = (
        Rule(
            "!has(self.web) || (has(self.web.port) ? self.web.port : 4000) != "
            "(has(self.distribution) && has(self.distribution.port) ? self.distribution.port : 6789)",
            "web.port and distribution.port are the same; choose another web.port",
            "web",
        ),
        Rule(
            "!has(self.web) || (has(self.web.port) ? self.web.port : 4000) != "
            f"{EPMD_PORT} || !has(self.distribution) || !has(self.distribution.epmd) "
            "|| self.distribution.epmd != 'Enabled'",
            f"web.port {EPMD_PORT} is epmd's; choose another web.port",
            "web",
        ),
        Rule(
            "!(has(self.distribution) && has(self.distribution.ipFamily) && self.distribution.ipFamily == 'IPv6' "
            "&& has(self.discovery) && has(self.discovery.strategy) && self.discovery.strategy == 'API')",
            "libcluster asks the API server over IPv4 only; with distribution.ipFamily IPv6 choose another "
            "discovery.strategy",
            "discovery",
        ),
        Rule(
            f"!has(self.env) || self.env.all(e, !(e.name in {list(OWNED_ENV)!r}))",
            "env: POD_*, RELEASE_NODE, RELEASE_COOKIE, RELEASE_DISTRIBUTION, RELEASE_REMOTE_VM_ARGS, RELX_COOKIE, "
            "VMARGS_PATH, ERL_DIST_PORT, ERLANG_*, ERL_AFLAGS and ERL_FLAGS are set by the operator; use spec.release, "
            "spec.distribution and spec.vm.args",
            "env",
        ),
        Rule(
            "!has(self.env) || self.env.all(e, !(has(e.value) && has(e.valueFrom)))",
            "env: an entry has either value or valueFrom",
            "env",
        ),
        Rule(
            f"!has(self.files) || self.files.all(k, k.matches('{FileName}') && k.size() <= 200)",
            "files: a name is made of letters, digits, - . and _, at most 200, and does not begin with a dot",
            "files",
        ),
        Rule(
            # A ConfigMap holds 1 MiB, and a character takes up to four bytes.
            "!has(self.files) || self.files.map(k, self.files[k].size()).sum() <= 250000",
            "files: all texts together are at most 250000 characters; mount a volume for more",
            "files",
        ),
        Rule(
            "has(self.release) == has(oldSelf.release) || "
            "(has(self.release) ? !has(self.release.name) : !has(oldSelf.release.name))",
            "release.name is the name of every node and cannot change; make a new ElixirCluster for a new name",
            "release",
        ),
    )

    image: Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^\S+$")] = Field(
        description="The release's image."
    )
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = Field(None, description="As in a container.")
    image_pull_secrets: Annotated[list[LocalReference], Field(max_length=16)] = Field(
        default_factory=list, description="Secrets for the image's registry."
    )
    replicas: Annotated[int, Field(ge=0, le=1000)] = Field(3, description="How many nodes.")
    runtime: Literal["Mix", "Relx", "Gleam", "Erl"] = Field(
        "Mix",
        description="What starts the node. Mix: the script of mix release. Relx: the extended start script of rebar3. "
        "Gleam: the entrypoint.sh of an Erlang shipment. Erl: anything that ends in a plain erl.",
    )
    release: Release = Field(default_factory=Release, description="The release inside the image.")
    discovery: Discovery = Field(default_factory=Discovery, description="How nodes find each other.")
    distribution: Distribution = Field(default_factory=Distribution, description="The connection between nodes.")
    vm: Vm = Field(default_factory=Vm, description="The virtual machine.")
    web: Web | None = Field(None, description="The HTTP endpoint; without it there is no Service for clients.")
    health: Health = Field(default_factory=Health, description="Probes.")
    env: Annotated[list[EnvVar], Field(max_length=256)] = Field(
        default_factory=list, description="More environment variables."
    )
    env_from: Annotated[list[RawObject], Field(max_length=32)] = Field(
        default_factory=list,
        description="Environment variables from ConfigMaps and Secrets, as in a container.",
    )
    files: Annotated[dict[str, FileText], Field(max_length=32)] = Field(
        default_factory=dict,
        description="Files by name, mounted read-only in /etc/elixircluster/files. A change rolls the nodes.",
    )
    resources: RawObject | None = Field(None, description="Requests and limits, as in a container.")
    scheduling: Scheduling = Field(default_factory=Scheduling, description="Where pods run.")
    pod_metadata: PodMetadata = Field(default_factory=PodMetadata, description="Labels and annotations of pods.")
    service_account: ServiceAccount = Field(default_factory=ServiceAccount, description="As whom pods run.")
    volumes: Annotated[list[RawObject], Field(max_length=64)] = Field(
        default_factory=list, description="More volumes, as in a Pod."
    )
    volume_mounts: Annotated[list[RawObject], Field(max_length=64)] = Field(
        default_factory=list, description="Where the release's container mounts them."
    )
    sidecars: Annotated[list[RawObject], Field(max_length=16)] = Field(
        default_factory=list, description="More containers, as in a Pod."
    )
    init_containers: Annotated[list[RawObject], Field(max_length=16)] = Field(
        default_factory=list, description="Containers that run before, as in a Pod."
    )
    pod_template: RawObject | None = Field(
        None,
        description="metadata and spec laid over the rendered pod template as a strategic merge: "
        "the last way to say what no field says. The release's container is called app.",
    )
    network_policy: NetworkPolicy = Field(
        default_factory=NetworkPolicy, description="Who may reach the distribution port."
    )
    mesh: Mesh = Field(default_factory=Mesh, description="Whether the nodes are connected, seen from outside.")
    disruption: Disruption = Field(default_factory=Disruption, description="What a drain may take at once.")
    update: Update = Field(default_factory=Update, description="How a new revision replaces the old one.")
    paused: bool = Field(False, description="Observe and report, change nothing.")
