"""The resource and its nodes: accepted, named as they should be, running, with enough of everything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import NOTHING, UNANSWERED, Verdict, failed, looked_into, passed, skipped
from elixircluster.doctor.probe import Told
from elixircluster.observed.diagnosis import MISTAKES, OBSTACLES, diagnose
from elixircluster.observed.machine import LOST
from elixircluster.plugin.resources import CONTAINER

# Said of the resource, seen at its pods: there it is told in full.
OF_PODS = {diagnosis.reason for _, diagnosis in (*MISTAKES, *OBSTACLES)} | {"PodsRefused"}
SYMPTOMS = {"MeshNotHealed", "NotDistributed", "TlsNotSpoken"}
"""What the operator says when links do not come back is what we are to explain."""
OF_MACHINES = {LOST, "ProgressDeadlineExceeded"}
"""And where a machine is lost, of which a check of its own tells."""
OVERRIDDEN = "NodeNameOverridden"
RENAME = (
    "let the operator name the node: remove RELEASE_NODE and RELEASE_DISTRIBUTION from the image's rel/env.sh.eex, "
    "and -name and -sname from its vm.args"
)
OPERATOR = "kubectl get pods -A -l elixircluster.dev/operator=true"
HIGH_MEMORY = 0.95
HIGH_PORTS = 0.9


def resource(facts: Facts) -> Verdict:
    """The operator has read the newest spec and can make it so."""
    status = facts.resource.get("status") or {}
    if not facts.conditions:
        return failed(
            "the operator has not looked at it",
            ["the resource has no conditions"],
            f"is the operator installed and does it watch this namespace? {OPERATOR}",
        )
    stalled = facts.conditions.get("Stalled", {})
    elsewhere = OF_PODS | SYMPTOMS | (OF_MACHINES if any(member.lost for member in facts.members) else set())
    if stalled.get("status") == "True" and stalled["reason"] not in elsewhere:
        return failed(f"refused: {stalled['reason']}", [stalled["message"]], "do what the message says")
    if status.get("observedGeneration", 0) < facts.resource["metadata"].get("generation", 0):
        return failed(
            "the operator has not seen the newest change",
            [f"generation {facts.resource['metadata']['generation']}, observed {status.get('observedGeneration')}"],
            f"is the operator running? {OPERATOR}",
        )
    paused = ", and paused" if facts.spec.get("paused") else ""
    return passed(f"accepted{paused}")


def name(facts: Facts) -> Verdict:
    """Every node has the name that its peers are told."""
    wrong = [line for member in facts.members if (line := _wrong_name(member))]
    if wrong:
        return failed("a node is not named as the operator says", wrong, RENAME)
    bases = sorted({member.node.partition("@")[0] for member in facts.probed})
    return looked_into(facts, facts.probed, ", ".join(bases) + "@…, as rendered")


def release(facts: Facts) -> Verdict:
    """The release has the name by which its tools are called. Which it has only a Mix release tells."""
    known = [(member, name) for member in facts.probed if (name := _release_of(member))]
    wanted = (facts.spec.get("release") or {}).get("name") or facts.name.replace("-", "_")
    wrong = [f"{member.name} runs the release {name}" for member, name in known if name != wanted]
    if wrong:
        return failed(
            f"the release is not called {wanted}, so console and rpc do not find bin/{wanted}",
            wrong,
            "set spec.release.name to the release's name; nodes get another name by it, which needs "
            "spec.update.allowRecreate",
        )
    return looked_into(facts, known, wanted) if known else skipped("the release does not tell its name")


def _release_of(member: Member) -> str:
    return str(member.probe.part("environment").get("RELEASE_NAME") or "") if member.probe else ""


def _wrong_name(member: Member) -> str:
    if member.probe:
        given = [*member.probe.flags.get("name", ()), *member.probe.flags.get("sname", ())]
        if given[:1] == [member.node]:
            return ""
        return f"{member.name} runs as {given[0] if given else 'no node at all'}, and should as {member.node}"
    cause = diagnose(member.pod.get("status") or {}, CONTAINER)
    if cause and cause.reason == OVERRIDDEN:
        return f"{member.name} does not start: {cause.advice}"
    return ""


def frozen(facts: Facts) -> Verdict:
    """No node's process is stopped, and each takes a connection from beside it."""
    states = [(member, list(member.told.get("state") or [])) for member in facts.probed]
    stopped = [member for member, letters in states if letters and set(letters) <= {"T", "t"}]
    silent = [member for member in _told_frozen(facts) if not member.said and member not in stopped]
    if stopped or silent:
        evidence = [f"every thread of {member.name}'s node is stopped (state T)" for member in stopped]
        evidence += [_silent(facts, member) for member in silent]
        pods = " ".join(member.name for member in [*stopped, *silent])
        why = "" if stopped else "its schedulers are all busy or blocked, as by a NIF that does not return; "
        return failed("a node is frozen", evidence, f"{why}{facts.kubectl} delete pod {pods}: its peers wait for it")
    return looked_into(facts, [member.name for member, letters in states if letters], "all nodes run")


