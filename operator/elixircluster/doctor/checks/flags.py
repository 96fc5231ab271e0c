"""What the nodes were started with: flags, port mapper, cookie, versions; and their clocks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import Verdict, failed, passed, skipped, some

ONCE = ("-proto_dist", "-erl_epmd_port", "-ssl_dist_optfile")
"""Flags that the runtime ignores when they are given twice."""
VARIABLES = ("ERL_AFLAGS", "ERL_FLAGS", "ERL_ZFLAGS", "ELIXIR_ERL_OPTIONS")
MOST_SKEW_SECONDS = 30.0
NOTHING = "no pod could be looked into"


def repeated(facts: Facts) -> Verdict:
    """No flag that disables itself is given twice."""
    twice = [line for member in facts.members for line in _repeated(member)]
    if twice:
        return failed(
            "a flag is given twice, and so counts as not given",
            twice,
            "give it once: remove it from spec.env, and from the image's vm.args and env.sh; the operator sets it",
        )
    return passed("each distribution flag is given once") if facts.probed else skipped(NOTHING)


def _repeated(member: Member) -> Iterator[str]:
    """From the real command line; from the pod's variables where nothing runs."""
    if member.probe:
        for entry in member.probe.told.get("repeated") or []:
            if entry["flag"] in ONCE:
                where = [*entry["sources"], *(["the image"] if len(entry["sources"]) < entry["count"] else [])]
                yield f"{member.name}: {entry['flag']} {entry['count']} times, from {' and '.join(where)}"
        return
    given = {entry["name"]: str(entry.get("value", "")).split() for entry in member.container.get("env") or []}
    for flag in ONCE:
        sources = [name for name in VARIABLES for word in given.get(name, ()) if word == flag]
        if len(sources) > 1:
            yield f"{member.name}: {flag} {len(sources)} times, from {' and '.join(sorted(set(sources)))}"


def epmd(facts: Facts) -> Verdict:
    """All nodes look for each other in the same way, which is the resource's."""
    said = facts.distribution
    wanted = "by epmd" if said.epmd else f"on port {said.port}"
    ways = {member.name: _way(member) for member in facts.probed}
    if not ways:
        return skipped(NOTHING)
    other = [f"{name} is to be found {way}" for name, way in ways.items() if way != wanted]
    if not other:
        return passed(f"all nodes are found {wanted}")
    same = [f"{name} is to be found {way}" for name, way in ways.items() if way == wanted]
    return failed(
        "epmd on one end and not on the other" if same else f"the nodes are not found {wanted}",
        [*other, *same],
        "let the operator give -start_epmd and -erl_epmd_port: what starts the node changes or drops ERL_AFLAGS "
        "(spec.release.command, rel/env.sh.eex)",
    )


def _way(member: Member) -> str:
    ports = member.probe.flags.get("erl_epmd_port", ()) if member.probe else ()
    return f"on port {ports[0]}" if len(ports) == 1 else "by epmd"


def cookie(facts: Facts) -> Verdict:
    """All nodes have the same cookie, and no newline in it."""
    told = {member.name: member.probe.part("cookie") for member in facts.probed if member.probe}
    told = {name: facets for name, facets in told.items() if facets}
    if not told:
        return skipped(NOTHING)
    malformed = [line for name, facets in told.items() for line in _malformed(name, facets)]
    if malformed:
        return failed("a cookie is malformed", malformed, "write the Secret anew without a newline: printf, not echo")
    digests = {member.name: _digest(member) for member in facts.probed if member.name in told}
    if len(set(digests.values())) == 1:
        return passed(f"the same on {len(digests)} nodes, and no newline in it")
    odd = _odd(digests, {name: facets.get("mounted") for name, facets in told.items()})
    return failed(
        "the cookies differ",
        [*(f"{name} has another cookie than {why}" for name, why in odd.items()), _groups(digests)],
        f"kubectl delete pod {' '.join(odd)}; where it comes back with another one, what starts it sets that: "
        "RELEASE_COOKIE in rel/env.sh.eex, -setcookie in vm.args, spec.release.command",
    )


def _malformed(name: str, facets: Mapping[str, object]) -> Iterator[str]:
    if facets["empty"]:
        yield f"{name}'s cookie is empty"
    elif facets["newline"]:
        yield f"{name}'s cookie has a newline in it"
    elif facets["blanks"]:
        yield f"{name}'s cookie begins or ends with a blank"


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


def clock(facts: Facts) -> Verdict:
    """The clocks of the pods agree, so that a certificate is valid on all or on none."""
    clocks = {member.name: member.probe for member in facts.probed if member.probe}
    if not clocks:
        return skipped(NOTHING)
    first, last = (pick(clocks.items(), key=lambda item: item[1].offset) for pick in (min, max))
    skew = last[1].offset - first[1].offset
    if skew - first[1].uncertainty - last[1].uncertainty > MOST_SKEW_SECONDS:
        evidence = [f"{last[0]}'s clock is {skew:.0f} s before {first[0]}'s"]
        return failed("the clocks differ", evidence, "set the clocks of the Kubernetes nodes (NTP)")
    return passed(f"less than {MOST_SKEW_SECONDS:g} s between {len(clocks)} pods")


def versions(facts: Facts) -> Verdict:
    """The releases of OTP are close enough: the runtime promises two majors to either side."""
    found = {member.name: member.probe.said.get("otp") for member in facts.probed if member.probe}
    known = {name: int(otp) for name, otp in found.items() if otp and str(otp).isdigit()}
    if not known:
        return skipped("no node answers from beside it")
    told = ", ".join(
        f"{otp} ({some([name for name in known if known[name] == otp])})" for otp in sorted(set(known.values()))
    )
    if max(known.values()) - min(known.values()) > 2:
        return failed(
            "the nodes' OTP releases are too far apart", [told], "finish the rollout, or use update.strategy Recreate"
        )
    return passed(f"OTP {told if len(set(known.values())) > 1 else max(known.values())}")
