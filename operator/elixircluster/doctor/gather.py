"""The facts, gathered once and at once, with a bound on each."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from elixircluster.doctor.facts import STATEFUL_SET, Body, Facts, Member
from elixircluster.doctor.probe import (
    KUBECTL_SECONDS,
    RESTARTED_SECONDS,
    Peer,
    Probe,
    UnfitError,
    look_into,
    question,
)
from elixircluster.doctor.stranger import AbsentError, Knocks, knock
from elixircluster.plugin import resources
from elixircluster.plugin.kubectl import Kubectl, KubectlError

GET_SECONDS = 5.0
MOST_PROBED = 12
"""Each probe takes half a second of a processor and 40 MB inside its pod, and each looks at every other member."""
NOBODY = Knocks({}, "")
"""What is found where there is no stranger."""


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
        "of_pods": ("events", "--field-selector", "involvedObject.kind=Pod"),
        "of_the_workload": (
            "events",
            "--field-selector",
            f"involvedObject.kind={STATEFUL_SET},involvedObject.name={name}",
        ),
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
    members = [Member(dict(pod)) for pod in resources.members(_items(found, "pods"))]
    return Facts(
        name=name,
        resource=resource.result(),
        # What ends is no member any more; but on a lost machine it does not end.
        members=[item for item in members if item.lost or "deletionTimestamp" not in item.pod["metadata"]],
        slices=_items(found, "slices"),
        policies=_items(found, "policies"),
        events=[*_items(found, "of_pods"), *_items(found, "of_the_workload")],
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
        if member.name in chosen and member.address and member.node and member.running and not member.lost
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
        (knocks, source), no_stranger = stranger.result()
        return replace(
            facts,
            members=members,
            knocks=knocks,
            stranger=source,
            no_stranger=no_stranger,
            namespace=namespace.result(),
            now=time.time(),
        )


def most_telling(facts: Facts) -> Sequence[Member]:
    """The members to look into: those first that are least connected by what the operator says.

    Nobody is asked on a machine that is known not to answer, but where there is room: it says why.
    """
    connected = {
        item["pod"]: item.get("connected", -1) for item in (facts.resource.get("status") or {}).get("nodes", [])
    }
    return sorted(facts.members, key=lambda member: (bool(member.lost), connected.get(member.name, -1)))[:MOST_PROBED]


def _look(kubectl: Kubectl, facts: Facts, member: Member, peers: Sequence[Peer], salt: str) -> Member:
    if member.lost:
        return replace(member, unseen=member.lost)
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
    return replace(
        member, probe=Probe(told, offset=told.get("time", after * 1000) / 1000 - after, uncertainty=after - before)
    )


def _knock(kubectl: Kubectl, facts: Facts, addresses: Sequence[str]) -> tuple[Knocks, str]:
    if not addresses:
        return NOBODY, "no node runs"
    try:
        return knock(kubectl, facts.members[0].pod, addresses, facts.distribution.port), ""
    except AbsentError as error:
        return NOBODY, str(error)


def _namespace(kubectl: Kubectl, facts: Facts) -> Body:
    """For its labels, by which policies may select; often nobody but an administrator may read it."""
    try:
        return _get(kubectl, "namespace", facts.resource["metadata"]["namespace"])
    except KubectlError:
        return {}
