"""The resource and its pods: accepted, running, answering, named as they should be, with enough of everything."""

from __future__ import annotations

from collections.abc import Iterator

from elixircluster.control.diagnosis import MISTAKES, diagnose
from elixircluster.doctor.facts import Facts, Member, seconds_of
from elixircluster.doctor.finding import Verdict, failed, passed, skipped
from elixircluster.doctor.probe import Told

# Said of the resource, seen at its pods: there it is told in full.
OF_PODS = {diagnosis.reason for _, diagnosis in MISTAKES}
# What the operator says when links do not come back is what we are to explain.
SYMPTOMS = {"MeshNotHealed", "NotDistributed"}
OVERRIDDEN = "NodeNameOverridden"
RENAME = (
    "let the operator name the node: remove RELEASE_NODE and RELEASE_DISTRIBUTION from the image's rel/env.sh.eex, "
    "and -name and -sname from its vm.args"
)
RECENT_SECONDS = 600
HIGH_MEMORY = 0.95
HIGH_PORTS = 0.9


def resource(facts: Facts) -> Verdict:
    """The operator has read the newest spec and can make it so."""
    status = facts.resource.get("status") or {}
    if not facts.conditions:
        return failed(
            "the operator has not looked at it",
            ["the resource has no conditions"],
            "is the operator installed and does it watch this namespace? kubectl get pods -A -l "
            "app.kubernetes.io/name=elixircluster",
        )
    stalled = facts.conditions.get("Stalled", {})
    if stalled.get("status") == "True" and stalled["reason"] not in OF_PODS | SYMPTOMS:
        return failed(f"refused: {stalled['reason']}", [stalled["message"]], "do what the message says")
    if status.get("observedGeneration", 0) < facts.resource["metadata"].get("generation", 0):
        return failed(
            "the operator has not seen the newest change",
            [f"generation {facts.resource['metadata']['generation']}, observed {status.get('observedGeneration')}"],
            "is the operator running? kubectl get pods -A -l app.kubernetes.io/name=elixircluster",
        )
    paused = ", and paused" if facts.spec.get("paused") else ""
    return passed(f"accepted{paused}")


def name(facts: Facts) -> Verdict:
    """Every node has the name that its peers are told."""
    wrong = [line for member in facts.members if (line := _wrong_name(member))]
    if wrong:
        return failed("a node is not named as the operator says", wrong, RENAME)
    if not facts.probed:
        return skipped("no pod could be looked into")
    return passed(", ".join(sorted({member.node.partition("@")[0] for member in facts.probed})) + "@…, as rendered")


def _wrong_name(member: Member) -> str:
    if member.probe:
        given = [*member.probe.flags.get("name", ()), *member.probe.flags.get("sname", ())]
        if given[:1] == [member.node]:
            return ""
        return f"{member.name} runs as {given[0] if given else 'no node at all'}, and should as {member.node}"
    cause = diagnose(member.pod.get("status") or {})
    if cause and cause.reason == OVERRIDDEN:
        return f"{member.name} does not start: {cause.advice}"
    return ""


def pods(facts: Facts) -> Verdict:
    """All of them are there, run, and have not just restarted."""
    wanted = int(facts.spec.get("replicas", 3))
    if "pods" in facts.unseen:
        return skipped(f"pods cannot be listed: {facts.unseen['pods']}")
    if len(facts.members) < wanted:
        ready = facts.conditions.get("Ready", {})
        evidence = [f"{len(facts.members)} of {wanted} pods", str(ready.get("message", ""))]
        return failed("pods are missing", evidence, f"kubectl describe statefulset {facts.name}")
    ill = [line for member in facts.members if (line := _ill(member, facts.now))]
    if ill:
        return failed("a pod does not run, or restarts", ill, _remedy(facts))
    return passed(f"{len(facts.members)} running")


