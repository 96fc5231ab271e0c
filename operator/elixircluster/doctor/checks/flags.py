"""What the nodes were started with: flags, port mapper, versions; and their clocks."""

from __future__ import annotations

from collections.abc import Iterator

from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import NOTHING, UNANSWERED, Verdict, failed, looked_into, skipped, some

ONCE = ("-proto_dist", "-erl_epmd_port", "-ssl_dist_optfile", "-setcookie")
"""Flags that the runtime ignores when they are given twice."""
VARIABLES = ("ERL_AFLAGS", "ERL_FLAGS", "ERL_ZFLAGS", "ELIXIR_ERL_OPTIONS")
MOST_SKEW_SECONDS = 30.0


def repeated(facts: Facts) -> Verdict:
    """No flag that disables itself is given twice."""
    twice = [line for member in facts.members for line in _repeated(member)]
    if twice:
        return failed(
            "a flag is given twice, and so counts as not given",
            twice,
            "give it once: remove it from spec.env, spec.envFrom, the image's vm.args and env.sh; the operator sets it",
        )
    return looked_into(facts, facts.probed, "each distribution flag is given once")


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
        return looked_into(facts, ways, f"all nodes are found {wanted}")
    same = [f"{name} is to be found {way}" for name, way in ways.items() if way == wanted]
    return failed(
        "epmd on one end and not on the other" if same else f"the nodes are not found {wanted}",
        [*other, *same],
        f"let the operator give -start_epmd and -erl_epmd_port: what starts the node changes or drops "
        f"{facts.port_variable} (spec.release.command, spec.env, the image's rel/env.sh.eex)",
    )


def _way(member: Member) -> str:
    ports = member.probe.flags.get("erl_epmd_port", ()) if member.probe else ()
    return f"on port {ports[0]}" if len(ports) == 1 else "by epmd"


def clock(facts: Facts) -> Verdict:
    """The clocks of the pods agree, so that a certificate is valid on all or on none."""
    clocks = {member.name: member.probe for member in facts.probed if member.probe}
    if len(clocks) < 2:
        return skipped("there is one pod only" if clocks else NOTHING)
    first, last = (pick(clocks.items(), key=lambda item: item[1].offset) for pick in (min, max))
    skew = last[1].offset - first[1].offset
    if skew - first[1].uncertainty - last[1].uncertainty > MOST_SKEW_SECONDS:
        evidence = [f"{last[0]}'s clock is {skew:.0f} s before {first[0]}'s"]
        return failed("the clocks differ", evidence, "set the clocks of the Kubernetes nodes (NTP)")
    return looked_into(facts, clocks, f"less than {MOST_SKEW_SECONDS:g} s between {len(clocks)} pods")


def versions(facts: Facts) -> Verdict:
    """The releases of OTP are close enough: the runtime promises two majors to either side."""
    found = {member.name: member.probe.said.get("otp") for member in facts.probed if member.probe}
    known = {name: int(otp) for name, otp in found.items() if otp and str(otp).isdigit()}
    if not known:
        return skipped(UNANSWERED if facts.probed else NOTHING)
    told = ", ".join(
        f"{otp} ({some([name for name in known if known[name] == otp])})" for otp in sorted(set(known.values()))
    )
    if max(known.values()) - min(known.values()) > 2:
        return failed(
            "the nodes' OTP releases are too far apart",
            [told],
            "nodes talk to those of two majors before and after: finish the rollout; the next such change by "
            "spec.update.strategy Recreate, or over an OTP between",
        )
    return looked_into(facts, known, f"OTP {told if len(set(known.values())) > 1 else max(known.values())}")


def apart(facts: Facts) -> Verdict:
    """No node is told to keep away from the others, where all are to be connected."""
    if facts.partial:
        return skipped("spec.mesh.topology is Partial: not every node is to see every other")
    asked = [member for member in facts.probed if member.said]
    if not asked:
        return skipped(UNANSWERED if facts.probed else NOTHING)
    told = [f"{member.name} {line}" for member in facts.probed for line in _apart(member)]
    if not told:
        return looked_into(facts, asked, "no node is told to keep away from others")
    if not any(unseen(facts)):
        return looked_into(facts, asked, f"all are connected all the same: {some(told)}")
    return failed(
        "a node is told to keep away from others",
        told,
        "remove it from spec.env, spec.vm.args, the image's vm.args or its sys.config; or, where it is meant, say so: "
        "spec.mesh.topology Partial",
    )


def _apart(member: Member) -> Iterator[str]:
    if member.told.get("hidden"):
        yield "is started with -hidden"
    kernel = member.said.get("kernel") or {}
    if str(kernel.get("connect_all")) == "false":
        yield "has connect_all false"
    if str(kernel.get("dist_auto_connect")) in {"never", "once"}:
        yield f"has dist_auto_connect {kernel['dist_auto_connect']}"


def unseen(facts: Facts) -> Iterator[tuple[str, list[str]]]:
    """The nodes that do not see others, by what they say themselves, and whom not."""
    nodes = {member.node for member in facts.members if member.node}
    for member in facts.probed:
        sees = member.said.get("visible")
        if isinstance(sees, list) and (missing := nodes - set(sees) - {member.node}):
            yield member.node, sorted(missing)
