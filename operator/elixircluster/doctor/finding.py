"""What a check says, and how checks become findings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from elixircluster.doctor.facts import Facts

State = Literal["passed", "failed", "skipped"]

NOTHING = "no pod could be looked into"
UNANSWERED = "no node answers from beside it"
MOST_SHOWN = 6
MOST_NAMED = 3


class Verdict(NamedTuple):
    """Of one check: what it found in a line, what shows it, and what a person can do about it."""

    state: State
    said: str
    evidence: Sequence[str] = ()
    fix: str = ""


@dataclass(frozen=True)
class Check:
    """A question about the facts. It is skipped where one of `after` has failed: what it sees would be a symptom."""

    key: str
    title: str
    judge: Callable[[Facts], Verdict]
    after: Sequence[str] = ()


@dataclass(frozen=True)
class Finding:
    """A check's verdict, for the report."""

    check: str
    title: str
    verdict: Verdict


def passed(said: str) -> Verdict:
    """It is as it should be."""
    return Verdict("passed", said)


def looked_into(facts: Facts, looked: Collection[object], said: str) -> Verdict:
    """It is as it should be in these of the pods; where nobody could look, nothing is said."""
    if not looked:
        return skipped(NOTHING)
    count, of = len(looked), len(facts.members)
    return passed(said if count >= of else f"{said} (seen in {count} of {of} pods)")


def failed(said: str, evidence: Sequence[str], fix: str) -> Verdict:
    """A cause."""
    more = [f"and {len(evidence) - MOST_SHOWN} more"] if len(evidence) > MOST_SHOWN else []
    return Verdict("failed", said, [*evidence[:MOST_SHOWN], *more], fix)


def skipped(why: str) -> Verdict:
    """It could not be examined, or does not apply."""
    return Verdict("skipped", why)


def examine(facts: Facts, checks: Sequence[Check]) -> Sequence[Finding]:
    """Every check, in order; each comes behind those that it depends on."""
    findings: dict[str, Finding] = {}
    for check in checks:
        findings[check.key] = Finding(check.key, check.title, _verdict(facts, check, findings))
    return list(findings.values())


def _verdict(facts: Facts, check: Check, findings: dict[str, Finding]) -> Verdict:
    for key in check.after:
        if findings[key].verdict.state == "failed":
            return skipped(f"because of: {findings[key].title.lower()}")
    return check.judge(facts)


def causes(findings: Sequence[Finding]) -> Iterator[Finding]:
    """What failed, the first cause first."""
    return (finding for finding in findings if finding.verdict.state == "failed")


def some(names: Sequence[str]) -> str:
    """A few names, and how many more."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
