"""The BEAM node itself: its release, its virtual machine and how it finds the others."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from elixircluster.api.schema import DNS_SUBDOMAIN, Model, Rule, Text
from elixircluster.api.variables import OWNED_FLAGS

Argument = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Release(Model):
    """The release inside the image."""

    rules: ClassVar = tuple(
        Rule(
            f"!has(self.{field}) || self.{field}.all(a, !(a in {list(OWNED_FLAGS)!r}))",
            "names, cookie and distribution flags are rendered by the operator and must not be "
            "repeated; use spec.release.name and spec.distribution",
            field,
        )
        for field in ("command", "args")
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
        "Default: the resource's name with _ for -. Another name is a change that cannot roll.",
    )
    command: Annotated[list[Argument], Field(max_length=32)] | None = Field(
        None, description="Replaces the image's entrypoint."
    )
    args: Annotated[list[Argument], Field(max_length=64)] | None = Field(
        None, description="Replaces the image's command."
    )


class Discovery(Model):
    """How nodes find each other. The strategy also fixes how they are named."""

    rules: ClassVar = (
        Rule(
            "!(has(self.strategy) && self.strategy == 'None' && has(self.pollingIntervalSeconds))",
            "discovery.pollingIntervalSeconds says nothing with strategy None; leave it out",
            "pollingIntervalSeconds",
        ),
    )

    strategy: Literal["DNS", "DNSSRV", "API", "Static", "None"] = Field(
        "DNS",
        description="DNS: nodes are called base@POD_IP and found by the headless Service's addresses (dns_cluster, "
        "libcluster Kubernetes.DNS). DNSSRV: nodes are called base@POD.SERVICE.NAMESPACE.svc.DOMAIN and found by its "
        "SRV records (libcluster Kubernetes.DNSSRV). API: named as with DNS, found by asking the API server "
        "(libcluster Kubernetes). Static: named as with DNSSRV, every node knows all names and connects when it "
        "starts, with no library in the release. None: named as with DNS, and nothing is said about the others.",
    )
    polling_interval_seconds: Annotated[int, Field(ge=1, le=300)] | None = Field(
        None, description="How often the discovery library looks for new nodes, in seconds. Default: 5."
    )
    cluster_domain: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=DNS_SUBDOMAIN)] = Field(
        "cluster.local", description="The Kubernetes cluster's DNS domain."
    )


class Vm(Model):
    """The virtual machine. What is said here wins over the release's own vm.args."""

    rules: ClassVar = (
        Rule(
            f"!has(self.args) || self.args.all(a, !(a.split(' ')[0] in {list(OWNED_FLAGS)!r}))",
            "names, cookie and distribution flags are rendered by the operator and must not be repeated "
            "(a repeated flag disables itself); use spec.release, spec.distribution and spec.discovery",
            "args",
        ),
        Rule(
            "!has(self.args) || self.args.all(a, !a.matches('^[-+][^[:space:]]+[[:space:]]'))",
            'one argument an entry, ["-kernel", "shell_history", "enabled"] and not ["-kernel shell_history '
            'enabled"], because a blank would be a part of the argument',
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