def _silent(facts: Facts, member: Member) -> str:
    if member.probe:
        return f"{member.name}'s node answers neither the operator nor from beside it"
    return f"the operator says of {member.name}: {facts.conditions['Clustered'].get('message', '')}"


def _told_frozen(facts: Facts) -> list[Member]:
    """The members of which the operator says so."""
    told = facts.conditions.get("Clustered", {})
    if told.get("reason") != "NodeFrozen":
        return []
    named = set(re.findall(r"[a-z0-9-]+", str(told.get("message", ""))))
    return [member for member in facts.members if member.name in named]


def booted(facts: Facts) -> Verdict:
    """Every release has booted: its applications are up."""
    known = [member for member in facts.probed if member.said.get("boot")]
    booting = [member for member in known if _boots(member)]
    if not booting:
        return looked_into(facts, known, "all releases have booted")
    first = booting[0].name
    return failed(
        "a release has not booted",
        [f"{member.name}'s virtual machine runs, and {_hangs(facts, member)}" for member in booting],
        f"wait, and where it stays so {facts.kubectl} logs {first} -c {CONTAINER} says what it waits for: mostly a "
        "database or another service that does not answer",
    )


def _boots(member: Member) -> bool:
    """What runs after the boot script may run for life, and has not booted while it starts applications."""
    internal, *provided = member.said["boot"]
    return internal != "started" and (provided != ["started"] or bool(member.said.get("starting")))


def _hangs(facts: Facts, member: Member) -> str:
    since = f" for {facts.now - member.started:.0f} s" if member.started else ""
    names = ", ".join(map(str, member.said.get("starting") or []))
    where = f"it is starting {names}" if names else "it has not come to its first application (runtime.exs?)"
    return f"its release has not booted{since}: {where}"


def resources(facts: Facts) -> Verdict:
    """Memory and processor suffice."""
    known = [member for member in facts.probed if _most_memory(member) or _table(_limits(member).get("cpu_stat"))]
    full = [line for member in known for line in _full(member)]
    held = [line for member in known for line in _held_back(member)]
    if full or held:
        fixes = [*(["spec.resources.limits.memory"] if full else []), *(["spec.resources.limits.cpu"] if held else [])]
        return failed("a node lacks memory or processor", [*full, *held], f"raise {' and '.join(fixes)}")
    schedulers = sorted({str(member.said["schedulers"]) for member in known if "schedulers" in member.said})
    told = f"; schedulers: {', '.join(schedulers)}" if schedulers else ""
    return looked_into(facts, known, f"memory and processor suffice{told}")


def _limits(member: Member) -> Told:
    return member.probe.part("limits") if member.probe else {}


def _most_memory(member: Member) -> int:
    """Its limit; 0 where there is none, or where it is not told."""
    most = _number(_limits(member).get("most_memory"))
    return most if most < 1 << 50 else 0


def _full(member: Member) -> Iterator[str]:
    limits, most = _limits(member), _most_memory(member)
    stat = _table(limits.get("memory_stat"))
    working = _number(limits.get("memory")) - (stat.get("total_inactive_file") or stat.get("inactive_file") or 0)
    if most and working > HIGH_MEMORY * most:
        yield f"{member.name} uses {working >> 20} of {most >> 20} MiB"


def _held_back(member: Member) -> Iterator[str]:
    cpu = _table(_limits(member).get("cpu_stat"))
    periods, throttled = cpu.get("nr_periods", 0), cpu.get("nr_throttled", 0)
    if periods > 100 and throttled > periods / 2:
        yield f"{member.name} was held back in {throttled} of {periods} periods by its processor limit"


def _number(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isdigit() else 0


def _table(text: object) -> dict[str, int]:
    pairs = [line.split() for line in str(text or "").splitlines()]
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def ports(facts: Facts) -> Verdict:
    """The port table has room for connections."""
    tables = [(member.name, member.said) for member in facts.probed if isinstance(member.said.get("most_ports"), int)]
    tables = [(name, said) for name, said in tables if isinstance(said.get("ports"), int)]
    full = [
        f"{name} has {said['ports']} of {said['most_ports']} ports open"
        for name, said in tables
        if said["ports"] > HIGH_PORTS * said["most_ports"]
    ]
    if full:
        return failed("a node's port table is full", full, "raise spec.vm.maxPorts, or find what opens them")
    if not tables:
        return skipped(UNANSWERED if facts.probed else NOTHING)
    _, most = max(tables, key=lambda entry: entry[1]["ports"] / entry[1]["most_ports"])
    return looked_into(facts, tables, f"{most['ports']} of {most['most_ports']} ports are open, where most are")
