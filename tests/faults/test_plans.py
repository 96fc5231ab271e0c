"""One fault at one write, for every write of every scenario: the end is as without it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from .client import Client
from .conftest import CAMPAIGN
from .proxy import Fault
from .scenarios import SCENARIOS, Run, Scenario, play
from .state import differences

AT_ONCE = 4
SEED = 1
CRASHES = ("crash-before", "crash-after", "crash-replied", "lost-reply", "reset")
REFUSALS = (409, 429, 500, 503)
PLANS_IN_SAMPLE = {"create": 4, "scale": 2, "image": 3, "web removed": 2, "recreate": 1, "delete": 0}
GAPS = ("configmaps", "services", "serviceaccounts", "poddisruptionbudgets", "statefulsets", "secrets")


def plans(reference: Run) -> Iterator[Fault]:
    """Every fault for every write of the reference run, and refusals and delays of all writes."""
    for write in sorted(set(reference.writes)):
        for action in CRASHES:
            yield Fault(action, write)
        for code in REFUSALS:
            yield Fault("refuse", write, code)
    for code in REFUSALS:
        yield Fault("refuse", None, code)
    yield Fault("lost-reply")
    yield Fault("reset")
    yield Fault("delay", seconds=0.5)


def complaints(reference: Run, run: Run) -> list[str]:
    """What the oracles say of a run."""
    found = differences(reference.state, run.state)[:5]
    twice = [
        f"made or deleted {n}×, expected {reference.made[name]}×: {name}"
        for name, n in run.made.items()
        if n > max(reference.made[name], 1)
    ]
    found += twice
    if "Traceback" in run.log:
        found.append("a traceback: " + run.log[run.log.index("Traceback") :][-600:])
    if run.late:
        found.append(f"writes after it had converged: {run.late[:5]}")
    return found


async def judged(client: Client, folder: Path, scenario: Scenario, reference: Run, fault: Fault) -> tuple[bool, str]:
    """Whether the fault came to pass, and what is wrong now."""
    try:
        run = await play(client, folder, scenario, fault)
    except (TimeoutError, AssertionError) as error:
        return True, f"{scenario.name}: {fault}: {error}"
    found = complaints(reference, run)
    return bool(run.hit), f"{scenario.name}: {fault}: " + "; ".join(found) if found else ""


@pytest.mark.parametrize("name", SCENARIOS)
async def test_one_fault_at_one_write_changes_nothing_in_the_end(client: Client, tmp_path: Path, name: str) -> None:
    scenario = SCENARIOS[name]
    reference, again = await asyncio.gather(*(play(client, tmp_path, scenario, None) for _ in range(2)))
    assert complaints(reference, again) == []
    assert bool(reference.state) == (name != "delete")
    every = list(plans(reference))
    chosen = every if CAMPAIGN else random.Random(SEED).sample(every, min(PLANS_IN_SAMPLE[name], len(every)))
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(fault: Fault) -> tuple[bool, str]:
        async with slots:
            return await judged(client, tmp_path, scenario, reference, fault)

    verdicts = await asyncio.gather(*map(one, chosen))
    failures = [line for _, line in verdicts if line]
    # The third status in a row may not be written when the second comes late.
    happened = sum(hit for hit, _ in verdicts)
    print(f"{name}: {len(chosen)} plans of {len(every)}, {happened} came to pass, {len(failures)} failed")
    assert failures == []
    assert happened >= len(chosen) / 2 or name == "delete"


@pytest.mark.parametrize("plural", GAPS if CAMPAIGN else ("services", "statefulsets"))
async def test_a_child_deleted_in_a_gap_of_its_watch_comes_back(client: Client, tmp_path: Path, plural: str) -> None:
    scenario = SCENARIOS["create"]
    reference, run = await asyncio.gather(
        play(client, tmp_path, scenario, None), play(client, tmp_path, scenario, None, gap=plural)
    )
    assert run.hit == [f"410 @ {plural}"]
    found = differences(reference.state, run.state)
    if plural == "secrets":
        # Another Secret is another cookie, so the nodes were replaced.
        found = [line for line in found if "REVISION" not in line and "generation" not in line.lower()]
    assert found == []
    assert "Traceback" not in run.log
    assert run.late == []
