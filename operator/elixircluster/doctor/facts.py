"""Everything that the checks look at, gathered once and at once, with a bound on each."""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from elixircluster.doctor.probe import (
    KUBECTL_SECONDS,
    RESTARTED_SECONDS,
    Peer,
    Probe,
    UnfitError,
    look_into,
    question,
)
from elixircluster.doctor.stranger import AbsentError, knock
from elixircluster.plugin import resources
from elixircluster.plugin.kubectl import Kubectl, KubectlError

GET_SECONDS = 5.0
MOST_PROBED = 12
"""Each probe takes half a second of a processor and 40 MB inside its pod, and each looks at every other member."""
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
    def container(self) -> Body:
        """The release's."""
        return next((item for item in self.pod["spec"]["containers"] if item["name"] == resources.CONTAINER), {})

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
    """What was found. `now` is ours, in seconds since the epoch; `unseen` says why an object could not be read."""

    name: str
    resource: Body
    members: Sequence[Member] = ()
    slices: Sequence[Body] = ()
    policies: Sequence[Body] = ()
    namespace: Body = field(default_factory=dict)
    knocks: Mapping[str, str] = field(default_factory=dict)
    no_stranger: str = ""
    unseen: Mapping[str, str] = field(default_factory=dict)
    now: float = 0.0

    @property
    def spec(self) -> Body:
        """The resource's."""
        return dict(self.resource.get("spec") or {})

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
        if said.count("/") == 3:
            protocol, port, epmd, naming = said.split("/")
            return Distribution(protocol, int(port), epmd == "epmd", naming)
    return Distribution()


def gather(kubectl: Kubectl, name: str, step: Callable[[str], None] = lambda _: None) -> Facts:
    """All facts of a resource, in less than ten seconds. Raises `KubectlError` where the resource cannot be read."""
    step("reading the resource, its pods and policies")
    facts = _from_the_server(kubectl, name)
    step(f"looking into {min(len(facts.members), MOST_PROBED)} pods")
    return _from_inside(kubectl, facts)


def _from_the_server(kubectl: Kubectl, name: str) -> Facts:
    questions = {
        "pods": ("pods", "-l", resources.selector(name)),
        "slices": ("endpointslices", "-l", f"kubernetes.io/service-name={name}-nodes"),
        "policies": ("networkpolicies",),
    }
    found: dict[str, Body] = {}
    unseen: dict[str, str] = {}
    with ThreadPoolExecutor(len(questions) + 1) as pool:
        resource = pool.submit(_resource, kubectl, name)
        asked = {key: pool.submit(_get, kubectl, *arguments) for key, arguments in questions.items()}
        for key, answer in asked.items():
            try:
                found[key] = answer.result()
            except KubectlError as error:
                unseen[key] = error.message
    pods = [pod for pod in _items(found, "pods") if "deletionTimestamp" not in pod["metadata"]]
    return Facts(
        name=name,
        resource=resource.result(),
        members=[Member(pod) for pod in sorted(pods, key=lambda pod: resources.ordinal(pod["metadata"]["name"]))],
        slices=_items(found, "slices"),
        policies=_items(found, "policies"),
        unseen=unseen,
    )


def _resource(kubectl: Kubectl, name: str) -> Body:
    try:
        return _get(kubectl, resources.KIND, name)
    except KubectlError as error:
        if error.reason == "NotFound" or resources.UNKNOWN_KIND in error.message:
            # Once more, by who tells what there is instead.
            return dict(resources.one(kubectl, name))
        raise


def _get(kubectl: Kubectl, *arguments: str) -> Body:
    found: Body = kubectl.json("get", *arguments, seconds=GET_SECONDS)
    return found


def _items(found: Mapping[str, Body], key: str) -> list[Body]:
    return list((found.get(key) or {}).get("items") or [])


def _from_inside(kubectl: Kubectl, facts: Facts) -> Facts:
    """A probe in each pod, and a stranger, all at once."""
    chosen = [member.name for member in most_telling(facts)]
    port = facts.distribution.port
    peers = [
        Peer(member.name, member.address, port, member.node)
        for member in facts.members
        if member.name in chosen and member.address and member.node and member.running
    ]
    salt = secrets.token_hex(16)
    with ThreadPoolExecutor(len(chosen) + 2) as pool:
        stranger = pool.submit(_knock, kubectl, facts, [peer.address for peer in peers])
        namespace = pool.submit(_namespace, kubectl, facts)
        looks = {
            member.name: pool.submit(_look, kubectl, facts, member, peers, salt)
            for member in facts.members
            if member.name in chosen
        }
        members = [looks[member.name].result() if member.name in looks else member for member in facts.members]
        knocks, no_stranger = stranger.result()
        return replace(
            facts,
            members=members,
            knocks=knocks,
            no_stranger=no_stranger,
            namespace=namespace.result(),
            now=time.time(),
        )


def most_telling(facts: Facts) -> Sequence[Member]:
    """The members to look into: those first that are least connected by what the operator says."""
    connected = {
        item["pod"]: item.get("connected", -1) for item in (facts.resource.get("status") or {}).get("nodes", [])
    }
    return sorted(facts.members, key=lambda member: connected.get(member.name, -1))[:MOST_PROBED]


def _look(kubectl: Kubectl, facts: Facts, member: Member, peers: Sequence[Peer], salt: str) -> Member:
    if not member.running:
        return replace(member, unseen="its container does not run")
    others = [peer for peer in peers if peer.pod != member.name]
    asked = question(f"{facts.service}.", facts.distribution.family, others, salt)
    seconds = RESTARTED_SECONDS if member.container_status.get("restartCount") else KUBECTL_SECONDS
    before = time.time()
    try:
        told = look_into(kubectl, member.name, asked, seconds)
    except UnfitError as error:
        return replace(member, unseen=str(error))
    after = time.time()
    return replace(member, probe=Probe(told, offset=told["time"] / 1000 - after, uncertainty=after - before))


def _knock(kubectl: Kubectl, facts: Facts, addresses: Sequence[str]) -> tuple[Mapping[str, str], str]:
    if not addresses:
        return {}, "no node runs"
    try:
        return knock(kubectl, facts.members[0].pod, addresses, facts.distribution.port), ""
    except AbsentError as error:
        return {}, str(error)


def _namespace(kubectl: Kubectl, facts: Facts) -> Body:
    """For its labels, by which policies may select; often nobody but an administrator may read it."""
    try:
        return _get(kubectl, "namespace", facts.resource["metadata"]["namespace"])
    except KubectlError:
        return {}
