"""The findings for a person, and for a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from elixircluster.doctor.facts import Facts
from elixircluster.doctor.finding import Finding, causes
from elixircluster.plugin.plain import plain_line
from elixircluster.plugin.terminal import BAD, GOOD, UNKNOWN

MARKS = {"passed": ("✓", GOOD), "failed": ("✗", BAD), "skipped": ("-", UNKNOWN)}
ALL_PASSED, CAUSE_FOUND, NOT_EXAMINED = 0, 1, 2


def exit_status(facts: Facts, findings: Sequence[Finding]) -> int:
    """0: all that could be examined passed. 1: a cause was found. 2: no pod could be looked into."""
    if any(causes(findings)):
        return CAUSE_FOUND
    return ALL_PASSED if facts.probed else NOT_EXAMINED


def headline(facts: Facts, findings: Sequence[Finding]) -> str:
    """The verdict: the first cause, or that there is none."""
    return plain_line(f"{facts.name}: {_verdict(facts, findings)}")


def _verdict(facts: Facts, findings: Sequence[Finding]) -> str:
    cause = next(causes(findings), None)
    if cause:
        evidence = f": {cause.verdict.evidence[0]}" if cause.verdict.evidence else ""
        return f"{cause.verdict.said}{evidence}"
    if not facts.probed:
        why = next((member.unseen for member in facts.members if member.unseen), "it has no pods")
        return f"could not be examined: {why}"
    passed = sum(finding.verdict.state == "passed" for finding in findings)
    skipped = sum(finding.verdict.state == "skipped" for finding in findings)
    where = "" if len(facts.probed) == len(facts.members) else " where it could be looked into"
    return f"nothing is wrong{where} ({passed} checks passed, {skipped} skipped)"


def report(facts: Facts, findings: Sequence[Finding]) -> Iterator[RenderableType]:
    """The verdict, and a line for each check; under one that failed what shows it and what to do."""
    colour = (GOOD, BAD, UNKNOWN)[exit_status(facts, findings)]
    yield Text(headline(facts, findings), f"bold {colour}")
    yield ""
    width = max(len(finding.title) for finding in findings) + 2
    for finding in findings:
        mark, colour = MARKS[finding.verdict.state]
        said = Text(plain_line(finding.verdict.said), UNKNOWN if finding.verdict.state == "skipped" else "")
        yield Text.assemble((f"{mark} ", colour), finding.title.ljust(width), said)
        for line in finding.verdict.evidence:
            yield Padding(Text(plain_line(line)), (0, 0, 0, width + 2))
        if finding.verdict.fix:
            yield Padding(Text.assemble(("fix: ", "bold"), plain_line(finding.verdict.fix)), (0, 0, 0, width + 2))
    unseen = [f"{member.name}: {member.unseen}" for member in facts.members if member.unseen]
    if unseen:
        yield ""
        yield Text(plain_line("not looked into: " + "; ".join(unseen)), UNKNOWN)


def as_json(facts: Facts, findings: Sequence[Finding]) -> dict[str, Any]:
    """What `report` shows, for programs."""
    return {
        "name": facts.name,
        "namespace": facts.resource["metadata"]["namespace"],
        "verdict": headline(facts, findings),
        "causes": [finding.check for finding in causes(findings)],
        "checks": [
            {
                "check": finding.check,
                "state": finding.verdict.state,
                "said": finding.verdict.said,
                "evidence": list(finding.verdict.evidence),
                "fix": finding.verdict.fix,
            }
            for finding in findings
        ],
        "notLookedInto": {member.name: member.unseen for member in facts.members if member.unseen},
    }
