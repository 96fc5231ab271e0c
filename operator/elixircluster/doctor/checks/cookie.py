"""The cookie: whether all nodes have the same, compared by digests that are made inside the pods."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import NOTHING, Verdict, failed, looked_into, skipped, some
from elixircluster.doctor.probe import Told

FOLLOWS_SECONDS = 300.0
"""How long a pod's file may have the earlier cookie after a rotation: a kubelet looks again within a minute or two."""
ROTATING = {"RotatingCookie", "RotationWaiting"}
WAIT = "the cookie was changed while the nodes ran, and the pods' files do not have it yet: ask again in two minutes"
SET_ELSEWHERE = "RELEASE_COOKIE in rel/env.sh.eex, -setcookie in vm.args, spec.release.command"


def cookie(facts: Facts) -> Verdict:
    """All nodes have the same cookie, and no newline in it."""
    told = {member.name: _facets(member) for member in facts.probed if _facets(member)}
    if not told:
        return skipped(NOTHING)
    malformed = [line for name, facets in told.items() for line in _malformed(name, facets)]
    if malformed:
        return failed("a cookie is malformed", malformed, _write_anew(facts, told))
    waiting = {member.name for member in behind(facts)}
    digests = {member.name: _digest(member) for member in facts.probed if member.name in told.keys() - waiting}
    if not digests:
        return skipped(WAIT)
    if len(set(digests.values())) == 1:
        return looked_into(facts, digests, f"the same on {len(digests)} nodes, and no newline in it")
    odd = _odd(digests, {name: facets.get("mounted") for name, facets in told.items()})
    return failed(
        "the cookies differ",
        [*(f"{name} has another cookie than {why}" for name, why in odd.items()), _groups(digests)],
        f"{facts.kubectl} delete pod {' '.join(odd)}; where it comes back with another one, what starts it sets that: "
        f"{SET_ELSEWHERE}",
    )


def behind(facts: Facts) -> list[Member]:
    """The members whose node has a newer cookie than there is in its pod, after a rotation.

    Such a node lets nobody in with what the pod has, as one would that somebody gave another cookie. But the operator,
    which knows the new one, is let in; or it is at work on just that; or it was a few minutes ago.
    """
    refusing = [member for member in facts.probed if refuses(member)]
    candidates = [member for member in refusing if _facets(member).get("mounted") == _facets(member).get("digest")]
    if facts.conditions.get("Reconciling", {}).get("reason") in ROTATING:
        return candidates
    let_in = facts.conditions.get("Clustered", {}).get("status") == "True"
    value = (facts.resource.get("status") or {}).get("cookieRotation")
    if not value:
        # The value of a Secret of the user's may have changed, which leaves no trace; then every node has the new one.
        everybody = len(refusing) == len(facts.members) == len(candidates)
        return candidates if let_in and everybody else []
    rotated = _seconds(str(value))
    if rotated is None:
        return candidates if let_in else []
    lately = facts.now - rotated < FOLLOWS_SECONDS
    return [member for member in candidates if member.started <= rotated] if let_in or lately else []


def refuses(member: Member) -> bool:
    """Whether a node lets nobody in with the cookies that its pod has."""
    return bool(member.probe and member.probe.part("node").get("error") == "refused")


def _seconds(value: str) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp()
    except ValueError:
        return None


def _facets(member: Member) -> Told:
    return member.probe.part("cookie") if member.probe else {}


def _malformed(name: str, facets: Mapping[str, object]) -> Iterator[str]:
    if facets["empty"]:
        yield f"{name}'s cookie is empty"
    elif facets["newline"]:
        yield f"{name}'s cookie has a newline in it"
    elif facets["blanks"]:
        yield f"{name}'s cookie begins or ends with a blank"


def _write_anew(facts: Facts, told: Mapping[str, Told]) -> str:
    """By where the cookie comes from."""
    if any(facets.get("mounted") not in {None, facets["digest"]} for facets in told.values()):
        return f"it is not the Secret's; what starts the node sets it: {SET_ELSEWHERE}"
    if any(((facts.spec.get("distribution") or {}).get("cookie") or {}).values()):
        return "write the Secret that spec.distribution.cookie names anew without a newline: printf, not echo"
    return f"kubectl elixir rotate-cookie -n {facts.resource['metadata']['namespace']} {facts.name}"


def _digest(member: Member) -> str:
    """Of the cookie with which the node was reached, else of the one that it was started with."""
    probe = member.probe
    return str(probe.part("node").get("cookie") or probe.part("cookie").get("digest")) if probe else ""


def _odd(digests: Mapping[str, str], mounted: Mapping[str, object]) -> Mapping[str, str]:
    """The nodes that have the wrong one, by the Secret if it is in the pods, else by what most have."""
    other = {name: "its Secret" for name, digest in digests.items() if mounted[name] not in {None, digest}}
    most = Counter(digests.values()).most_common(1)[0][0]
    return other or {name: "most of the others" for name, digest in digests.items() if digest != most}


def _groups(digests: Mapping[str, str]) -> str:
    groups = defaultdict(list)
    for name, digest in digests.items():
        groups[digest].append(name)
    return "who has the same: " + " | ".join(some(names) for names in groups.values())


def oneself(facts: Facts) -> Verdict:
    """Each node lets in one that has its own name's host, cookie, flags and certificate."""
    told = {member.name: member.probe.part("node") for member in facts.probed if member.probe}
    if not told:
        return skipped(NOTHING)
    waiting = {member.name for member in behind(facts)}
    refused = [member.name for member in facts.probed if refuses(member) and member.name not in waiting]
    if refused:
        return failed(
            "a node refuses what it was started with itself",
            [f"{name} refuses a connection with its own cookie" for name in refused],
            "its cookie was changed while it ran (Node.set_cookie), or it hangs: "
            f"{facts.kubectl} delete pod {' '.join(refused)}",
        )
    if waiting:
        return skipped(WAIT)
    let_in = [name for name, answer in told.items() if "said" in answer]
    if len(let_in) < len(told):
        return skipped("not every node answered in time")
    return looked_into(facts, let_in, f"each of {len(let_in)} nodes lets in one with its own cookie")
