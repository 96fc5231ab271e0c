"""Everything that the checks look at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from elixircluster.doctor.probe import (
    Probe,
)
from elixircluster.observed.machine import lost_since, silence
from elixircluster.plugin import resources

STATEFUL_SET = "StatefulSet"
NAME_VARIABLES = ("RELEASE_NODE", "ERLANG_NODE")

Body = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Distribution:
    """How the nodes are to be reached, as the operator has written it on the pods."""

    protocol: str = "inet_tcp"
    port: int = 6789
    epmd: bool = False
    naming: str = "address"

    @property
    def encrypted(self) -> bool:
        """Whether the nodes are to speak TLS."""
        return self.protocol.endswith("tls")

    @property
    def family(self) -> str:
        """As Erlang calls the address family."""
        return "inet6" if self.protocol.startswith("inet6") else "inet"


@dataclass(frozen=True)
class Member:
    """A pod of the resource, and what was told inside it or why nothing was."""

    pod: Body
    probe: Probe | None = None
    unseen: str = ""

    @property
    def name(self) -> str:
        """The pod's."""
        return str(self.pod["metadata"]["name"])

    @property
    def address(self) -> str:
        """Empty while it has none."""
        return str((self.pod.get("status") or {}).get("podIP") or "")

    @property
    def machine(self) -> str:
        """The Kubernetes Node that it is on; empty while it has no place."""
        return str(self.pod["spec"].get("nodeName") or "")

    @property
    def lost(self) -> str:
        """That its machine does not answer, where Kubernetes says so."""
        since = lost_since(self.pod)
        return silence(self.machine, since) if since else ""

    @property
    def container(self) -> Body:
        """The release's."""
        return next((item for item in self.pod["spec"]["containers"] if item["name"] == resources.CONTAINER), {})

    @property
    def told(self) -> Mapping[str, Any]:
        """What was told inside it; empty where nothing was."""
        return self.probe.told if self.probe else {}

    @property
    def said(self) -> Mapping[str, Any]:
        """What the node itself answered; empty where it did not."""
        return self.probe.said if self.probe else {}

    @property
    def container_status(self) -> Body:
        """What Kubernetes says of it; empty before it was made."""
        statuses = (self.pod.get("status") or {}).get("containerStatuses") or []
        return next((item for item in statuses if item["name"] == resources.CONTAINER), {})

    @property
    def running(self) -> bool:
        """Whether the release's container runs."""
        return "running" in (self.container_status.get("state") or {})

    @property
    def started(self) -> float:
        """When it began to run, by the clock of its Kubernetes node; 0 where that is not told."""
        return seconds_of((self.container_status.get("state") or {}).get("running", {}).get("startedAt"))

    @property
    def node(self) -> str:
        """The name that the operator gives the node; empty where the pod has no address yet."""
        for entry in self.container.get("env") or []:
            if entry["name"] in NAME_VARIABLES and "value" in entry:
                if "$(POD_IP)" in entry["value"] and not self.address:
                    return ""
                return str(entry["value"]).replace("$(POD_IP)", self.address).replace("$(POD_NAME)", self.name)
        return ""


@dataclass(frozen=True)
class Facts:
    """What was found. `now` is ours, in seconds since the epoch; `unseen` says why an object could not be read.

    `stranger` is the address from which somebody knocked; empty where it is not known.
    """

    name: str
    resource: Body
    members: Sequence[Member] = ()
    slices: Sequence[Body] = ()
    policies: Sequence[Body] = ()
    events: Sequence[Body] = ()
    namespace: Body = field(default_factory=dict)
    knocks: Mapping[str, str] = field(default_factory=dict)
    stranger: str = ""
    no_stranger: str = ""
    unseen: Mapping[str, str] = field(default_factory=dict)
    now: float = 0.0

    def said_of(self, pod: Body) -> Sequence[Body]:
        """The Events about a pod."""
        uid = pod["metadata"]["uid"]
        return [event for event in self.events if event["involvedObject"].get("uid") == uid]

    @property
    def said_of_the_workload(self) -> Sequence[Body]:
        """The Events about the StatefulSet."""
        return [event for event in self.events if event["involvedObject"].get("kind") == STATEFUL_SET]

    @property
    def spec(self) -> Body:
        """The resource's."""
        return dict(self.resource.get("spec") or {})

    @property
    def kubectl(self) -> str:
        """How a remedy begins: whoever copies it may be in another namespace."""
        return f"kubectl -n {self.resource['metadata']['namespace']}"

    @property
    def conditions(self) -> Mapping[str, Body]:
        """The operator's verdict, by type."""
        return {item["type"]: item for item in (self.resource.get("status") or {}).get("conditions") or []}

    @property
    def strategy(self) -> str:
        """Of discovery."""
        return str((self.spec.get("discovery") or {}).get("strategy", "DNS"))

    @property
    def service(self) -> str:
        """The headless Service's full name in DNS."""
        return service_name(self.resource)

    @property
    def distribution(self) -> Distribution:
        """What is written on the pods."""
        return distribution([member.pod for member in self.members])

    @property
    def port_variable(self) -> str:
        """By which variable a node is told its port."""
        return "ERL_DIST_PORT" if self.spec.get("runtime") == "Relx" else "ERL_AFLAGS"

    @property
    def partial(self) -> bool:
        """Whether nodes are not meant to be connected with every other."""
        return (self.spec.get("mesh") or {}).get("topology") == "Partial"

    @property
    def probed(self) -> Sequence[Member]:
        """The members that told something."""
        return [member for member in self.members if member.probe]


def seconds_of(time: str | None) -> float:
    """Since the epoch, of a time in RFC 3339; 0 where there is none."""
    return dt.datetime.fromisoformat(time).timestamp() if time else 0.0


def service_name(resource: Body) -> str:
    """Without a trailing dot."""
    domain = (resource["spec"].get("discovery") or {}).get("clusterDomain", "cluster.local")
    return f"{resource['metadata']['name']}-nodes.{resource['metadata']['namespace']}.svc.{domain}"


def distribution(pods: Sequence[Body]) -> Distribution:
    """How the nodes are to be reached; what is usual where no pod says so."""
    for pod in pods:
        said = (pod["metadata"].get("annotations") or {}).get("elixircluster.dev/distribution", "")
        if said.count("/") >= 3:
            carrier, port, epmd, naming = said.split("/")[:4]
            return Distribution(carrier.partition(":")[0], int(port), epmd == "epmd", naming)
    return Distribution()