def _ill(member: Member, now: float) -> str:
    status = member.container_status
    state, last = status.get("state") or {}, (status.get("lastState") or {}).get("terminated") or {}
    ended = f", last ended with {last.get('reason', 'Error')} ({last.get('exitCode')})" if last else ""
    if "waiting" in state:
        return f"{member.name}: {state['waiting'].get('reason', 'waiting')}{ended}"
    if "terminated" in state:
        return f"{member.name}: ended with {state['terminated'].get('reason')} ({state['terminated'].get('exitCode')})"
    if not member.running:
        return f"{member.name}: {_unscheduled(member)}"
    if last and now - seconds_of(last.get("finishedAt")) < RECENT_SECONDS:
        return f"{member.name}: {status['restartCount']} restarts{ended}"
    return ""


def _unscheduled(member: Member) -> str:
    conditions = (member.pod.get("status") or {}).get("conditions") or []
    waits = [item.get("message", "") for item in conditions if item["status"] == "False" and item.get("message")]
    return waits[0] if waits else "not started yet"


def _remedy(facts: Facts) -> str:
    for member in facts.members:
        cause = diagnose(member.pod.get("status") or {})
        if cause:
            return cause.advice
    ill = next(member.name for member in facts.members if _ill(member, facts.now))
    return f"kubectl logs {ill} -c app --previous; kubectl describe pod {ill}"


def frozen(facts: Facts) -> Verdict:
    """No node's process is stopped, and each takes a connection from beside it."""
    stopped = [
        f"every thread of {member.name}'s node is stopped (state T)"
        for member, states in _states(facts)
        if states and set(states) <= {"T", "t"}
    ]
    if stopped:
        return failed("a node is frozen", stopped, "thaw it (kill -CONT), or delete the pod: its peers wait for it")
    if not facts.probed:
        told = facts.conditions.get("Clustered", {})
        if told.get("reason") == "NodeFrozen":
            return failed("a node is frozen", [told["message"]], "delete the pod: its peers wait for it")
        return skipped("no pod could be looked into")
    return passed("all nodes run")


def _states(facts: Facts) -> Iterator[tuple[Member, list[str]]]:
    for member in facts.probed:
        if member.probe:
            yield member, list(member.probe.told.get("state") or [])


def resources(facts: Facts) -> Verdict:
    """Memory and processor suffice."""
    scarce = [line for member in facts.probed for line in _scarce(member)]
    if scarce:
        return failed("a node lacks memory or processor", scarce, "raise spec.resources.limits")
    if not facts.probed:
        return skipped("no pod could be looked into")
    schedulers = sorted({str(member.probe.said.get("schedulers", "?")) for member in facts.probed if member.probe})
    return passed(f"memory and processor suffice; schedulers: {', '.join(schedulers)}")


def _scarce(member: Member) -> Iterator[str]:
    limits = member.probe.part("limits") if member.probe else {}
    used, most = _number(limits.get("memory")), _number(limits.get("most_memory"))
    stat = _table(limits.get("memory_stat"))
    working = used - (stat.get("total_inactive_file") or stat.get("inactive_file") or 0)
    if 0 < most < 1 << 50 and working > HIGH_MEMORY * most:
        yield f"{member.name} uses {working >> 20} of {most >> 20} MiB"
    cpu = _table(limits.get("cpu_stat"))
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
    open_ports = [
        (member.name, said["ports"], said["most_ports"]) for member, said in _answers(facts) if "ports" in said
    ]
    full = [f"{name} has {used} of {most} ports open" for name, used, most in open_ports if used > HIGH_PORTS * most]
    if full:
        return failed("a node's port table is full", full, "raise spec.vm.maxPorts, or find what opens them")
    if not open_ports:
        return skipped("no node answers from beside it")
    _, used, most = max(open_ports, key=lambda entry: entry[1] / entry[2])
    return passed(f"{used} of {most} ports are open, where most are")


def _answers(facts: Facts) -> Iterator[tuple[Member, Told]]:
    for member in facts.probed:
        if member.probe and isinstance(member.probe.said.get("most_ports"), int):
            yield member, member.probe.said
