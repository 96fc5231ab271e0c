"""`ElixirCluster.spec`: the one source of the CRD, its rules and the reference page."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from elixircluster.api.distribution import EPMD_PORT, Distribution, Mesh, NetworkPolicy
from elixircluster.api.migration import Migration
from elixircluster.api.node import Discovery, Release, Vm
from elixircluster.api.pod import (
    OWNED_CONTAINER,
    OWNED_PATHS,
    OWNED_VOLUMES,
    Disruption,
    EnvVar,
    LocalReference,
    PodMetadata,
    PodTemplate,
    Scheduling,
    ServiceAccount,
    Tmp,
    Update,
    is_owned,
)
from elixircluster.api.schema import Model, Mount, Named, RawObject, Rule, keyed
from elixircluster.api.service import PRE_STOP_SECONDS, Health, Shutdown, Web
from elixircluster.api.storage import STORAGE_RULES, Storage
from elixircluster.api.variables import EVERYWHERE, FLAG_VARIABLES, OWNED, without_flags

FileName = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
FileText = Annotated[str, StringConstraints(max_length=65536)]


# Of every check that asks over HTTP the port is given.
PORTS_GIVEN = " && ".join(
    f"(!has({check}) || !has({check}.httpGet) || has({check}.httpGet.port))"
    for check in ("self.health.startup", "self.health.readiness", "self.health.liveness")
)


def _owned() -> str:
    """The variables that nobody else may set, in words."""
    own = (f"with {runtime} {', '.join(n for n in names if n not in EVERYWHERE)}" for runtime, names in OWNED.items())
    return f"{', '.join(EVERYWHERE)}; {'; '.join(own)}"


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
            # The runtime takes no name for an address, so whatever that issuer has signed would pass for any node.
            "!(has(self.distribution) && has(self.distribution.tls) && has(self.distribution.tls.mode) && "
            "self.distribution.tls.mode in ['CertManager', 'Secret']) || (has(self.discovery) && "
            "has(self.discovery.strategy) && self.discovery.strategy in ['DNSSRV', 'Static'])",
            "with distribution.tls.mode CertManager and Secret nodes must be named by host, or any certificate of that "
            "issuer would pass for any node: set discovery.strategy to DNSSRV or Static, or tls.mode to SelfSigned",
            "discovery",
        ),
        Rule(
            f"!has(self.env) || self.env.all(e, !(e.name in {dict(OWNED)!r}[self.runtime]))",
            "these are set by the operator: " + _owned() + "; use spec.release, spec.distribution and spec.vm.args",
            "env",
        ),
        Rule(
            f"!has(self.env) || self.env.all(e, !has(e.value) || !e.name.matches('{FLAG_VARIABLES}') || "
            f"({without_flags('e.value')}))",
            "names, cookie and distribution flags are rendered by the operator, and must not be repeated in a "
            "variable (a repeated flag disables itself); use spec.release, spec.distribution and spec.discovery",
            "env",
        ),
        Rule(
            "!has(self.web) || !has(self.env) || self.env.all(e, e.name != 'PORT' || "
            "(has(e.value) && e.value == string(self.web.port)))",
            "PORT is web.port, on which the release is looked for; set that, and leave PORT out",
            "env",
        ),
        Rule(
            "!has(self.env) || self.env.all(e, e.name != 'ERL_EPMD_PORT')",
            f"epmd is on port {EPMD_PORT}, which the NetworkPolicy guards and the operator asks; leave it so",
            "env",
        ),
        Rule(
            "!has(self.env) || self.env.all(e, !(has(e.value) && has(e.valueFrom)))",
            "an entry has either value or valueFrom",
            "env",
        ),
        Rule(
            f"!has(self.files) || self.files.all(k, k.matches('{FileName}') && k.size() <= 200)",
            "a name is made of letters, digits, - . and _, at most 200, and does not begin with a dot",
            "files",
        ),
        Rule(
            # A ConfigMap holds 1 MiB, and a character takes up to four bytes.
            "!has(self.files) || self.files.map(k, self.files[k].size()).sum() <= 250000",
            "all texts together are at most 250000 characters; mount a volume for more",
            "files",
        ),
        Rule(
            f"!has(self.files) || self.files.all(k, !k.endsWith('vm.args') || ({without_flags('self.files[k]')}))",
            "a vm.args without names, cookie and distribution flags, which are rendered by the operator and "
            "must not be repeated",
            "files",
        ),
        Rule(
            "!has(self.release) || !has(self.release.name) || self.runtime != 'Mix' || "
            "self.release.name.matches('^[a-z][a-z0-9_]*$')",
            "mix release makes names of small letters, digits and _ that begin with a letter, and its "
            "script in bin/ is called so",
            "release.name",
        ),
        Rule(
            f"!has(self.volumes) || self.volumes.all(v, !(v.name in {list(OWNED_VOLUMES)!r}))",
            f"{', '.join(OWNED_VOLUMES)} are the operator's; choose another name",
            "volumes",
        ),
        Rule(
            f"!has(self.volumeMounts) || self.volumeMounts.all(m, !{is_owned('m.mountPath')})",
            f"{', '.join(OWNED_PATHS)} are the operator's; choose another mountPath",
            "volumeMounts",
        ),
        *(
            Rule(
                f"!has(self.{field}) || self.{field}.all(c, c.name != '{OWNED_CONTAINER}')",
                f"{OWNED_CONTAINER} is the release's own container; choose another name",
                field,
            )
            for field in ("sidecars", "initContainers")
        ),
        *STORAGE_RULES,
        Rule(
            f"has(self.web) || !has(self.health) || ({PORTS_GIVEN})",
            "httpGet asks web.port, and there is no web; give it a port, or set spec.web",
            "health",
        ),
        Rule(
            "!has(self.shutdown) || !has(self.shutdown.drain) || (has(self.shutdown.drain.timeoutSeconds) ? "
            "self.shutdown.drain.timeoutSeconds : 60) < (has(self.update) && has(self.update.timeoutSeconds) ? "
            "self.update.timeoutSeconds : 600)",
            "shutdown.drain.timeoutSeconds must be less than update.timeoutSeconds, or no change would end in time",
            "shutdown",
        ),
        Rule(
            "!has(self.shutdown) || !has(self.shutdown.gracePeriodSeconds) || self.shutdown.gracePeriodSeconds > (has("
            "self.shutdown.preStopSeconds) ? self.shutdown.preStopSeconds : "
            f"(has(self.web) ? {PRE_STOP_SECONDS} : 0))",
            "gracePeriodSeconds counts preStopSeconds in, and leaves the node no time to stop; make it longer",
            "shutdown",
        ),
    )

    image: Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^\S+$")] = Field(
        description="The release's image."
    )
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = Field(None, description="As in a container.")
    image_pull_secrets: Annotated[list[LocalReference], Field(max_length=16)] = Field(
        default_factory=list, description="Secrets for the image's registry.", json_schema_extra=keyed("name")
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
    shutdown: Shutdown = Field(default_factory=Shutdown, description="How a node goes.")
    migration: Migration | None = Field(
        None, description="What runs once for an image before its first node starts; by default nothing."
    )
    env: Annotated[list[EnvVar], Field(max_length=256)] = Field(
        default_factory=list, description="More environment variables.", json_schema_extra=keyed("name")
    )
    env_from: Annotated[list[RawObject], Field(max_length=32)] = Field(
        default_factory=list,
        description="Environment variables from ConfigMaps and Secrets, as in a container. Where a variable of the "
        "operator has the same name, the operator's is taken.",
    )
    files: Annotated[dict[str, FileText], Field(max_length=32)] = Field(
        default_factory=dict,
        description="Files by name, mounted read-only in /etc/elixircluster/files. A change rolls the nodes.",
    )
    resources: RawObject | None = Field(None, description="Requests and limits, as in a container.")
    scheduling: Scheduling = Field(default_factory=Scheduling, description="Where pods run.")
    pod_metadata: PodMetadata = Field(default_factory=PodMetadata, description="Labels and annotations of pods.")
    service_account: ServiceAccount = Field(default_factory=ServiceAccount, description="As whom pods run.")
    storage: Annotated[list[Storage], Field(max_length=8)] = Field(
        default_factory=list, description="Disks, one a node each.", json_schema_extra=keyed("name")
    )
    pod_security_context: RawObject | None = Field(
        None,
        description="As in a Pod, in place of the default: runAsNonRoot, uid, gid and fsGroup 65534, seccompProfile "
        "RuntimeDefault.",
    )
    security_context: RawObject | None = Field(
        None,
        description="Of the release's container, in place of the default: no privileges to gain, no capabilities, a "
        "read-only root.",
    )
    tmp: Tmp = Field(default_factory=Tmp, description="The folder /tmp.")
    volumes: Annotated[list[Named], Field(max_length=64)] = Field(
        default_factory=list, description="More volumes, as in a Pod.", json_schema_extra=keyed("name")
    )
    volume_mounts: Annotated[list[Mount], Field(max_length=64)] = Field(
        default_factory=list,
        description="Where the release's container mounts them.",
        json_schema_extra=keyed("mountPath"),
    )
    sidecars: Annotated[list[Named], Field(max_length=16)] = Field(
        default_factory=list,
        description="More containers, as in a Pod. Where its securityContext says nothing of it, one may gain no "
        "privileges and has no capabilities.",
        json_schema_extra=keyed("name"),
    )
    init_containers: Annotated[list[Named], Field(max_length=16)] = Field(
        default_factory=list,
        description="Containers that run before, as in a Pod; restricted as sidecars are.",
        json_schema_extra=keyed("name"),
    )
    pod_template: PodTemplate | None = Field(
        None,
        description="metadata and spec laid over the rendered pod template as a strategic merge, $patch: delete and "
        "replace among it: the last way to say what no field says. The release's container is called app.",
    )
    network_policy: NetworkPolicy = Field(
        default_factory=NetworkPolicy, description="Who may reach the distribution port."
    )
    mesh: Mesh = Field(default_factory=Mesh, description="Whether the nodes are connected, seen from outside.")
    disruption: Disruption = Field(default_factory=Disruption, description="What a drain may take at once.")
    update: Update = Field(default_factory=Update, description="How a new revision replaces the old one.")
    paused: bool = Field(False, description="Observe and report, change nothing.")
