"""The BEAM node itself: its release, its virtual machine, its distribution and how it finds the others."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from elixircluster.api.schema import DNS_SUBDOMAIN, Model, ObjectName, Port, Rule, Text

Argument = Annotated[str, StringConstraints(min_length=1, max_length=4096)]

# Flags that the operator renders. Repeated, several of them silently disable themselves (`-proto_dist`
# twice is plaintext, `-erl_epmd_port` twice is a random port), so nobody else may give them.
OWNED_FLAGS = (
    "-name",
    "-sname",
    "-setcookie",
    "-start_epmd",
    "-erl_epmd_port",
    "-epmd_module",
    "-proto_dist",
    "-ssl_dist_optfile",
    "-dist_listen",
    "-args_file",
)


class Release(Model):
    """The release inside the image."""

    rules: ClassVar = (
        Rule(
            "has(self.name) == has(oldSelf.name) && (!has(self.name) || self.name == oldSelf.name)",
            "release.name is the name of every node and cannot change; make a new ElixirCluster for a new name",
            "name",
        ),
    )

    name: (
        Annotated[
            str,
            StringConstraints(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$"),
        ]
        | None
    ) = Field(
        None,
        description="Base name of every node, the part before the @, and of the release's script in bin/. "
        "Default: the resource's name with _ for -. Cannot change.",
    )
    command: Annotated[list[Argument], Field(max_length=32)] | None = Field(
        None, description="Replaces the image's entrypoint."
    )
    args: Annotated[list[Argument], Field(max_length=64)] | None = Field(
        None, description="Replaces the image's command."
    )


class Discovery(Model):
    """How nodes find each other. The strategy also fixes how they are named."""

    strategy: Literal["DNS", "DNSSRV"] = Field(
        "DNS",
        description="DNS: nodes are called base@POD_IP and found by the headless Service's A records "
        "(dns_cluster, libcluster Kubernetes.DNS). DNSSRV: nodes are called base@POD.SERVICE.NAMESPACE.svc.DOMAIN "
        "and found by its SRV records (libcluster Kubernetes.DNSSRV).",
    )
    polling_interval_seconds: Annotated[int, Field(ge=1, le=300)] = Field(
        5, description="How often the discovery library looks for new nodes, in seconds."
    )
    cluster_domain: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=DNS_SUBDOMAIN)] = Field(
        "cluster.local", description="The Kubernetes cluster's DNS domain."
    )


class SecretKeyReference(Model):
    """A key of a Secret in the resource's namespace."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")] = Field(
        description="Key of the Secret."
    )


class Cookie(Model):
    """Where the distribution cookie comes from."""

    secret_ref: SecretKeyReference | None = Field(
        None,
        description="A Secret of yours that holds the cookie: letters, digits and _ only, no newline. "
        "Default: a Secret that the operator makes once, with 32 random bytes.",
    )


class Distribution(Model):
    """The connection between nodes."""

    port: Port = Field(6789, description="The one port on which every node listens for the others. There is no epmd.")
    cookie: Cookie = Field(default_factory=Cookie, description="The shared secret of the nodes.")
    net_tick_time_seconds: Annotated[int, Field(ge=4, le=3600)] | None = Field(
        None,
        description="After how many seconds without an answer a node is given up (kernel net_ticktime; "
        "the runtime's default is 60). All nodes must agree: change it with update.strategy Recreate.",
    )


class Vm(Model):
    """The virtual machine. What is said here wins over the release's own vm.args."""

    rules: ClassVar = (
        Rule(
            f"!has(self.args) || self.args.all(a, !(a.split(' ')[0] in {list(OWNED_FLAGS)!r}))",
            "vm.args: names, cookie and distribution flags are rendered by the operator and must not be repeated "
            "(a repeated flag disables itself); use spec.release, spec.distribution and spec.discovery",
            "args",
        ),
    )

    schedulers: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        None,
        description="Scheduler threads (+S). Default: the runtime follows the CPU limit by itself; with a CPU "
        "request and no limit, the request rounded up.",
    )
    busy_wait: Literal["None", "Release"] = Field(
        "None",
        description="None: schedulers do not spin, which would burn the pod's CPU quota (+sbwt none). "
        "Release: as the release's vm.args say.",
    )
    max_ports: Annotated[int, Field(ge=1024, le=134217727)] = Field(
        65536,
        description="Size of the port table (+Q). Unset, the runtime takes it from ulimit -n, up to 1.6 GB.",
    )
    args: Annotated[list[Text], Field(max_length=64)] = Field(
        default_factory=list, description="More flags for the virtual machine, one argument an entry."
    )
