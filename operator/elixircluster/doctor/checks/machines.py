"""The machines: whatever is seen of the nodes on one that does not answer follows from that."""

from __future__ import annotations

from collections.abc import Iterator

from elixircluster.doctor.checks.network import NOBODY, knocked
from elixircluster.doctor.facts import Facts, Member
from elixircluster.doctor.finding import Verdict, failed, looked_into, skipped
from elixircluster.observed.machine import listed, way_out

ANSWERS = {"open", NOBODY}
"""What a port says only where the machine behind it lives."""
UNKNOWN_YET = "Kubernetes notices within a minute whether it is the machine: kubectl get node {machines}. If so, "


def machines(facts: Facts) -> Verdict:
    """Every machine with members answers."""
    if "pods" in facts.unseen:
        return skipped(f"pods cannot be listed: {facts.unseen['pods']}")
    lost, silent = _by_machine(member for member in facts.members if member.lost), dict(_silent(facts))
    if lost or silent:
        told = [f"{listed(item.name for item in here)}: {here[0].lost}" for here in lost.values()]
        told += [
            f"{listed(item.name for item in here)}, on the machine {machine}: no other node reaches them, and neither "
            f"does kubectl ({here[0].unseen})"
            for machine, here in silent.items()
        ]
        names = sorted({*lost, *silent})
        doubt = UNKNOWN_YET.format(machines=" ".join(silent)) if silent and not lost else ""
        return failed("a machine does not answer", told, f"{doubt}{way_out(names)}")
    count = len({member.machine for member in facts.probed})
    return looked_into(facts, facts.probed, f"{count} machine{'' if count == 1 else 's'}")


def _silent(facts: Facts) -> Iterator[tuple[str, list[Member]]]:
    """Machines of which Kubernetes says nothing yet, and that neither kubectl nor any node elsewhere reaches."""
    for machine, here in _by_machine(member for member in facts.members if member.running).items():
        names = {member.name for member in here}
        elsewhere = [item for item in facts.probed if item.machine != machine]
        knocks = {pod: answer for item in elsewhere for pod, answer in knocked(item).items() if pod in names}
        asked = [member for member in here if member.unseen]
        if machine and len(asked) == len(here) and knocks and not ANSWERS & set(knocks.values()):
            yield machine, here


def _by_machine(members: Iterator[Member]) -> dict[str, list[Member]]:
    found: dict[str, list[Member]] = {}
    for member in members:
        found.setdefault(member.machine, []).append(member)
    return found
